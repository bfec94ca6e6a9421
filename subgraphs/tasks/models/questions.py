"""Questions about tasks."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index

from shared.database.models import key_field, text_field, time_field
from subgraphs.tasks.models.base import Base


class Question(Base, table=True):
    """What somebody asked about an open task, and what its poster answered."""

    __tablename__ = "questions"
    __table_args__ = (
        ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        Index("questions_by_task", "task_id", "id"),
        Index("questions_by_asker", "asker_id"),
        Index("questions_by_poster", "poster_id"),
    )

    id: str = key_field(primary_key=True)
    task_id: str = key_field()
    asker_id: str = key_field()
    poster_id: str = key_field()
    text: str = text_field()
    answer: str | None = text_field()
    asked_at: datetime = time_field()
    answered_at: datetime | None = time_field()
