"""What payments knows of people from the other subgraphs."""

from shared.copies import SuspensionCopy
from shared.database.models import bigint_field, enum_field, key_field, text_field
from shared.locale import Locale
from subgraphs.payments.models.base import Base


class Suspension(SuspensionCopy, Base, table=True):
    """Who is suspended."""


class Person(Base, table=True):
    """The local copy of how a person is called and written to, fed by `users.user.registered` and `profile_updated`."""

    __tablename__ = "people"

    user_id: str = key_field(primary_key=True)
    display_name: str = text_field()
    locale: Locale = enum_field(Locale)
    time_zone: str = text_field()
    seq: int = bigint_field()
    """The place of the newest event in the person's stream."""
