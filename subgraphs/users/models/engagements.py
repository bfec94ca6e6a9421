"""The local copy of who works for whom."""

from sqlalchemy import Index, text

from shared.database.models import key_field
from subgraphs.users.models.base import Base


class Engagement(Base, table=True):
    """A task that somebody was given, fed by `tasks.task.*`; `version` is the task's at the newest event."""

    __tablename__ = "engagements"
    __table_args__ = (
        Index("engagements_open_of_poster", "poster_id", postgresql_where=text("open")),
        Index("engagements_open_of_tasker", "tasker_id", postgresql_where=text("open")),
    )

    task_id: str = key_field(primary_key=True)
    poster_id: str = key_field()
    tasker_id: str = key_field()
    open: bool
    version: int
