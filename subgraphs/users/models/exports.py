"""Tables of data exports and of the sealed parts that the subgraphs sent for them."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from shared.database.models import enum_field, key_field, texts_field, time_field
from subgraphs.users.models.base import BYTES, KEY, Base
from subgraphs.users.rules.exports import Status


class DataExport(Base, table=True):
    """Somebody's wish for all of their data. `expected` are the subgraphs that must answer.

    `private_key` opens the parts; it is stored encrypted, and without it nobody can read any of them.
    """

    __tablename__ = "data_exports"
    __table_args__ = (
        Index("data_exports_by_user", "user_id", "id"),
        Index(
            "data_exports_one_pending", "user_id", unique=True, postgresql_where=text("status = 'PENDING'")
        ),
    )  # fmt: skip

    id: str = key_field(primary_key=True)
    user_id: str = Field(sa_type=KEY, foreign_key="users.id")
    status: Status = enum_field(Status)
    expected: list[str] = texts_field()
    private_key: bytes | None = Field(sa_type=BYTES)
    requested_at: datetime = time_field()
    ready_at: datetime | None = time_field()
    expires_at: datetime = time_field()


class ExportPart(Base, table=True):
    """A part of one subgraph's answer, sealed."""

    __tablename__ = "export_parts"

    export_id: str = Field(sa_type=KEY, primary_key=True, foreign_key="data_exports.id", ondelete="CASCADE")
    subgraph: str = key_field(primary_key=True)
    number: int = Field(primary_key=True)
    last: bool
    sealed: bytes = Field(sa_type=BYTES)
