"""What happened to tasks."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint
from sqlmodel import Field

from shared.database.models import enum_field, key_field, text_field, time_field
from subgraphs.tasks.models.base import Base
from subgraphs.tasks.rules.timeline import Audience


class Step(Base, table=True):
    """One thing that happened to a task: a row for each of its events, for as long as there is the task."""

    __tablename__ = "task_steps"
    __table_args__ = (ForeignKeyConstraint(["task_id"], ["tasks.id"]),)

    task_id: str = key_field(primary_key=True)
    seq: int = Field(primary_key=True)
    """The event's number in the task's stream."""
    type: str = text_field()
    """The last part of the event's type."""
    actor_id: str | None = key_field()
    message: str | None = text_field()
    """What the actor said to the other side."""
    audience: Audience = enum_field(Audience)
    occurred_at: datetime = time_field()
