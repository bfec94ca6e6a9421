"""SQL of blocks."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.users import models

Block = models.Block


_block_columns = select(*columns_of(Block))


NEWEST = Order("blocks.newest", col(Block.created_at), col(Block.blocked_id), descending=True)


async def add_block(session: AsyncSession, block: models.Block) -> bool:
    """False, and nothing added, if there is the same block already."""
    statement = insert(Block).values(**block.model_dump()).on_conflict_do_nothing()
    return await session.scalar(statement.returning(col(Block.blocked_id))) is not None


async def remove_block(session: AsyncSession, blocker_id: str, blocked_id: str) -> bool:
    """False if there was none."""
    statement = delete(Block).where(col(Block.blocker_id) == blocker_id, col(Block.blocked_id) == blocked_id)
    return await session.scalar(statement.returning(col(Block.blocked_id))) is not None


async def list_blocks(database: Database, blocker_id: str, window: Window) -> Page[models.Block]:
    """Whom a user has blocked."""
    return await fetch_page(database, Block, _block_columns.where(col(Block.blocker_id) == blocker_id), window)
