"""Service areas, for the tests of them and of who is near."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, cos, pi, radians, sin

from shared.geo import Point
from shared.ids import new_id
from subgraphs.locations.rules.geometry import distance_meters, moved
from subgraphs.locations.rules.service_areas import Polygon, geojson_of
from tests.locations.conftest import POINT, Locations

FIELDS = f"center {POINT} radiusMeters polygon {POINT} categoryIds"
SET = (
    f"mutation($input: SetServiceAreaInput!) {{ setServiceArea(input: $input) {{ serviceArea {{ {FIELDS} }}"
    " userErrors { code message field } } }"
)
REMOVE = f"mutation {{ removeServiceArea {{ serviceArea {{ {FIELDS} }} userErrors {{ code message field }} }} }}"
NEAR = """query($task: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    taskersNear(taskId: $task, first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { distanceMeters tasker { id } } } nodes { distanceMeters tasker { id } } totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }"""
MINE = f"{{ myServiceArea {{ {FIELDS} }} }}"

# Where the arithmetic of degrees goes wrong if it can: poles, antimeridian, equator.
CENTERS = [
    Point(13.7563, 100.5018), Point(0, 180), Point(-17, -179.99), Point(89.99, 10), Point(90, 0), Point(-90, 0),
    Point(0, 0), Point(51.5, -0.1),
]  # fmt: skip


def given(point: Point) -> dict[str, float]:
    return {"latitude": point.latitude, "longitude": point.longitude}


def star(center: Point, radii: Sequence[float], turned: float = 0.0) -> list[Point]:
    """A polygon's corners, each so far from the centre, all around."""
    # From a pole itself all directions are one.
    near = Point(max(-89.999, min(89.999, center.latitude)), center.longitude)
    return [moved(near, turned + 360 * number / len(radii), radius) for number, radius in enumerate(radii)]


def random_star(randomly: random.Random, center: Point, reach: float) -> list[Point]:
    radii = [randomly.uniform(0.2, 1) * reach for _ in range(randomly.randrange(3, 13))]
    return star(center, radii, randomly.uniform(0, 360))


def is_within(corners: Sequence[Point], point: Point) -> bool:
    """Brute force: whether the directions to an outline's corners, seen from a point, turn all the way around."""
    up = _vector(point)
    flat = [_across(up, _vector(corner)) for corner in corners]
    turned = 0.0
    for one, other in zip(flat, [*flat[1:], flat[0]], strict=True):
        turned += atan2(_dot(up, _cross(one, other)), _dot(one, other))
    return abs(turned) > pi


_Vector = tuple[float, float, float]


def _vector(point: Point) -> _Vector:
    latitude, longitude = radians(point.latitude), radians(point.longitude)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def _across(up: _Vector, vector: _Vector) -> _Vector:
    """What of the way from one to the other is horizontal."""
    way = (vector[0] - up[0], vector[1] - up[1], vector[2] - up[2])
    height = _dot(way, up)
    return (way[0] - height * up[0], way[1] - height * up[1], way[2] - height * up[2])


def _dot(one: _Vector, other: _Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _cross(one: _Vector, other: _Vector) -> _Vector:
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )


@dataclass(frozen=True)
class Scattered:
    """A service area as others see it: a circle with a radius, or a polygon with corners."""

    center: Point
    radius: float | None = None
    corners: tuple[Point, ...] = ()
    categories: tuple[str, ...] = ()

    def covers(self, point: Point) -> bool:
        """By brute force."""
        if self.radius is not None:
            return distance_meters(self.center, point) <= self.radius
        return is_within(self.corners, point)


async def scatter(locations: Locations, areas: Sequence[Scattered]) -> list[str]:
    """Taskers who work there, past all rules. Their ids."""
    ids = [new_id("user") for _ in areas]
    outlines = [json.dumps(geojson_of(Polygon(area.corners, area.center))) if area.corners else None for area in areas]
    await locations.sql(
        """INSERT INTO service_areas (tasker_id, latitude, longitude, radius_meters, outline, public_latitude,
            public_longitude, public_outline, category_ids, updated_at)
        SELECT id, latitude, longitude, radius, CAST(outline AS jsonb), latitude, longitude, CAST(outline AS jsonb),
            string_to_array(categories, ' '), now()
        FROM unnest(CAST(:ids AS text[]), CAST(:latitudes AS float8[]), CAST(:longitudes AS float8[]),
            CAST(:radii AS float8[]), CAST(:outlines AS text[]), CAST(:categories AS text[]))
            AS rows(id, latitude, longitude, radius, outline, categories) RETURNING 1""",
        ids=ids,
        latitudes=[area.center.latitude for area in areas],
        longitudes=[area.center.longitude for area in areas],
        radii=[area.radius for area in areas],
        outlines=outlines,
        categories=[" ".join(area.categories) for area in areas],
    )
    return ids
