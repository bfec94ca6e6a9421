"""Files at tasks, while they are uploaded and after."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from shared.database.models import bigint_field, enum_field, key_field, text_field, texts_field, time_field
from subgraphs.tasks.models.base import Base
from subgraphs.tasks.rules.attachments import Status


class Attachment(Base, table=True):
    """A file of a task's poster. Until it is READY it is an upload, which nobody but the sender knows of."""

    __tablename__ = "attachments"
    __table_args__ = (
        ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        CheckConstraint("received_bytes BETWEEN 0 AND declared_bytes", name="attachments_received_within"),
        Index("attachments_by_task", "task_id", "id"),
        Index("attachments_by_uploader", "uploader_id"),
        Index("attachments_to_check", "writer_until", postgresql_where=text("status = 'CHECKING'")),
    )

    id: str = key_field(primary_key=True)
    task_id: str = key_field()
    uploader_id: str = key_field()
    filename: str = text_field()
    content_type: str = key_field()
    status: Status = enum_field(Status)
    declared_bytes: int = bigint_field()
    received_bytes: int = bigint_field()
    size_bytes: int | None = bigint_field()
    """What is kept of it, once it was looked at."""
    parts: list[str] = texts_field()
    """The objects that hold what has come, in order."""
    writer: str | None = key_field()
    """Who has the turn to write or to look at it, and until when."""
    writer_until: datetime | None = time_field()
    looks: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """How often a look at it was begun whose end nobody has noted: one goes on, or whoever looked died of it."""
    created_at: datetime = time_field()
    expires_at: datetime = time_field()
    """When the upload is over, done or not."""


class DiscardedFile(Base, table=True):
    """Objects of the storage that have to go, all below `prefix`; written with what made them superfluous.

    They are deleted at once and, for what was on its way then, once more an hour later.
    """

    __tablename__ = "discarded_files"
    __table_args__ = (Index("discarded_files_by_time", "due_at"),)

    prefix: str = key_field(primary_key=True)
    due_at: datetime = time_field()
    deleted_once: bool
