"""Questions about tasks, in the graph."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.entities import Node, entity
from subgraphs.tasks import models
from subgraphs.tasks.schema.info import Info, visible_rows
from subgraphs.tasks.schema.user import User


@entity(description="What somebody asked about a task while it was open. Everybody can read it.")
class TaskQuestion(Node):
    id: ID = strawberry.field(description="The question's id.")
    asker: User | None = strawberry.field(description="Who asked; null while users cannot be reached.")
    text: str = strawberry.field(description="What they asked.")
    asked_at: datetime = strawberry.field(description="When they asked.")
    answer: str | None = strawberry.field(description="What the poster answered; null before that.")
    answered_at: datetime | None = strawberry.field(description="When the poster answered; null before that.")

    @classmethod
    def of(cls, row: models.Question) -> Self:
        return cls(
            id=ID(row.id),
            asker=User(id=ID(row.asker_id)),
            text=row.text,
            asked_at=row.asked_at,
            answer=row.answer,
            answered_at=row.answered_at,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["TaskQuestion | None"]:
        rows = await info.context.loaders.question_by_id.load_many(ids)
        tasks = await visible_rows(info, [row.task_id for row in rows if row])
        return [cls.of(row) if row and row.task_id in tasks else None for row in rows]
