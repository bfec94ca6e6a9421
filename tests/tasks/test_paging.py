"""Paging through tasks: every row exactly once, forwards and backwards, in every order."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import clock
from shared.ids import new_id
from shared.money import CurrencyCode
from subgraphs.tasks import models
from subgraphs.tasks.rules.tasks import Mode, Status
from tests.tasks.conftest import Tasks

PAGE = """
    query($filter: TaskFilter, $sort: TaskSort!, $first: Int, $after: String, $last: Int, $before: String) {
      tasks(filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { id } } nodes { id }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        totalCount
      }
    }
"""
SORTS = ("NEWEST", "BUDGET_ASC", "BUDGET_DESC", "DUE")
LAST_DUE = datetime(2999, 12, 31, 23, 59, 59, 999_999, UTC)
# Few values, so that most rows have equals.
rows = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(1, 3), st.sampled_from([CurrencyCode.EUR, CurrencyCode.JPY]),
        st.none() | st.integers(0, 1), st.sampled_from([Status.OPEN, Status.OPEN, Status.OPEN, Status.EXPIRED]),
    ),
    max_size=25,
)  # fmt: skip


async def _insert(tasks: Tasks, poster: str, values: list[tuple[int, int, CurrencyCode, int | None, Status]]) -> None:
    start = clock.now()
    made = [
        models.Task(
            id=new_id("task"), poster_id=poster, tasker_id=None, bid_id=None,
            title="Paint the garden fence", description="It needs two coats.",
            category_id=tasks.categories["painting"], budget_minor=budget, currency=currency, mode=Mode.ONSITE,
            place_id=tasks.place, requirements=[], due_from=None, time_zone="UTC",
            due_at=None if due is None else (start + timedelta(days=1), LAST_DUE)[due], status=status, version=1,
            created_at=start, updated_at=start, published_at=start + timedelta(seconds=published),
            expires_at=start + timedelta(days=30), price_minor=None, started_at=None, delivered_at=None,
            completed_at=None, cancelled_by_id=None, cancelled_reason=None,
        )
        for published, budget, currency, due, status in values
    ]  # fmt: skip
    random.Random(len(made)).shuffle(made)
    async with tasks.database.transaction() as session:
        session.add_all(made)


async def _walk(tasks: Tasks, poster: str, sort: str, size: int, *, backwards: bool) -> list[str]:
    """The ids of all pages, in the order of the list."""
    ids: list[str] = []
    cursor: str | None = None
    more = True
    while more:
        arguments: dict[str, Any] = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        variables = {"filter": {"posterId": poster, "status": None}, "sort": sort, **arguments}
        answer = await tasks.served.execute(PAGE, variables)
        page = answer["data"]["tasks"]
        info, nodes = page["pageInfo"], [node["id"] for node in page["nodes"]]
        assert [edge["node"]["id"] for edge in page["edges"]] == nodes
        assert (info["startCursor"], info["endCursor"]) == (
            (page["edges"][0]["cursor"], page["edges"][-1]["cursor"]) if nodes else (None, None)
        )
        more = info["hasPreviousPage"] if backwards else info["hasNextPage"]
        assert info["hasNextPage" if backwards else "hasPreviousPage"] is (cursor is not None)
        assert not more or len(nodes) == size
        cursor = info["startCursor" if backwards else "endCursor"]
        ids = nodes + ids if backwards else ids + nodes
    return ids


async def _expected(tasks: Tasks, poster: str, sort: str) -> list[str]:
    """The ids as Python sorts the rows."""
    async with tasks.database.transaction() as session:
        connection = await session.connection()
        result = await connection.exec_driver_sql(
            "SELECT id, published_at, currency, budget_minor, due_at FROM tasks WHERE poster_id = $1", (poster,)
        )
        found = list(result)
    far = datetime(9000, 1, 1, tzinfo=UTC)
    keys = {
        "NEWEST": lambda row: (row.published_at, row.id),
        "BUDGET_ASC": lambda row: (row.currency, row.budget_minor, row.id),
        "BUDGET_DESC": lambda row: (row.currency, row.budget_minor, row.id),
        "DUE": lambda row: (row.due_at or far, row.id),
    }
    ordered = sorted(found, key=keys[sort], reverse=sort in ("NEWEST", "BUDGET_DESC"))
    return [row.id for row in ordered]


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=rows, sort=st.sampled_from(SORTS), size=st.integers(1, 9))
async def test_every_row_comes_exactly_once(
    tasks: Tasks, values: list[tuple[int, int, CurrencyCode, int | None, Status]], sort: str, size: int
) -> None:
    poster = new_id("user")
    await _insert(tasks, poster, values)

    expected = await _expected(tasks, poster, sort)

    assert await _walk(tasks, poster, sort, size, backwards=False) == expected
    assert await _walk(tasks, poster, sort, size, backwards=True) == expected


@pytest.mark.parametrize("sort", SORTS)
async def test_a_page_can_lie_between_two_cursors(tasks: Tasks, poster: str, sort: str) -> None:
    await _insert(tasks, poster, [(n % 3, n % 2 + 1, CurrencyCode.EUR, n % 2 or None, Status.OPEN) for n in range(9)])
    every = (await tasks.served.execute(PAGE, {"sort": sort, "first": 9}))["data"]["tasks"]["edges"]
    limits = {"after": every[1]["cursor"], "before": every[6]["cursor"]}

    first = (await tasks.served.execute(PAGE, {"sort": sort, "first": 2, **limits}))["data"]["tasks"]
    last = (await tasks.served.execute(PAGE, {"sort": sort, "last": 2, **limits}))["data"]["tasks"]

    assert (first["edges"], last["edges"]) == (every[2:4], every[4:6])
    assert (first["totalCount"], last["totalCount"]) == (9, 9)


async def test_cursors_of_other_orders_and_tampered_ones_are_refused(tasks: Tasks, poster: str) -> None:
    await _insert(tasks, poster, [(0, 1, CurrencyCode.EUR, 1, Status.OPEN)] * 3)
    cursors = {
        sort: (await tasks.served.execute(PAGE, {"sort": sort}))["data"]["tasks"]["edges"][0]["cursor"]
        for sort in SORTS
    }
    bad = ["", "x", "AAAA", cursors["DUE"][:-2], cursors["DUE"] + "AA", "\u0000", cursors["NEWEST"].swapcase()]

    for sort in SORTS:
        for cursor in [*bad, *(other for name, other in cursors.items() if name != sort)]:
            answer = await tasks.served.execute(PAGE, {"sort": sort, "after": cursor})
            assert answer["data"] in (None, {"tasks": None})
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"], (sort, cursor)


async def test_the_size_of_a_page_is_limited(tasks: Tasks) -> None:
    for arguments in ({"first": 0}, {"first": -1}, {"first": 101}, {"last": 0}, {"last": 101}, {"first": 5, "last": 5}):
        answer = await tasks.served.execute(PAGE, {"sort": "NEWEST", **arguments})
        assert answer["data"] in (None, {"tasks": None})
        assert answer["errors"][0]["extensions"]["code"] in ("BAD_REQUEST", "TOO_COMPLEX"), arguments
