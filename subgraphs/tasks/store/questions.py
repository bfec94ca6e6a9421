"""SQL of questions about tasks."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, page_by_parent
from subgraphs.tasks import models

Question = models.Question
OLDEST = Order("tasks.questions", col(Question.id))
_columns = select(*columns_of(Question))


async def get_question(session: AsyncSession, question_id: str) -> models.Question | None:
    return await session.get(Question, question_id)


async def lock_question(session: AsyncSession, question_id: str) -> models.Question | None:
    """A question, locked; hold its task's lock."""
    return await session.get(Question, question_id, with_for_update=True, populate_existing=True)


async def load_questions(database: Database, question_ids: Sequence[str]) -> Sequence[models.Question]:
    return await database.rows(Question, _columns.where(any_of(col(Question.id), question_ids)))


async def load_question_pages(database: Database, keys: Sequence[tuple[str, Window]]) -> list[Page[models.Question]]:
    """For each task its questions."""
    return await page_by_parent(database, Question, _columns, col(Question.task_id), keys)
