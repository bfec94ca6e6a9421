"""SQL of categories."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, columns_of
from subgraphs.tasks import models

_columns = select(*columns_of(models.Category))


async def get_category(session: AsyncSession, category_id: str) -> models.Category | None:
    return await session.get(models.Category, category_id)


async def list_categories(database: Database) -> Sequence[models.Category]:
    """All categories, in the order in which they are shown within their parent."""
    return await database.rows(models.Category, _columns.order_by(col(models.Category.position)))
