"""Migrations that change what is in the tables: up and down, with rows of the version before."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import astuple

import asyncpg
import pytest
from alembic import command

from shared.database.migrate import alembic_config
from shared.geo import Point
from shared.text_search.sql import vector
from subgraphs.locations.rules.geometry import moved
from subgraphs.locations.rules.neighbourhoods import containing, public_point
from subgraphs.locations.rules.service_areas import Polygon, geojson_of
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


def test_places_are_shown_by_their_neighbourhoods_and_no_more_by_the_way_they_were_moved(address: str) -> None:
    home = Point(13.7563, 100.5018)
    # Across the border of two neighbourhoods, so that the order in which they came matters.
    beside, away = moved(home, 270, 45), moved(home, 100, 3_000)
    assert containing(home) != containing(beside)
    area = Polygon(tuple(moved(beside, bearing, 4_000) for bearing in (0, 90, 200)), beside)
    command.downgrade(CONFIG, "0006")
    run(
        address,
        "INSERT INTO displacements VALUES ($1, $2, $3, $4, 45, 400)",
        ("displacement_1", "user_1", *astuple(home)), ("displacement_2", "user_2", *astuple(away)),
    )  # fmt: skip
    run(
        address,
        "INSERT INTO places VALUES ($1, $2, null, null, null, 'POINT', $3, $4, 1, 1, now())",
        ("place_1", "user_1", *astuple(beside)), ("place_2", "user_1", *astuple(away)),
        ("place_3", "user_2", *astuple(away)),
    )  # fmt: skip
    run(
        address,
        """INSERT INTO service_areas (tasker_id, latitude, longitude, outline, public_latitude, public_longitude,
            public_outline, category_ids, updated_at) VALUES ($1, $2, $3, $4, 1, 1, $4, '{}', now())""",
        ("user_1", *astuple(beside), json.dumps(geojson_of(area))),
    )
    run(
        address,
        """INSERT INTO tasks (id, poster_id, place_id, title, category_id, budget_minor, currency, mode, status,
            is_hidden, version, published_at, latitude, longitude)
        VALUES ($1, $2, $3, 'Paint the fence', 'category_1', 1, 'EUR', 'ONSITE', 'OPEN', false, 1, now(), $4, $5)""",
        ("task_1", "user_1", "place_1", 1.0, 1.0), ("task_2", "user_2", "place_3", 1.0, 1.0),
        # Its place is gone.
        ("task_3", "user_1", "place_9", None, None),
    )  # fmt: skip

    command.upgrade(CONFIG, "head")

    first, far, other = [
        astuple(public_point(owner, containing(point)))
        for owner, point in (("user_1", home), ("user_1", away), ("user_2", away))
    ]
    places = "SELECT public_latitude, public_longitude FROM places ORDER BY id"
    assert run(address, places) == [first, far, other]
    assert run(address, "SELECT latitude, longitude FROM tasks ORDER BY id") == [first, other, (None, None)]
    assert run(address, "SELECT sum(tasks), count(*) FROM cells WHERE level = 12") == [(2, 2)]
    ((latitude, longitude, outline),) = run(
        address, "SELECT public_latitude, public_longitude, public_outline FROM service_areas"
    )
    assert (latitude, longitude) == first
    assert json.loads(str(outline)) == geojson_of(area.around(Point(*first)))
    used = [(person, shown.north, shown.east) for person, shown in (
        ("user_1", containing(home)), ("user_1", containing(away)), ("user_2", containing(away)),
    )]  # fmt: skip
    assert run(address, "SELECT owner_id, north, east FROM neighbourhoods ORDER BY number") == used
    assert run(address, "SELECT 1 FROM pg_tables WHERE tablename = 'displacements'") == []
