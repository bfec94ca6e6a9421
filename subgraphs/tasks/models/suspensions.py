"""The local copy of who is suspended."""

from shared.models import bigint_field, key_field
from subgraphs.tasks.models.base import Base


class Suspension(Base, table=True):
    """Whether somebody is suspended, fed by `users.user.suspended` and `reinstated`.

    Of a suspension that was lifted the row stays with `is_suspended` false, so that an older event that
    comes later changes nothing: `seq` is the place of the newest one in the user's stream.
    """

    __tablename__ = "suspensions"

    user_id: str = key_field(primary_key=True)
    is_suspended: bool
    seq: int = bigint_field()
