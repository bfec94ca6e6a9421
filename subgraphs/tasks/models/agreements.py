"""What poster and tasker ask of each other."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from shared.database.models import enum_field, key_field, text_field, time_field
from shared.money import CurrencyCode
from subgraphs.tasks.models.base import Base
from subgraphs.tasks.rules.agreements import Kind, Status
from subgraphs.tasks.rules.tasks import Party

# `rules.agreements.UNSETTLED` as text, as the index has it.
IS_UNSETTLED = text("status IN ('OPEN', 'AWAITING_FUNDING')")


class Agreement(Base, table=True):
    """A request of one side, with the other side's answer. Amounts are in the task's currency, which stays."""

    __tablename__ = "agreements"
    __table_args__ = (
        ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        Index("agreements_one_unsettled", "task_id", "kind", unique=True, postgresql_where=IS_UNSETTLED),
        Index("agreements_by_task", "task_id", "id"),
        Index("agreements_by_person", "requested_by_id"),
    )

    id: str = key_field(primary_key=True)
    task_id: str = key_field()
    kind: Kind = enum_field(Kind)
    status: Status = enum_field(Status)
    version: int
    last_step: str | None = text_field()
    requested_by: Party = enum_field(Party)
    requested_by_id: str = key_field()
    message: str = text_field()
    due_from: datetime | None = time_field()
    due_at: datetime | None = time_field()
    time_zone: str | None = text_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    price_minor: int | None = Field(default=None, sa_type=BigInteger)
    price_before_minor: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime = time_field()
    expires_at: datetime | None = time_field()
    answered_at: datetime | None = time_field()
