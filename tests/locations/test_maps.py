"""The map: brute force says what is in a square; the counts that are kept never differ from it."""

import asyncio
import random
from typing import Any

import pytest

from shared.geo import Point
from shared.ids import new_id
from subgraphs.locations.rules.maps import BITS, view_of, x_of, y_of
from tests.locations.conftest import VIEW, Locations

FAR = [(90, 180), (-90, -180), (0, 180), (0, -180), (85.06, 0), (-85.06, 0), (0, 0)]
RECOUNTED = """
    SELECT level, x >> (24 - level), y >> (24 - level), count(*), sum(x), sum(y), sum(number)
    FROM tasks, generate_series(2, 12) AS level WHERE status = 'OPEN' AND x IS NOT NULL
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
COUNTED = "SELECT level, x, y, tasks, sum_x, sum_y, sum_number FROM cells ORDER BY 1, 2, 3"


def bounds(south: float, west: float, north: float, east: float) -> dict[str, Any]:
    return {
        "southWest": {"latitude": south, "longitude": west},
        "northEast": {"latitude": north, "longitude": east},
    }


async def view(locations: Locations, area: dict[str, Any], zoom: int) -> dict[str, Any]:
    found: dict[str, Any] = (await locations.act(None, VIEW, bounds=area, zoom=zoom))["tasksInView"]
    return found


def scattered(seed: int, count: int) -> list[tuple[float, float]]:
    """Around some towns, and some anywhere."""
    randomly = random.Random(seed)
    towns = [(13.75, 100.5), (52.5, 13.4), (-17.8, 179.9), (-17.8, -179.9), (70, 25)]
    points = []
    for _ in range(count):
        latitude, longitude = randomly.choice(towns)
        spread = randomly.choice((0.0001, 0.01, 1))
        points.append((latitude + randomly.gauss(0, spread), (longitude + randomly.gauss(0, spread) + 540) % 360 - 180))
    return [*points, *FAR]


@pytest.mark.parametrize("zoom", [0, 1, 2, 3, 5, 8, 10, 11, 12, 15, 18, 22])
async def test_clusters_and_single_tasks_are_what_brute_force_finds(locations: Locations, zoom: int) -> None:
    points = scattered(zoom, 150)
    ids = await locations.scatter(points)
    half = min(89.0, 100 / 2**zoom)
    for latitude, longitude in ((13.75, 100.5), (-17.8, 179.95), (70, 25)):
        south, north = max(-90, latitude - half / 2), min(90, latitude + half / 2)
        west = (longitude - half + 540) % 360 - 180 if zoom else -180
        east = (longitude + half + 540) % 360 - 180 if zoom else 180
        cells: dict[tuple[int, int], list[int]] = {}
        seen = view_of(Point(south, west), Point(north, east), zoom)
        for number, (point_latitude, point_longitude) in enumerate(points):
            cell = x_of(point_longitude) >> seen.shift, y_of(point_latitude) >> seen.shift
            if any(cell[0] in each for each in seen.columns) and cell[1] in seen.rows:
                cells.setdefault(cell, []).append(number)

        found = await view(locations, bounds(south, west, north, east), zoom)

        assert found["count"] == sum(map(len, cells.values()))
        alone = {ids[numbers[0]] for numbers in cells.values() if len(numbers) == 1}
        assert {task["id"] for task in found["tasks"]} == alone
        assert sorted(cluster["count"] for cluster in found["clusters"]) == sorted(
            len(numbers) for numbers in cells.values() if len(numbers) > 1
        )
        for cluster in found["clusters"]:
            center = cluster["center"]
            cell = x_of(center["longitude"]) >> seen.shift, y_of(center["latitude"]) >> seen.shift
            assert len(cells[cell]) == cluster["count"]


async def test_a_view_across_the_antimeridian_shows_both_sides(locations: Locations) -> None:
    ids = await locations.scatter([(-17.8, 179.9), (-17.8, -179.9), (-17.8, 0)])

    found = await view(locations, bounds(-20, 175, -15, -175), 6)

    shown = [task["id"] for task in found["tasks"]]
    assert found["count"] == 2
    assert set(shown) <= set(ids[:2])


async def test_the_world_is_seen_once_however_it_is_framed(locations: Locations) -> None:
    await locations.scatter(scattered(1, 50))
    total = 50 + len(FAR)

    assert (await view(locations, bounds(-90, -180, 90, 180), 0))["count"] == total
    assert (await view(locations, bounds(-90, 10, 90, 9.9), 1))["count"] == total


async def test_what_closes_or_moves_is_counted_no_more(locations: Locations) -> None:
    ids = await locations.scatter([(13.75, 100.5)] * 3)
    area = bounds(13, 100, 14, 101)
    assert (await view(locations, area, 8))["count"] == 3
    await locations.sql("UPDATE tasks SET status = 'CANCELLED' WHERE id = :id RETURNING 1", id=ids[0])
    await locations.sql("UPDATE tasks SET latitude = 50 WHERE id = :id RETURNING 1", id=ids[1])

    for zoom in (8, 10, 11):
        found = await view(locations, bounds(13.7, 100.4, 13.8, 100.6), zoom)
        assert (found["count"], [task["id"] for task in found["tasks"]]) == (1, [ids[2]])


async def test_counts_follow_whatever_changes_tasks_at_once(locations: Locations) -> None:
    randomly = random.Random(7)

    async def change(seed: int) -> None:
        mine = await locations.scatter(scattered(seed, 8))
        for task_id in mine:
            await locations.sql(
                randomly.choice(
                    (
                        "UPDATE tasks SET status = 'ASSIGNED' WHERE id = :id RETURNING 1",
                        "UPDATE tasks SET latitude = latitude / 2, longitude = 1 WHERE id = :id RETURNING 1",
                        "UPDATE tasks SET latitude = NULL, longitude = NULL WHERE id = :id RETURNING 1",
                        "UPDATE tasks SET title = 'Another' WHERE id = :id RETURNING 1",
                        "DELETE FROM tasks WHERE id = :id RETURNING 1",
                    )
                ),
                id=task_id,
            )

    await asyncio.gather(*(change(seed) for seed in range(12)))

    assert await locations.sql(COUNTED) == await locations.sql(RECOUNTED)
    await locations.sql("UPDATE tasks SET status = 'CANCELLED' RETURNING 1")
    assert await locations.sql(COUNTED) == []


async def test_positions_are_computed_alike_here_and_there(locations: Locations) -> None:
    points = scattered(3, 300)
    await locations.scatter(points)

    rows = await locations.sql("SELECT latitude, longitude, x, y FROM tasks")

    differences = {
        max(abs(x_of(longitude) - x), abs(y_of(latitude) - y))  # type: ignore[arg-type, operator]  # numbers
        for latitude, longitude, x, y in rows
    }
    # A last bit of a logarithm may fall to either side of a border of 2 metres.
    assert differences <= {0, 1}
    assert all(0 <= x < 1 << BITS and 0 <= y < 1 << BITS for _, _, x, y in rows)  # type: ignore[operator]  # numbers


@pytest.mark.parametrize(
    ("area", "zoom", "says"),
    [
        (bounds(14, 100, 13, 101), 10, "north of"),
        (bounds(13, 100, 14, 101), -1, "`zoom`"),
        (bounds(13, 100, 14, 101), 23, "`zoom`"),
        (bounds(-90, -180, 90, 180), 6, "too large"),
        (bounds(13, 100, 14, 101), 22, "too large"),
        (bounds(13, 101, 14, 100), 10, "too large"),
        (bounds(-91, 0, 0, 1), 3, "`bounds.southWest`"),
        (bounds(0, 0, 1, 181), 3, "`bounds.northEast`"),
        (bounds(100.5, 13.7, 14, 101), 3, "swapped"),
    ],
)
async def test_bad_questions_are_refused(locations: Locations, area: dict[str, Any], zoom: int, says: str) -> None:
    code, message = await locations.refusal(None, VIEW, bounds=area, zoom=zoom)

    assert code == "BAD_REQUEST"
    assert says in message


async def test_numbers_that_are_none_are_refused(locations: Locations) -> None:
    for corner in ("{latitude: 1e999, longitude: 0}", "{latitude: 0, longitude: -1e999}"):
        asked = f"{{ tasksInView(bounds: {{southWest: {corner}, northEast: {corner}}}, zoom: 3) {{ count }} }}"
        assert (await locations.refusal(None, asked))[0] == "BAD_REQUEST"
    whole = "{ tasksInView(bounds: {southWest: {latitude: 0, longitude: 0}, northEast: {latitude: 1, longitude: 1}},"
    assert (await locations.refusal(None, f"{whole} zoom: 99999999999) {{ count }} }}"))[0] == "BAD_REQUEST"


async def test_a_busy_spot_is_one_cluster_at_every_zoom(locations: Locations) -> None:
    owner = new_id("user")
    place = await locations.place(owner)
    for _ in range(3):
        await locations.task(poster_id=owner, place_id=place["id"])
    point = place["publicPoint"]
    spot = bounds(point["latitude"], point["longitude"], point["latitude"], point["longitude"])

    for zoom in range(23):
        found = await view(locations, spot, zoom)
        assert (found["count"], [cluster["count"] for cluster in found["clusters"]]) == (3, [3])
