"""Neighbourhoods: all that others are told of where a person's place is.

The earth is divided into parts of about 720 m by 720 m, the same for everybody. Others see each place at a point that
follows from its owner and its neighbourhood, and from nothing else; so whatever they know of the owner's other places,
the place may be anywhere in there. docs/security.md says what that comes to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from math import cos, floor, pi, radians, sqrt

from shared.geo import Point
from subgraphs.locations.rules.geometry import EARTH_RADIUS_METERS, moved

SIDE_METERS = 720.0
"""No neighbourhood is narrower or lower, so that each holds a circle of 300 m of what is near to no other."""
NEAR_METERS = 50.0
"""As far beside a neighbourhood as this, places of somebody who has been shown there are shown there too."""

_ROWS = floor(pi * EARTH_RADIUS_METERS / SIDE_METERS)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """One of them, counted from the south pole northward and in its row from the antimeridian eastward."""

    north: int
    east: int


def containing(point: Point) -> Neighbourhood:
    """The neighbourhood in which a point lies."""
    # A pole belongs to the row that ends there, and both ends of the antimeridian are one.
    north = min(_ROWS - 1, floor((point.latitude + 90) / 180 * _ROWS))
    columns = _columns(north)
    return Neighbourhood(north, floor((point.longitude + 180) / 360 * columns) % columns)


def near(point: Point) -> frozenset[Neighbourhood]:
    """The neighbourhoods of a square around a point that reaches `NEAR_METERS` in each direction."""
    corners = (moved(point, bearing, sqrt(2) * NEAR_METERS) for bearing in (45, 135, 225, 315))
    return frozenset(map(containing, (point, *corners)))


def shown_in(point: Point, known: Iterable[Neighbourhood]) -> Neighbourhood:
    """Where somebody's place is shown who has been shown in these neighbourhoods before, the first one first.

    Near to one of them it is there: who posts again from the same house, measured a few metres beside, must not show
    across a border that the house is at it.
    """
    around = near(point)
    return next((each for each in known if each in around), containing(point))


def public_point(owner_id: str, neighbourhood: Neighbourhood) -> Point:
    """Where others see all places of an owner that are shown in a neighbourhood.

    Somewhere around its middle, for each owner elsewhere so that their tasks do not lie on each other. The choice needs
    no secret: who can make it anew knows the neighbourhood, which the point tells anyway.
    """
    digest = blake2b(f"{owner_id} {neighbourhood.north} {neighbourhood.east}".encode(), digest_size=16).digest()
    up, along = (0.25 + int.from_bytes(half) / 2**65 for half in (digest[:8], digest[8:]))
    return point_in(neighbourhood, up, along)


def point_in(neighbourhood: Neighbourhood, up: float, along: float) -> Point:
    """What lies so far, between 0 and 1, to the north and to the east in a neighbourhood."""
    longitude = (neighbourhood.east + along) / _columns(neighbourhood.north) * 360 - 180
    return Point((neighbourhood.north + up) / _ROWS * 180 - 90, longitude)


def _columns(north: int) -> int:
    """How many neighbourhoods there are in a row; at its narrower edge too they are wide enough."""
    edge = max(abs(row / _ROWS * 180 - 90) for row in (north, north + 1))
    return max(1, floor(2 * pi * EARTH_RADIUS_METERS * cos(radians(edge)) / SIDE_METERS))
