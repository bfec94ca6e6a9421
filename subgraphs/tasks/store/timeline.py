"""SQL of what happened to tasks."""

from collections.abc import Sequence

from sqlalchemy import and_, exists, or_, select
from sqlmodel import col

from shared.database.db import Database, columns_of
from shared.graphql.pagination import Order, Page, Window, page_by_parent
from subgraphs.tasks import models
from subgraphs.tasks.rules.timeline import Audience

Step, Task = models.Step, models.Task
OLDEST = Order("tasks.timeline", col(Step.seq))
_columns = select(*columns_of(Step))


async def load_step_pages(
    database: Database, viewer_id: str, keys: Sequence[tuple[str, Window]]
) -> list[Page[models.Step]]:
    """For each task what happened to it, as far as `viewer_id` may know of it."""
    # `rules.timeline.may_see` in SQL.
    of_the_viewer = exists().where(
        col(Task.id) == col(Step.task_id),
        or_(
            col(Task.poster_id) == viewer_id,
            and_(col(Task.tasker_id) == viewer_id, col(Step.audience) == Audience.PARTIES),
        ),
    )
    seen = _columns.where(or_(col(Step.audience) == Audience.EVERYBODY, of_the_viewer))
    return await page_by_parent(database, Step, seen, col(Step.task_id), keys)
