"""Each hot statement reads its index."""

import random
import re
from typing import Any

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import postgresql

from shared.geo import Point
from subgraphs.locations import rules, store
from subgraphs.locations.rules.geometry import moved
from subgraphs.locations.store.nearby import Filter
from tests.locations import areas
from tests.locations.conftest import BANGKOK, Locations

HERE = Point(**BANGKOK)


async def plan(locations: Locations, statement: Select[Any]) -> str:
    """PostgreSQL's plan of a statement, with the values in it."""
    compiled = statement.compile(dialect=postgresql.asyncpg.dialect(), compile_kwargs={"literal_binds": True})
    rows = await locations.sql(f"EXPLAIN {compiled}".replace("%%", "%"))
    return "\n".join(str(line) for (line,) in rows)


@pytest.fixture
async def crowded(locations: Locations) -> Locations:
    """So many tasks around that no scan of all is cheap, most of them not open."""
    randomly = random.Random(1)

    def around(count: int) -> list[tuple[float, float]]:
        points = [moved(HERE, randomly.uniform(0, 360), 300_000 * randomly.random() ** 2) for _ in range(count)]
        return [(point.latitude, point.longitude) for point in points]

    await locations.scatter(around(8_000))
    await locations.scatter(around(4_000), status="COMPLETED")
    for table in ("tasks", "cells"):
        await locations.sql(f"ANALYZE {table}")
    return locations


def nearby(first: int | None, after: str | None = None, filter: Filter = Filter()) -> Select[Any]:  # noqa: B008 - frozen
    window = store.nearby.order(HERE, 10_000.0, filter).window(first, after, None, None)
    return store.nearby.page_of(store.nearby.nearby(HERE, 10_000.0, filter), window)


async def test_the_nearest_are_read_from_the_index_in_its_order(crowded: Locations) -> None:
    row = store.nearby.Near("task_01jd0000000000000000000000", 1_234.5)
    cursor = store.nearby.order(HERE, 10_000.0, Filter()).cursor(row)
    for statement in (nearby(20), nearby(20, cursor), nearby(20, filter=Filter(budget_min_minor=5))):
        found = await plan(crowded, statement)
        assert "Index Scan using tasks_open_by_point on tasks" in found
        assert "Order By: (point <->" in found
        assert "Index Cond: (point &&" in found
        assert "Seq Scan" not in found


async def test_counting_the_nearby_reads_the_index(crowded: Locations) -> None:
    found = await plan(crowded, store.nearby.nearby(HERE, 1_000.0, Filter()))

    assert "tasks_open_by_point" in found
    assert "Seq Scan" not in found


async def test_a_country_at_low_zoom_reads_counts_only(crowded: Locations) -> None:
    found = await plan(crowded, store.maps.counted(rules.maps.view_of(Point(5, 97), Point(21, 106), 6)))

    assert "cells_pkey" in found
    assert "tasks_by_number" in found
    assert "Seq Scan" not in found


async def test_a_town_at_high_zoom_reads_the_index_only(crowded: Locations) -> None:
    area = rules.maps.view_of(Point(13.75, 100.49), Point(13.77, 100.51), 15)

    found = await plan(crowded, store.maps.counting(area))

    # Only or not says the state of the visibility map, and that the last VACUUM.
    assert re.search(r"Scan (using|on) tasks_open_on_the_map", found)
    assert "tasks_by_number" in found
    assert "Seq Scan" not in found


async def test_links_and_copies_are_read_by_their_keys(crowded: Locations) -> None:
    by_place = await plan(crowded, store.tasks.links_of(["place_01jd0000000000000000000000"]))
    assert "tasks_by_place" in by_place
    assert "Seq Scan" not in by_place


async def test_who_works_where_a_task_is_is_read_from_the_index(locations: Locations) -> None:
    randomly = random.Random(1)
    centers = [moved(HERE, randomly.uniform(0, 360), 3_000_000 * randomly.random()) for _ in range(8_000)]
    await areas.scatter(
        locations,
        [
            areas.Scattered(center, radius=randomly.uniform(2_000, 25_000))
            if number % 4
            else areas.Scattered(center, corners=tuple(areas.random_star(randomly, center, 25_000)))
            for number, center in enumerate(centers)
        ],
    )
    await locations.sql("ANALYZE service_areas")
    work = store.service_areas.Work("task_1", "user_1", "category_1", HERE)
    order = store.service_areas.order(work)
    cursor = order.cursor(store.service_areas.NearTasker("user_1", 1_234.5))
    for after in (None, cursor):
        window = order.window(20, after, None, None)
        found = await plan(locations, window.select(store.service_areas.near(work)))
        assert "service_areas_by_reach" in found
        assert "Seq Scan on service_areas" not in found
