"""What every resolver of tasks is given."""

from collections.abc import Mapping, Sequence

import strawberry

from shared.context import Context
from subgraphs.tasks import models, rules
from subgraphs.tasks.loaders import Loaders

Info = strawberry.Info[Context[Loaders], None]


async def visible_rows(info: Info, task_ids: Sequence[str]) -> Mapping[str, models.Task]:
    """Those of these tasks that the caller may see, by their ids."""
    rows = await info.context.loaders.task_by_id.load_many(task_ids)
    viewer = info.context.actor.id if info.context.actor else None
    return {row.id: row for row in rows if row and rules.tasks.may_see(viewer, row.poster_id, row.published_at)}
