"""`exchange seed --scale`: what it makes is as if people had made it, and the same again for the same seed."""

import asyncio
import random
import re
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from deploy.local import scale
from shared.geo import Point
from shared.ids import check_id
from subgraphs.locations.rules.geometry import distance_meters

COUNT = 250


@pytest.fixture
def address(database_url: Callable[[str], str]) -> Callable[[str], str]:
    for name in ("users", "tasks", "locations"):
        database_url(name)
    return database_url


def load(address: Callable[[str], str], seed: int = 1, count: int = COUNT) -> list[int]:
    told: list[int] = []
    asyncio.run(scale.load(address, count, seed, told.append))
    return told


def fetch(address: Callable[[str], str], subgraph: str, sql: str) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(address(subgraph).replace("postgresql+asyncpg://", "postgresql://"))
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(ask())


INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
CELLS = "SELECT * FROM cells ORDER BY level, x, y"


def test_places_tasks_and_copies_fit_together(address: Callable[[str], str]) -> None:
    told = load(address)

    assert sum(told) == COUNT
    tasks = fetch(address, "tasks", "SELECT id, poster_id, place_id, mode, status, title FROM tasks ORDER BY id")
    assert len(tasks) == COUNT
    copies = "SELECT id, poster_id, place_id, mode, status, title FROM tasks ORDER BY id"
    assert fetch(address, "locations", copies) == tasks
    words = "SELECT id, search::text FROM tasks ORDER BY id"
    assert fetch(address, "locations", words) == fetch(address, "tasks", words)
    people = {user for (user,) in fetch(address, "users", "SELECT id FROM users")}
    places = {place[0]: place[1:] for place in fetch(address, "locations", "SELECT * FROM places")}
    for task_id, poster, place, mode, _, title in tasks:
        check_id(task_id, "task")
        assert poster in people
        assert 10 <= len(title) <= 100
        assert (place is None) is (mode == "REMOTE")
        assert place is None or places[place][0] == poster
    exact = "SELECT latitude, longitude, public_latitude, public_longitude FROM places"
    for latitude, longitude, *public in fetch(address, "locations", exact):
        assert distance_meters(Point(latitude, longitude), Point(*public)) < 850
    opened = [task_id for task_id, *_, status, _ in tasks if status == "OPEN"]
    assert fetch(address, "tasks", "SELECT subject_id FROM deadlines ORDER BY 1") == [(each,) for each in opened]
    counted = "SELECT sum(tasks) FROM cells WHERE level = 2"
    on_the_map = "SELECT count(*) FROM tasks WHERE status = 'OPEN' AND x IS NOT NULL"
    assert fetch(address, "locations", counted) == fetch(address, "locations", on_the_map)
    assert fetch(address, "tasks", "SELECT count(*) > 20 FROM words") == [(True,)]


def test_each_poster_has_a_saved_search_and_every_other_one_works_somewhere(address: Callable[[str], str]) -> None:
    load(address)

    searches = "SELECT owner_id, latitude, words, keys, query::text FROM saved_searches"
    found = fetch(address, "locations", searches)
    assert sorted(owner for owner, *_ in found) == sorted(
        user for (user,) in fetch(address, "users", "SELECT id FROM users")
    )
    assert {latitude is None for _, latitude, *_ in found} == {True, False}
    # As `createSavedSearch` would have noted what a task needs one of.
    with_words = [row[2:] for row in found if row[2] is not None]
    assert all(len(keys) == 1 and keys[0] in re.findall("'([^']+)'", query) for _, keys, query in with_words)
    assert {words.isascii() for words, _, _ in with_words} == {True, False}
    taskers = fetch(address, "users", "SELECT id FROM users WHERE 'TASKER' = ANY(roles) ORDER BY id")
    assert len(taskers) == len(found) // 2 + 1
    assert fetch(address, "locations", "SELECT tasker_id FROM service_areas ORDER BY 1") == taskers
    shapes = "SELECT count(radius_meters) > 0, count(outline) > 0 FROM service_areas"
    assert fetch(address, "locations", shapes) == [(True, True)]
    # Each of the octagons encloses its centre.
    outside = "SELECT count(*) FROM service_areas WHERE radius_meters IS NULL AND NOT ST_Covers(reach, center)"
    assert fetch(address, "locations", outside) == [(0,)]


def test_many_are_counted_and_indexed_like_few(address: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    load(address)
    cells = fetch(address, "locations", CELLS)
    indexes = {name: fetch(address, name, INDEXES) for name in ("tasks", "locations")}
    for name in ("users", "tasks", "locations"):
        fetch(address, name, f"TRUNCATE {name if name == 'users' else 'tasks'} RESTART IDENTITY CASCADE")
    fetch(address, "tasks", "TRUNCATE deadlines, places")
    fetch(address, "locations", "TRUNCATE cells, places, neighbourhoods, saved_searches, service_areas")
    monkeypatch.setattr(scale, "_MANY", 1)

    load(address)

    assert fetch(address, "locations", CELLS) == cells
    assert {name: fetch(address, name, INDEXES) for name in ("tasks", "locations")} == indexes


def test_the_same_seed_twice_leaves_nothing_of_the_second(address: Callable[[str], str]) -> None:
    load(address, count=20)

    with pytest.raises(scale.ScaleFailed, match="--seed"):
        load(address, count=30)

    assert fetch(address, "tasks", "SELECT count(*) FROM tasks") == [(20,)]
    assert fetch(address, "locations", "SELECT count(*) FROM tasks") == [(20,)]
    load(address, seed=2, count=30)
    assert fetch(address, "users", "SELECT count(*) FROM users") == [(5,)]


def test_people_live_in_cities() -> None:
    cities = scale.Cities()
    randomly = random.Random(1)

    chosen = [cities.choose(randomly) for _ in range(500)]

    assert {"CN", "IN", "US"} <= {city.country for city in chosen}
    assert sum(city.population > 1_000_000 for city in chosen) > 100
