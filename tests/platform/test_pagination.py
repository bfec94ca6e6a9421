"""Connections: arguments, cursors, and pages from a real PostgreSQL."""

import asyncio
import base64
import itertools
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

import orjson
import pytest
import strawberry
from aiodataloader import DataLoader
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    event,
    insert,
    literal_column,
    select,
)
from strawberry.schema.config import StrawberryConfig

from shared.database.db import Database
from shared.errors import BadRequest
from shared.graphql.limits import check_document, check_variables, parse_limited
from shared.graphql.pagination import (
    After,
    Before,
    Connection,
    First,
    Last,
    Order,
    Page,
    Window,
    connection_directives,
    fetch_page,
    page_by_parent,
)
from shared.graphql.scalars import SCALARS
from tests.conftest import SettingsFor

metadata = MetaData()
items = Table(
    "paged_items",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("parent", Text(collation="C"), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("note", Text),
    Column("hidden", Boolean, nullable=False),
)


@dataclass(frozen=True)
class Item:
    """What a row of the table looks like."""

    id: str
    parent: str
    amount: int
    weight: int
    made_at: datetime


BY_ID = Order("items.id", items.c.id)
NEWEST = Order("items.newest", items.c.made_at, items.c.id, descending=True)
CHEAPEST = Order("items.cheapest", items.c.amount, items.c.id)
distance = (literal_column("0.5", Float) * items.c.weight).label("distance")
NEAREST = Order("items.nearest", distance, items.c.id)
ALL = select(items)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

ROWS = [
    # Times and amounts repeat, so that only the id makes the order total; microseconds count.
    {
        "id": f"item_{number:02}",
        "parent": f"parent_{number % 3}",
        "amount": number // 4 * 10**12,
        "weight": number % 5,
        "made_at": NOON + timedelta(microseconds=number // 3),
        "note": None,
        "hidden": number % 7 == 0,
    }
    for number in range(25)
]


@pytest.fixture
async def database(settings_for: SettingsFor) -> AsyncIterator[Database]:
    database = Database(settings_for("platform"))
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(metadata.create_all)
        await session.execute(insert(items), ROWS)
    yield database
    async with database.transaction() as session:
        await (await session.connection()).run_sync(metadata.drop_all)
    await database.close()


@pytest.fixture
def statements(database: Database) -> list[str]:
    """The statements that the database got."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.pools()["read"].sync_engine, "before_cursor_execute", note)
    return seen


def ids(page: Page[Item]) -> list[str]:
    return [row.id for row in page.rows]


# --- arguments ---


@pytest.mark.parametrize(
    ("arguments", "size", "backwards"),
    [
        ((None, None, None, None), 20, False),
        ((1, None, None, None), 1, False),
        ((100, None, None, None), 100, False),
        ((None, None, 7, None), 7, True),
    ],
)
def test_a_window_has_a_size_and_a_direction(
    arguments: tuple[int | None, str | None, int | None, str | None], size: int, backwards: bool
) -> None:
    assert BY_ID.window(*arguments) == Window(BY_ID, size, backwards, None, None)


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (5, 5, "Ask for `first` or for `last`, not for both."),
        (0, None, "`first` must be between 1 and 100."),
        (-1, None, "`first` must be between 1 and 100."),
        (101, None, "`first` must be between 1 and 100."),
        (None, 0, "`last` must be between 1 and 100."),
        (None, 101, "`last` must be between 1 and 100."),
        (0, 5, "Ask for `first` or for `last`, not for both."),
    ],
)
def test_other_sizes_are_bad_requests(first: int | None, last: int | None, message: str) -> None:
    with pytest.raises(BadRequest) as raised:
        BY_ID.window(first, None, last, None)

    assert raised.value.message == message


# --- cursors ---

rows = st.builds(
    Item,
    id=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60),
    parent=st.just(""),
    amount=st.integers(-(2**63), 2**63 - 1),
    weight=st.integers(-(2**31), 2**31 - 1),
    made_at=st.datetimes(datetime(1970, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)


@given(rows)
def test_a_cursor_brings_back_the_values(row: Item) -> None:
    for order, values in [
        (BY_ID, (row.id,)),
        (NEWEST, (row.made_at, row.id)),
        (CHEAPEST, (row.amount, row.id)),
    ]:
        window = order.window(None, order.cursor(row), None, order.cursor(row))
        assert window.after == window.before == values


def forged(order: Order, *values: object) -> str:
    """A cursor as somebody would make it who read this code."""
    payload = orjson.dumps(list(values))
    checksum = zlib.crc32(order.name.encode() + payload).to_bytes(4)
    return base64.urlsafe_b64encode(checksum + payload).rstrip(b"=").decode()


SOME = Item("item_01", "parent_1", 5, 1, NOON)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not a cursor",
        "AAAAAAAAAAAA",
        "A" * 1_000_000,
        "é" * 20,
        BY_ID.cursor(SOME),
        NEWEST.cursor(SOME),
        CHEAPEST.cursor(SOME) + "A",
        CHEAPEST.cursor(SOME) + "=",
        CHEAPEST.cursor(SOME)[:-1],
        CHEAPEST.cursor(SOME)[:10] + "B" + CHEAPEST.cursor(SOME)[11:],
        CHEAPEST.cursor(SOME) + "\n",
        forged(CHEAPEST, 5),
        forged(CHEAPEST, 5, "item_01", "more"),
        forged(CHEAPEST, "5", "item_01"),
        forged(CHEAPEST, 5.5, "item_01"),
        forged(CHEAPEST, True, "item_01"),
        forged(CHEAPEST, None, "item_01"),
        forged(CHEAPEST, 2**63, "item_01"),
        forged(CHEAPEST, 5, 1),
        forged(CHEAPEST, 5, ["item_01"]),
        forged(CHEAPEST, 5, "item\x00"),
        forged(CHEAPEST, 5, "i" * 201),
    ],
)
def test_what_is_not_a_cursor_of_the_list_is_a_bad_request(cursor: str) -> None:
    with pytest.raises(BadRequest) as raised:
        CHEAPEST.window(None, cursor, None, None)

    assert raised.value.message == "`after` is not a cursor of this list in this order."


@pytest.mark.parametrize(
    ("order", "values"),
    [
        (NEWEST, [10**18, "item_01"]),
        (NEWEST, [-(10**18), "item_01"]),
        (NEWEST, ["2026-03-01T12:00:00Z", "item_01"]),
        (Order("w", items.c.weight), [2**31]),
        (NEAREST, ["1.5", "item_01"]),
        (NEAREST, [True, "item_01"]),
    ],
)
def test_values_that_the_column_cannot_hold_are_bad_requests(order: Order, values: list[object]) -> None:
    with pytest.raises(BadRequest) as raised:
        order.window(None, None, None, forged(order, *values))

    assert raised.value.message == "`before` is not a cursor of this list in this order."


@given(st.text() | st.binary().map(lambda content: base64.urlsafe_b64encode(content).decode()))
def test_any_text_is_a_cursor_or_a_bad_request(cursor: str) -> None:
    with pytest.raises(BadRequest):
        NEWEST.window(None, cursor, None, None)


def test_an_order_by_what_may_be_null_is_refused() -> None:
    with pytest.raises(TypeError, match="may be null"):
        Order("items.note", items.c.note, items.c.id)
    with pytest.raises(TypeError, match="do not hold"):
        Order("items.hidden", items.c.hidden, items.c.id)


# --- pages ---

SORTED: dict[Order, list[str]] = {
    order: [cast("str", row["id"]) for row in sorted(ROWS, key=key, reverse=order.descending)]
    for order, key in cast(
        "list[tuple[Order, Callable[[dict[str, object]], tuple[object, ...]]]]",
        [
            (BY_ID, lambda row: (row["id"],)),
            (NEWEST, lambda row: (row["made_at"], row["id"])),
            (CHEAPEST, lambda row: (row["amount"], row["id"])),
            (NEAREST, lambda row: (row["weight"], row["id"])),
        ],
    )
}


def statement_of(order: Order) -> Select[*tuple[object, ...]]:
    return select(items, distance) if order is NEAREST else ALL


@pytest.mark.parametrize("order", SORTED, ids=lambda order: order.name)
@pytest.mark.parametrize("size", [1, 4, 25, 100])
async def test_paging_forwards_and_backwards_shows_each_row_once(order: Order, size: int, database: Database) -> None:
    statement = statement_of(order)
    forwards: list[str] = []
    after: str | None = None
    while True:
        page = await fetch_page(database, Item, statement, order.window(size, after, None, None))
        assert page.has_previous_page == (after is not None)
        forwards += ids(page)
        if not page.has_next_page:
            break
        after = order.cursor(page.rows[-1])
    assert forwards == SORTED[order]

    backwards: list[str] = []
    before: str | None = None
    while True:
        page = await fetch_page(database, Item, statement, order.window(None, None, size, before))
        assert page.has_next_page == (before is not None)
        backwards = ids(page) + backwards
        if not page.has_previous_page:
            break
        before = order.cursor(page.rows[0])
    assert backwards == SORTED[order]


async def test_both_cursors_bound_a_page(database: Database) -> None:
    everything = (await fetch_page(database, Item, ALL, NEWEST.window(25, None, None, None))).rows
    bounds = (NEWEST.cursor(everything[4]), NEWEST.cursor(everything[9]))

    forwards = await fetch_page(database, Item, ALL, NEWEST.window(3, bounds[0], None, bounds[1]))
    backwards = await fetch_page(database, Item, ALL, NEWEST.window(None, bounds[0], 3, bounds[1]))

    assert ids(forwards) == [row.id for row in everything[5:8]]
    assert ids(backwards) == [row.id for row in everything[6:9]]


async def test_a_page_beyond_the_end_is_empty(database: Database) -> None:
    last = (await fetch_page(database, Item, ALL, BY_ID.window(None, None, 1, None))).rows[0]

    page = await fetch_page(database, Item, ALL, BY_ID.window(5, BY_ID.cursor(last), None, None))

    assert (ids(page), page.has_next_page, page.has_previous_page, await page.count()) == ([], False, True, 25)


async def test_the_count_is_that_of_the_whole_filtered_list(database: Database, statements: list[str]) -> None:
    page = await fetch_page(database, Item, ALL.where(items.c.hidden), NEWEST.window(2, None, None, None))

    assert len(statements) == 1
    assert await page.count() == 4
    assert len(statements) == 2


async def test_a_page_is_read_from_an_index_of_the_order(database: Database) -> None:
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("CREATE INDEX ON paged_items (made_at DESC, id DESC)")
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        after = NEWEST.cursor(SOME)
        statement = NEWEST.window(5, after, None, None).select(ALL)
        text = statement.compile(connection.sync_connection, compile_kwargs={"literal_binds": True})
        plan = "\n".join((await connection.exec_driver_sql(f"EXPLAIN {text}")).scalars())

    assert "Index Cond: (ROW(made_at, id) < ROW(" in plan
    assert "Sort" not in plan


# --- pages of many parents ---

PARENTS = ["parent_2", "parent_0", "nobody", "parent_1"]


async def load(database: Database, keys: Sequence[tuple[str, Window]]) -> list[Page[Item]]:
    return await page_by_parent(database, Item, ALL.where(~items.c.hidden), items.c.parent, keys)


@pytest.mark.parametrize("order", [BY_ID, NEWEST, CHEAPEST], ids=lambda order: order.name)
@pytest.mark.parametrize("backwards", [False, True])
async def test_the_page_of_each_parent_is_the_one_it_has_alone(
    order: Order, backwards: bool, database: Database, statements: list[str]
) -> None:
    middle = order.cursor(Item("item_12", "", 3 * 10**12, 0, NOON + timedelta(microseconds=4)))
    windows = [
        order.window(None, after, 3, before) if backwards else order.window(3, after, None, before)
        for after, before in [(None, None), (middle, None), (None, middle)]
    ]
    keys = list(itertools.product(PARENTS, windows))

    pages = await load(database, keys)

    assert len(statements) == 3  # one for each window, however many parents
    for (parent, window), page in zip(keys, pages, strict=True):
        alone = await fetch_page(database, Item, ALL.where(~items.c.hidden, items.c.parent == parent), window)
        assert ids(page) == ids(alone)
        assert (page.has_next_page, page.has_previous_page) == (alone.has_next_page, alone.has_previous_page)


async def test_the_counts_of_all_parents_are_one_statement(database: Database, statements: list[str]) -> None:
    window = BY_ID.window(1, None, None, None)
    pages = await load(database, [(parent, window) for parent in PARENTS])
    assert len(statements) == 1

    counts = await asyncio.gather(*(page.count() for page in pages))

    assert dict(zip(PARENTS, counts, strict=True)) == {
        parent: sum(row["parent"] == parent and not row["hidden"] for row in ROWS) for parent in PARENTS
    }
    assert len(statements) == 2


# --- the connection in the graph ---


@strawberry.type
class Thing:
    id: strawberry.ID

    @classmethod
    def of(cls, row: Item) -> "Thing":
        return cls(id=strawberry.ID(row.id))


@strawberry.type
class Parent:
    id: strawberry.ID


async def things(
    info: strawberry.Info[Database, None],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Thing]:
    window = NEWEST.window(first, after, last, before)
    return Connection.of(await fetch_page(info.context, Item, ALL, window), Thing.of)


async def children(
    root: strawberry.Parent[Parent], info: strawberry.Info[object, None], first: First = None, after: After = None
) -> Connection[Thing] | None:
    loader = cast("DataLoader[tuple[str, Window], Page[Item]]", info.context)
    page = await loader.load((root.id, NEWEST.window(first, after, None, None)))
    return Connection.of(page, Thing.of)


def parents() -> list[Parent]:
    return [Parent(id=strawberry.ID(parent)) for parent in PARENTS]


@strawberry.type
class Family(Parent):
    children: Connection[Thing] | None = strawberry.federation.field(
        resolver=children, directives=connection_directives(children)
    )


@strawberry.type
class Query:
    things: Connection[Thing] = strawberry.federation.field(resolver=things, directives=connection_directives(things))

    @strawberry.field
    def families(self) -> list[Family]:
        return [Family(id=strawberry.ID(parent)) for parent in PARENTS]


schema = strawberry.federation.Schema(
    query=Query, federation_version="2.9", config=StrawberryConfig(scalar_map=SCALARS)
)


def test_the_types_are_named_described_and_sized() -> None:
    sdl = schema.as_str()

    assert "type ThingConnection @shareable {" in sdl
    assert "type ThingEdge @shareable {" in sdl
    assert "edges: [ThingEdge!]!" in sdl
    assert "nodes: [Thing!]!" in sdl
    assert "pageInfo: PageInfo!" in sdl
    assert "totalCount: Int! @cost(weight: 5)" in sdl
    size = (
        '@listSize(slicingArguments: ["first", "last"], sizedFields: ["nodes", "edges"],'
        " requireOneSlicingArgument: false)"
    )
    assert sdl.count(size) == 1
    assert sdl.count(size.replace('"first", "last"', '"first"')) == 1
    for name in ("ThingConnection", "ThingEdge"):
        kind = schema._schema.type_map[name]
        assert kind.description
        assert all(field.description for field in kind.fields.values())  # type: ignore[attr-defined]  # an object
    assert all(argument.description for argument in schema._schema.query_type.fields["things"].args.values())  # type: ignore[union-attr]


async def quoted(first: First = None) -> "Connection[Thing] | None":
    return None


def test_only_connections_get_a_size() -> None:
    assert connection_directives(parents) == []
    assert [len(connection_directives(each)) for each in (things, children, quoted)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ things { nodes { id } } }", 1 + 20),
        ("{ things(first: 7) { edges { cursor node { id } } totalCount } }", 1 + 7 * 2 + 5),
        ("{ families { children(first: 3) { nodes { id } pageInfo { hasNextPage } } } }", 20 * (1 + 1 + 3 + 1)),
    ],
)
def test_a_connection_costs_what_a_page_holds(query: str, cost: int) -> None:
    assert check_variables(check_document(schema._schema, parse_limited(query)), {}) == cost


async def test_a_connection_answers_edges_nodes_and_counts(database: Database, statements: list[str]) -> None:
    query = """query ($after: String) {
      things(first: 2, after: $after) {
        edges { cursor node { id } }
        nodes { id }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        totalCount
      }
    }"""
    first = await schema.execute(query, context_value=database)
    assert first.errors is None
    answer = first.data["things"]
    second = await schema.execute(query, {"after": answer["pageInfo"]["endCursor"]}, context_value=database)

    assert answer["nodes"] == [{"id": "item_24"}, {"id": "item_23"}]
    assert [edge["node"] for edge in answer["edges"]] == answer["nodes"]
    cursors = [edge["cursor"] for edge in answer["edges"]]
    assert answer["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": cursors[0],
        "endCursor": cursors[1],
    }
    assert answer["totalCount"] == 25
    assert second.errors is None
    assert second.data["things"]["nodes"] == [{"id": "item_22"}, {"id": "item_21"}]
    assert second.data["things"]["pageInfo"]["hasPreviousPage"] is True
    assert len(statements) == 4


async def test_a_bad_cursor_is_a_bad_request_without_a_statement(database: Database, statements: list[str]) -> None:
    answer = await schema.execute('{ things(after: "x") { nodes { id } } }', context_value=database)

    assert answer.data is None
    assert [type(error.original_error) for error in answer.errors or []] == [BadRequest]
    assert statements == []


async def test_the_pages_of_many_entities_are_one_statement(database: Database, statements: list[str]) -> None:
    loader = DataLoader(partial(load, database))
    query = "{ families { id children(first: 2) { nodes { id } %s } } }"

    answer = await schema.execute(query % "pageInfo { hasNextPage }", context_value=loader)
    assert answer.errors is None
    assert len(statements) == 1
    assert answer.data["families"][1] == {
        "id": "parent_0",
        "children": {"nodes": [{"id": "item_24"}, {"id": "item_18"}], "pageInfo": {"hasNextPage": True}},
    }
    assert answer.data["families"][2] == {
        "id": "nobody",
        "children": {"nodes": [], "pageInfo": {"hasNextPage": False}},
    }

    answer = await schema.execute(query % "totalCount", context_value=DataLoader(partial(load, database)))
    assert answer.errors is None
    assert len(statements) == 3
