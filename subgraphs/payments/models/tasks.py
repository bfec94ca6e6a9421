"""What payments knows of tasks."""

from shared.database.models import bigint_field, key_field, text_field
from subgraphs.payments.models.base import Base


class TaskTitle(Base, table=True):
    """The local copy of what a task is called, fed by `tasks.task.published` and `updated`."""

    __tablename__ = "task_titles"

    task_id: str = key_field(primary_key=True)
    poster_id: str = key_field(index=True)
    title: str = text_field()
    seq: int = bigint_field()
    """The place of the newest event in the task's stream."""
