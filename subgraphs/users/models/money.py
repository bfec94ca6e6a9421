"""The local copies of whose money is where."""

from sqlalchemy import Index, text

from shared.database.models import bigint_field, enum_field, key_field
from shared.money import CurrencyCode
from subgraphs.users.models.base import Base


class Escrow(Base, table=True):
    """Money that is held for a task, or is to be, fed by `payments.escrow.*`; `version` is that of the newest event."""

    __tablename__ = "escrows"
    __table_args__ = (
        Index("escrows_live_of_poster", "poster_id", postgresql_where=text("live")),
        Index("escrows_live_of_tasker", "tasker_id", postgresql_where=text("live")),
    )

    id: str = key_field(primary_key=True)
    poster_id: str = key_field()
    tasker_id: str = key_field()
    live: bool
    version: int


class Balance(Base, table=True):
    """What somebody has earned and not received, fed by `payments.transaction.balance_changed`.

    `seq` is the place of the newest event in the person's stream.
    """

    __tablename__ = "balances"

    user_id: str = key_field(primary_key=True)
    currency: CurrencyCode = enum_field(CurrencyCode, primary_key=True)
    available_minor: int = bigint_field()
    on_its_way_minor: int = bigint_field()
    seq: int = bigint_field()
