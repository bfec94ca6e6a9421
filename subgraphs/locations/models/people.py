"""What is known of people: who blocked whom, and who is suspended."""

from sqlalchemy import Index

from shared.models import bigint_field, key_field
from subgraphs.locations.models.base import Base


class Block(Base, table=True):
    """The local copy of a block, fed by `users.user.blocked` and `unblocked`.

    One that was taken back stays with `is_blocked` false, so that an older event that comes later changes
    nothing: `seq` is the place of the newest one in the stream of the blocker.
    """

    __tablename__ = "blocks"
    __table_args__ = (Index("blocks_by_blocked", "blocked_id"),)

    blocker_id: str = key_field(primary_key=True)
    blocked_id: str = key_field(primary_key=True)
    is_blocked: bool
    seq: int = bigint_field()


class Suspension(Base, table=True):
    """The local copy of who is suspended, fed by `users.user.suspended` and `reinstated`.

    Of a suspension that was lifted the row stays with `is_suspended` false, so that an older event that
    comes later changes nothing: `seq` is the place of the newest one in the user's stream.
    """

    __tablename__ = "suspensions"

    user_id: str = key_field(primary_key=True)
    is_suspended: bool
    seq: int = bigint_field()
