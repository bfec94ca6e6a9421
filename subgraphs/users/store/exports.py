"""SQL of data exports and their parts."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Integer, cast, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page, page_by_parent
from subgraphs.users import models
from subgraphs.users.rules.exports import Status

Parts = Mapping[str, tuple[int, int | None]]
"""How many parts each subgraph has sent, and the number of its last one once that is there."""


DataExport = models.DataExport


ExportPart = models.ExportPart


_export_columns = select(*columns_of(DataExport))


_part_columns = select(*columns_of(ExportPart))


NEWEST = Order("exports.newest", col(DataExport.id), descending=True)


PARTS = Order("exports.parts", col(ExportPart.subgraph), col(ExportPart.number))


_complete = (
    func.count().label("parts"),
    cast(func.max(col(ExportPart.number)).filter(col(ExportPart.last)), Integer).label("last"),
)


async def add_export(session: AsyncSession, export: models.DataExport) -> bool:
    """False, and nothing added, if one of the user's exports is being made."""
    statement = insert(DataExport).values(**export.model_dump())
    # Not as a parameter: once the statement is planned for all values, PostgreSQL finds no such index any more.
    pending = text(f"status = '{Status.PENDING}'")
    added = statement.on_conflict_do_nothing(index_elements=["user_id"], index_where=pending)
    return await session.scalar(added.returning(col(DataExport.id))) is not None


async def get_export(session: AsyncSession, export_id: str) -> models.DataExport | None:
    return await session.get(DataExport, export_id)


async def lock_export(session: AsyncSession, export_id: str) -> models.DataExport | None:
    return await session.get(DataExport, export_id, with_for_update=True, populate_existing=True)


async def add_part(session: AsyncSession, part: models.ExportPart) -> None:
    """Adds a part, unless it is there already."""
    await session.execute(insert(ExportPart).values(**part.model_dump()).on_conflict_do_nothing())


async def count_parts(session: AsyncSession, export_id: str) -> Parts:
    statement = (
        select(col(ExportPart.subgraph), *_complete)
        .where(col(ExportPart.export_id) == export_id)
        .group_by(col(ExportPart.subgraph))
    )
    return {row.subgraph: (row.parts, row.last) for row in await session.execute(statement)}


async def load_part_counts(database: Database, export_ids: Sequence[str]) -> Mapping[str, Parts]:
    """`count_parts` of several exports."""
    statement = (
        select(col(ExportPart.export_id), col(ExportPart.subgraph), *_complete)
        .where(any_of(col(ExportPart.export_id), export_ids))
        .group_by(col(ExportPart.export_id), col(ExportPart.subgraph))
    )
    counts: dict[str, dict[str, tuple[int, int | None]]] = {}
    for row in await database.fetch(statement):
        counts.setdefault(row.export_id, {})[row.subgraph] = (row.parts, row.last)
    return counts


async def delete_parts(session: AsyncSession, export_id: str) -> None:
    await session.execute(delete(ExportPart).where(col(ExportPart.export_id) == export_id))


async def delete_export(session: AsyncSession, export_id: str) -> None:
    """Deletes an export and all of its parts."""
    await session.execute(delete(DataExport).where(col(DataExport.id) == export_id))


async def load_exports(database: Database, export_ids: Sequence[str]) -> Sequence[models.DataExport]:
    return await database.rows(DataExport, _export_columns.where(any_of(col(DataExport.id), export_ids)))


async def list_exports(database: Database, user_id: str, window: Window) -> Page[models.DataExport]:
    """A page of somebody's exports."""
    return await fetch_page(database, DataExport, _export_columns.where(col(DataExport.user_id) == user_id), window)


async def load_part_pages(database: Database, keys: Sequence[tuple[str, Window]]) -> list[Page[models.ExportPart]]:
    """A page of the parts of each export."""
    return await page_by_parent(database, ExportPart, _part_columns, col(ExportPart.export_id), keys)
