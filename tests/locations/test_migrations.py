"""Migrations that change what is in the tables: up and down, with rows of the version before."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
from alembic import command

from shared.database.migrate import alembic_config
from shared.text_search.sql import vector
from tests.support import infrastructure

CONFIG = alembic_config("subgraphs.locations")
TASKS = (
    ("task_1", "Paint the fence", "It is ten metres long."),
    ("task_2", "ต้องการช่างทาสีรั้ว, at home", "กรุณานำเครื่องมือมาเอง มีที่จอดรถ parking 空调。"),
    ("task_3", "Something in the garden", "塀にペンキを塗る"),
)
OLD = "setweight(to_tsvector('english', $2::text), 'A') || setweight(to_tsvector('english', $3), 'B')"
SEARCH = """
    INSERT INTO saved_searches (id, owner_id, name, words, category_ids, keys, created_at)
    VALUES ($1, 'user_1', 'Fences', $2, '{}', $3, now())
"""


@pytest.fixture
def address(test_infrastructure: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with infrastructure.separate_database("locations") as url:
        monkeypatch.setenv("EXCHANGE_DATABASE_URL", url)
        yield url.replace("postgresql+asyncpg://", "postgresql://")


def run(address: str, statement: str, *rows: tuple[object, ...]) -> list[tuple[object, ...]]:
    """Runs a statement for each of the rows, or once; what the last one answers."""

    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(address)
        try:
            return [[tuple(row) for row in await connection.fetch(statement, *values)] for values in rows or ((),)][-1]
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_searches_that_were_saved_stay_and_tasks_get_what_new_ones_look_for(address: str) -> None:
    command.downgrade(CONFIG, "0005")
    run(
        address,
        f"""INSERT INTO tasks (id, poster_id, title, category_id, budget_minor, currency, mode, status, is_hidden,
            version, published_at, search)
        VALUES ($1, 'user_1', $2, 'category_1', 1, 'EUR', 'REMOTE', 'OPEN', false, 1, now(), {OLD})""",
        *TASKS,
    )
    saved = (("search_1", "fences -roof", ["fenc"]), ("search_2", "ทาสีรั้ว", ["ทาสีรั้ว"]), ("search_3", None, []))
    run(address, SEARCH, *saved)
    queries = "SELECT query::text FROM saved_searches ORDER BY id"
    before = run(address, queries)
    assert before == [("'fenc' & !'roof'",), ("'ทาสีรั้ว'",), (None,)]

    command.upgrade(CONFIG, "head")

    assert run(address, queries) == before
    for task_id, title, description in TASKS:
        lexemes = "SELECT tsvector_to_array({})"
        (has,) = run(address, f"{lexemes.format('search')} FROM tasks WHERE id = $1", (task_id,))
        assert [has] == run(address, lexemes.format(vector("$1::text", "$2::text")), (title, description))
    weights = "SELECT id FROM tasks WHERE search @@ to_tsquery('simple', $1) ORDER BY id"
    assert run(address, weights, ("รั้:A",)) == [("task_2",)]
    assert run(address, weights, ("ペンキ:A",)) == []
    assert run(address, weights, ("ペンキ:B",)) == [("task_3",)]


def test_what_was_saved_since_is_looked_up_by_whole_words_again(address: str) -> None:
    run(address, SEARCH, ("search_1", "fence", ["fenc"]), ("search_2", "paint รั้ว", ["paint", "รั้", "ั้ว"]))
    run(address, "UPDATE saved_searches SET query = '''paint'' & ''รั้'' & ''ั้ว''' WHERE id = 'search_2'")

    command.downgrade(CONFIG, "0005")

    saved = "SELECT keys, query::text FROM saved_searches ORDER BY id"
    assert run(address, saved) == [(["fenc"], "'fenc'"), (["paint", "รั้ว"], "'paint' & 'รั้ว'")]
    assert run(address, "SELECT 1 FROM pg_proc WHERE proname = 'grams'") == []
    command.upgrade(CONFIG, "head")
    assert run(address, saved)[0] == (["fenc"], "'fenc'")
