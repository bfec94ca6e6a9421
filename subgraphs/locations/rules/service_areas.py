"""Service areas: the circle or the polygon in which a tasker works."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import hypot
from typing import Any

from shared.errors import InvalidInput, NotFound, RoleRequired, collected
from shared.geo import Entered, Point
from shared.identity.actor import Actor, Role
from subgraphs.locations.rules import saved_searches
from subgraphs.locations.rules.geometry import distance_meters, from_plane, onto_plane
from subgraphs.locations.rules.nearby import MOST_RADIUS_METERS

CORNERS = (3, 100)
LEAST_GAP_METERS = 0.01
"""What of an outline comes nearer than this to another part of it touches it."""

Circle = saved_searches.Area

_Flat = tuple[float, float]
_Edge = tuple[_Flat, _Flat]


@dataclass(frozen=True, slots=True)
class Polygon:
    """What an outline of great circles' arcs encloses; the last corner is joined to the first one."""

    corners: tuple[Point, ...]
    center: Point
    """The middle of what is enclosed, about: measured on the plane that touches the first corner."""

    def around(self, center: Point) -> "Polygon":
        """The same polygon elsewhere: turned with the sphere until its centre is there and north is north."""
        flat = [onto_plane(self.center, corner) for corner in self.corners]
        return Polygon(tuple(from_plane(center, *each) for each in flat), center)


def area_of(center: Entered | None, radius_meters: float | None, corners: Sequence[Entered] | None) -> Circle | Polygon:
    """Raises InvalidInput unless it is either a circle or a polygon, and one that there can be.

    Who gives both is told that alone: which of them is meant to hold is not known.
    """
    if corners is None:
        circle = saved_searches.area_of(center, radius_meters)
        if circle is None:
            raise InvalidInput("Give a centre with a radius, or a polygon.", field=())
        return circle
    if center is not None or radius_meters is not None:
        raise InvalidInput("Give a centre with a radius, or a polygon, but not both.", field=("polygon",))
    return polygon_of(corners)


def polygon_of(entered: Sequence[Entered]) -> Polygon:
    """The polygon with these corners, in either direction; the first one may stand at the end again.

    Raises InvalidInput for too few or too many and for each that is nowhere; then for an outline that touches or
    crosses itself, and where a corner lies more than 200 km from the centre.
    """
    if entered and entered[0] == entered[-1]:
        entered = entered[:-1]
    with collected() as check:
        check(_check_corner_count, len(entered))
        # Of thousands only as many are told to be wrong as there can be.
        corners = [
            check(Point.parse, corner, field=("polygon", str(number)))
            for number, corner in enumerate(entered[: CORNERS[1]])
        ]
    first = corners[0]
    # Before they are put on a plane, which holds less than half of the earth.
    _check_within(first, 2 * MOST_RADIUS_METERS, corners)
    flat = [onto_plane(first, corner) for corner in corners]
    _check_simple(flat)
    center = from_plane(first, *_middle(flat))
    _check_within(center, MOST_RADIUS_METERS, corners)
    return Polygon(tuple(corners), center)


def check_tasker(actor: Actor) -> None:
    """Raises RoleRequired unless the actor is a tasker."""
    if Role.TASKER not in actor.roles:
        raise RoleRequired("Only taskers have service areas; add the role TASKER to your account.")


def no_service_area() -> NotFound:
    return NotFound("You have no service area.")


def geojson_of(polygon: Polygon) -> dict[str, Any]:
    """The polygon as RFC 7946 writes it."""
    ring = [[corner.longitude, corner.latitude] for corner in (*polygon.corners, polygon.corners[0])]
    return {"type": "Polygon", "coordinates": [ring]}


def corners_of(geojson: Mapping[str, Any]) -> list[Point]:
    """The corners of what `geojson_of` has written."""
    return [Point(latitude, longitude) for longitude, latitude in geojson["coordinates"][0][:-1]]


def _check_corner_count(count: int) -> None:
    least, most = CORNERS
    if not least <= count <= most:
        raise InvalidInput(f"A polygon has {least} to {most} corners.", field=("polygon",), min=least, max=most)


def _check_within(center: Point, meters: float, corners: Sequence[Point]) -> None:
    if any(distance_meters(center, corner) > meters for corner in corners):
        message = f"Every corner must lie within {MOST_RADIUS_METERS:,} metres of the polygon's centre."
        raise InvalidInput(message, field=("polygon",))


def _check_simple(flat: Sequence[_Flat]) -> None:
    edges = list(_edges(flat))
    for number, corner in enumerate(flat):
        # The edges that meet at the corner are this one and the one before.
        others = (edges[(number + step) % len(edges)] for step in range(1, len(edges) - 1))
        if any(_gap(corner, edge) < LEAST_GAP_METERS for edge in others):
            raise InvalidInput(f"The outline touches itself at corner {number + 1}.", field=("polygon",))
    if any(_cross(one, other) for one, other in combinations(edges, 2)):
        raise InvalidInput("The outline crosses itself.", field=("polygon",))


def _edges(flat: Sequence[_Flat]) -> Iterator[_Edge]:
    return zip(flat, (*flat[1:], flat[0]), strict=True)


def _gap(corner: _Flat, edge: _Edge) -> float:
    """How far a corner is from an edge."""
    (x, y), ((from_x, from_y), (to_x, to_y)) = corner, edge
    along_x, along_y = to_x - from_x, to_y - from_y
    squared = along_x**2 + along_y**2
    part = ((x - from_x) * along_x + (y - from_y) * along_y) / squared if squared else 0.0
    part = max(0.0, min(1.0, part))
    return hypot(x - from_x - part * along_x, y - from_y - part * along_y)


def _cross(one: _Edge, other: _Edge) -> bool:
    """Whether each has its ends on different sides of the other."""
    return _turn(*one, other[0]) * _turn(*one, other[1]) < 0 and _turn(*other, one[0]) * _turn(*other, one[1]) < 0


def _turn(start: _Flat, end: _Flat, point: _Flat) -> float:
    """Above 0 for a point on the left of a line."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _middle(flat: Sequence[_Flat]) -> _Flat:
    """The centroid."""
    twice = east = north = 0.0
    for (from_x, from_y), (to_x, to_y) in _edges(flat):
        step = from_x * to_y - to_x * from_y
        twice += step
        east += (from_x + to_x) * step
        north += (from_y + to_y) * step
    return east / (3 * twice), north / (3 * twice)
