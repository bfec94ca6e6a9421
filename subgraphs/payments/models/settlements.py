"""What is to be settled with the provider."""

from datetime import datetime

from shared.database.models import key_field, time_field
from subgraphs.payments.models.base import Base


class Settlement(Base, table=True):
    """Something whose state and that of the provider are to be brought together, and when that is tried next.

    Whoever does it puts `due_at` off first, which is a lease: the provider is asked without a transaction, and who
    dies meanwhile is followed by another one.
    """

    __tablename__ = "settlements"

    kind: str = key_field(primary_key=True)
    """A value of `rules.settlements.Kind`."""
    subject_id: str = key_field(primary_key=True)
    due_at: datetime = time_field(index=True)
    attempts: int
    """How often it was tried since something changed."""
