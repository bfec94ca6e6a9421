"""Local copies of what other subgraphs tell, such as who is suspended."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from shared.personal_data import table_of


async def save_newer(session: AsyncSession, row: SQLModel) -> bool:
    """Writes a row in place of the one with its key, unless that is newer or the same. Whether it was written.

    Which is newer says `seq`, the place of the event in its stream: one that comes again after newer ones, as a
    replayed dead letter does, changes nothing.
    """
    table, values = table_of(type(row)), row.model_dump()
    statement = insert(table).values(**values)
    newer = statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_=values, where=table.c.seq < statement.excluded.seq
    )
    return await session.scalar(newer.returning(table.c.seq)) is not None
