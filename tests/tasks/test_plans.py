"""Each hot statement of searches reads its index, whether many tasks have the words or few."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, select, text
from sqlalchemy.dialects import postgresql

from shared import clock
from shared.database.db import columns_of
from shared.ids import new_id
from shared.money import CurrencyCode
from shared.text_search.query import parse
from subgraphs.tasks import models, store
from subgraphs.tasks.rules.tasks import Mode, Status
from subgraphs.tasks.store.relevance import Bounds
from subgraphs.tasks.store.search import Filter
from tests.support.statements import statements
from tests.tasks.conftest import Tasks


async def run(tasks: Tasks, sql: str) -> list[Any]:
    async with tasks.database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = '60s'"))
        result = await (await session.connection()).exec_driver_sql(sql)
        return list(result.all()) if result.returns_rows else []


async def plan(tasks: Tasks, statement: Select[*tuple[Any, ...]], options: str = "COSTS ON") -> str:
    """PostgreSQL's plan of a statement, with the values in it."""
    dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    rows = await run(tasks, f"EXPLAIN ({options}) {compiled}".replace("%%", "%"))
    return "\n".join(str(line) for (line,) in rows)


@pytest.fixture
async def crowded(tasks: Tasks) -> Tasks:
    """So many tasks that no scan of all is cheap: all paint, one in a hundred a fence, the others something else."""
    await run(
        tasks,
        f"""
        INSERT INTO tasks (id, poster_id, title, description, category_id, budget_minor, currency, mode, status,
            version, created_at, updated_at, published_at)
        SELECT 'task_' || lpad(n::text, 26, '0'), '{new_id("user")}',
            CASE WHEN n % 100 = 0 THEN 'Paint the fence ' ELSE 'Paint the thing ' END
                || translate(n::text, '0123456789', 'abcdefghij'),
            'Paint it twice, and then once more, please.', category_id, n + 1, 'EUR',
            CASE WHEN n % 2 = 0 THEN 'ONSITE' ELSE 'REMOTE' END, CASE WHEN n % 10 = 1 THEN 'EXPIRED' ELSE 'OPEN' END, 1,
            at, at, at
        FROM generate_series(0, 9999) AS n
        CROSS JOIN LATERAL (SELECT now() - n * interval '1 minute' AS at) AS times
        JOIN (
            SELECT id AS category_id, row_number() OVER (ORDER BY id) AS place FROM categories
            WHERE parent_id IS NOT NULL
        ) AS numbered ON place = n % 90 + 1
        """,
    )
    # What is new waits in a list beside the index until VACUUM or this.
    await run(tasks, "SELECT gin_clean_pending_list('tasks_by_search')")
    for table in ("tasks", "words"):
        await run(tasks, f"ANALYZE {table}")
    return tasks


def page(words: str, **filter: Any) -> Select[*tuple[Any, ...]]:
    query = parse(words, field=("text",))
    wanted = Filter(query=query, status=Status.OPEN, **filter)
    window = store.relevance.order(wanted).window(20, None, None, None)
    return store.relevance.page(wanted, query, window, Bounds("", clock.now()))


async def test_searches_read_their_indexes(crowded: Tasks) -> None:
    """By relevance: the one of terms for words and filters, a period after the other, whatever the words."""
    category = crowded.categories["painting"]
    many = (
        page("paint"), page("paint", mode=Mode.ONSITE), page('"paint it" -fence', currency=CurrencyCode.EUR),
        page("-fence"), page("paint", posted_after=clock.now() - timedelta(days=3)),
    )  # fmt: skip
    few = (page("bcde"), page("bcde", mode=Mode.REMOTE), page("fence", category_ids=(category,)))
    for number, statement in enumerate((*many, *few)):
        found = await plan(crowded, statement)
        assert "Bitmap Index Scan on tasks_by_terms" in found
        assert "tasks_by_search" not in found
        assert "Seq Scan on tasks" not in found
        # What is on the page is completed by keys.
        assert "tasks_pkey" in found
        # Of many, sorted within a period only, so that none is read once there are enough.
        assert number >= len(many) or "Presorted Key: series.number" in found
    found = await plan(crowded, page("paint", poster_id=new_id("user")))
    assert "tasks_by_poster" in found
    assert "Seq Scan on tasks" not in found


async def test_no_more_periods_are_read_than_are_needed(crowded: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    # There are seven days of tasks, and each period of twelve hours has 648 open ones. The first is not over yet, and
    # of the one after the last its first task is read.
    for most, least_loops, most_loops in ((100, 1, 3), (1_000, 2, 4), (100_000, 14, 16)):
        monkeypatch.setattr(store.relevance, "MOST_CANDIDATES", most)
        found = await plan(crowded, page("paint"), "ANALYZE, TIMING OFF")
        loops = re.search(r"Index Scan on tasks_by_terms .*loops=(\d+)", found)
        assert loops is not None
        assert least_loops <= int(loops[1]) <= most_loops, most


async def test_words_that_say_nothing_read_nothing(crowded: Tasks) -> None:
    for words in ("the", "-the"):
        found = await plan(crowded, page(words, mode=Mode.REMOTE), "ANALYZE, TIMING OFF, COSTS OFF")
        assert "Index Scan on tasks_by_terms (actual rows=0 " in found


async def test_other_lists_with_words_read_their_indexes(crowded: Tasks) -> None:
    """PostgreSQL decides whether the newest are walked through or those that have the words."""
    newest = store.search.ORDERS[store.search.Sort.NEWEST].window(20, None, None, None)

    def listed(words: str) -> Select[*tuple[Any, ...]]:
        wanted = Filter(query=parse(words, field=("text",)), status=Status.OPEN)
        return newest.select(select(*columns_of(models.Task)).where(*wanted.conditions()))

    assert "Bitmap Index Scan on tasks_by_search" in await plan(crowded, listed("bcde"))
    common = await plan(crowded, listed("paint"))
    assert "tasks_by_publication" in common
    assert "tasks_by_search" not in common


async def test_similar_words_come_from_the_index_in_its_order(crowded: Tasks) -> None:
    found = await plan(crowded, store.words.similar_words(["fense"]))

    assert "words_by_similarity" in found
    assert "Order By: (word <->" in found
    assert "Seq Scan" not in found


async def test_a_search_is_planned_for_its_values(tasks: Tasks) -> None:
    """However often it was asked: PostgreSQL would plan a statement that it knows for any words."""
    document = "query($text: String!) { tasks(filter: {text: $text}, sort: RELEVANCE, first: 1) { nodes { id } } }"
    with statements(tasks.database) as seen:
        for _ in range(3):
            answer = await tasks.served.execute(document, {"text": "fence"})
            assert answer == {"data": {"tasks": {"nodes": []}}}

    searches = [statement for statement in seen if "ts_rank" in statement]
    assert len(set(searches)) == len(searches) == 3
