"""What is known of places: whose they are."""

from sqlalchemy import Index

from shared.database.models import bigint_field, key_field
from subgraphs.tasks.models.base import Base


class Place(Base, table=True):
    """The local copy of a place, fed by `locations.place`: whose it is, and not where.

    Of one that was deleted the row stays: `seq` is the place of the newest event in its stream.
    """

    __tablename__ = "places"
    __table_args__ = (Index("places_by_owner", "owner_id"),)

    id: str = key_field(primary_key=True)
    owner_id: str = key_field()
    is_deleted: bool
    seq: int = bigint_field()
