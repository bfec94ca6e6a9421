"""The saved searches of many made-up posters: what `createSavedSearch` would have noted of them, many at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy import Text, column, func, select, values
from sqlalchemy.dialects import postgresql

from shared.text_search.query import parse
from shared.text_search.sql import tsquery
from subgraphs.locations.rules import saved_searches

_COLUMNS = (
    "id", "owner_id", "name", "latitude", "longitude", "radius_meters", "words", "category_ids", "budget_minor",
    "currency", "keys", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A saved search."""

    id: str
    owner_id: str
    wanted: saved_searches.Wanted
    created_at: datetime


async def copy(connection: asyncpg.Connection, searches: Sequence[Made]) -> None:
    """Copies them into the table, by way of a temporary one that lives as long as the transaction."""
    read = await _read(connection, {search.wanted.words for search in searches if search.wanted.words is not None})
    records = [_row_of(search, *read.get(search.wanted.words, (None, frozenset()))) for search in searches]
    await connection.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS staged_searches (LIKE saved_searches, written text) ON COMMIT DROP"
    )
    await connection.copy_records_to_table("staged_searches", records=records, columns=(*_COLUMNS, "written"))
    columns = ", ".join(_COLUMNS)
    await connection.execute(
        f"INSERT INTO saved_searches ({columns}, query) SELECT {columns}, written::tsquery FROM staged_searches; "  # noqa: S608 - names of columns
        "TRUNCATE staged_searches"
    )


async def _read(
    connection: asyncpg.Connection, words: Collection[str]
) -> dict[str | None, tuple[str | None, frozenset[str]]]:
    """The query of each, and the words one of which a task must have."""
    if not words:
        return {}
    queries = [(each, tsquery(parse(each, field=("words",)))) for each in sorted(words)]
    read = values(column("words", Text), column("query", postgresql.TSQUERY), name="read").data(queries)
    statement = select(read.c.words, read.c.query.cast(Text), func.querytree(read.c.query).cast(Text))
    dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    found = await connection.fetch(str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})))
    return {each: (query, saved_searches.words_of(tree)) for each, query, tree in found}


def _row_of(search: Made, query: str | None, words: frozenset[str]) -> tuple[object, ...]:
    wanted, area, budget = search.wanted, search.wanted.area, search.wanted.min_budget
    return (
        search.id, search.owner_id, wanted.name, area.center.latitude if area else None,
        area.center.longitude if area else None, area.radius_meters if area else None, wanted.words,
        list(wanted.category_ids), budget.minor if budget else None, budget.currency.value if budget else None,
        saved_searches.keys_of(wanted, words), search.created_at, query,
    )  # fmt: skip
