"""The map's squares: Web Mercator, as map tiles are cut, and what of it PostgreSQL computes by itself.

A position is `x` from the antimeridian eastward and `y` from the north edge southward, in units of 2^-24 of the
map's side, about 2.4 m at the equator. A cell of level n is what has the same first n bits of both.
"""

from dataclasses import dataclass
from math import atan, degrees, exp, floor, log, pi, radians, tan

from shared.errors import BadRequest
from shared.geo import Point

BITS = 24
SIDE = 1 << BITS
EDGE_LATITUDE = 85.05112877980659
"""Where the square map ends (OpenStreetMap's slippy maps); what is nearer to a pole is shown at its edge."""
PIXELS_PER_CELL = 64
_CELL_LEVELS_BELOW_ZOOM = 2
MOST_ZOOM = 22
MOST_CELLS = 2_048
COUNTED_LEVELS = range(2, 13)
"""Levels whose cells are counted beforehand; below them few enough tasks are in view to count them then."""

POINT_SQL = "ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography"
# LEAST and GREATEST pass over nulls: without CASE a task that is nowhere would be in a corner of the map.
X_SQL = f"CASE WHEN longitude IS NOT NULL THEN LEAST({SIDE - 1}, floor((longitude + 180) / 360 * {SIDE}))::integer END"
Y_SQL = (
    f"CASE WHEN latitude IS NOT NULL THEN LEAST({SIDE - 1}, GREATEST(0, floor((0.5 - ln(tan(pi() / 4 + radians("
    f"LEAST({EDGE_LATITUDE}, GREATEST(-{EDGE_LATITUDE}, latitude))) / 2)) / (2 * pi())) * {SIDE})))::integer END"
)


def x_of(longitude: float) -> int:
    """As `X_SQL`."""
    return min(SIDE - 1, floor((longitude + 180) / 360 * SIDE))


def y_of(latitude: float) -> int:
    """As `Y_SQL`."""
    edge = max(-EDGE_LATITUDE, min(EDGE_LATITUDE, latitude))
    return min(SIDE - 1, max(0, floor((0.5 - log(tan(pi / 4 + radians(edge) / 2)) / (2 * pi)) * SIDE)))


def point_of(x: float, y: float) -> Point:
    """The place on earth at a position."""
    latitude = degrees(2 * atan(exp((0.5 - y / SIDE) * 2 * pi)) - pi / 2)
    return Point(max(-90.0, min(90.0, latitude)), max(-180.0, min(180.0, x / SIDE * 360 - 180)))


@dataclass(frozen=True, slots=True)
class View:
    """A part of the map: the cells of a level in these columns (of which there are some in each range) and rows."""

    level: int
    columns: tuple[range, ...]
    rows: range

    @property
    def shift(self) -> int:
        """By how many bits a position is longer than the number of its cell."""
        return BITS - self.level


def view_of(south_west: Point, north_east: Point, zoom: int) -> View:
    """The cells that a rectangle touches. One whose west is east of its east crosses the antimeridian.

    Raises BadRequest for a zoom out of range, a rectangle upside down, and one that is too large for its zoom.
    """
    if not 0 <= zoom <= MOST_ZOOM:
        raise BadRequest(f"`zoom` must be between 0 and {MOST_ZOOM}.")
    if south_west.latitude > north_east.latitude:
        raise BadRequest("`bounds.southWest` lies north of `bounds.northEast`.")
    level = zoom + _CELL_LEVELS_BELOW_ZOOM
    shift = BITS - level
    rows = range(y_of(north_east.latitude) >> shift, (y_of(south_west.latitude) >> shift) + 1)
    west, east = x_of(south_west.longitude) >> shift, x_of(north_east.longitude) >> shift
    if south_west.longitude <= north_east.longitude:
        columns: tuple[range, ...] = (range(west, east + 1),)
    elif west <= east:
        # All around, and a cell's part more: no column twice.
        columns = (range(1 << level),)
    else:
        columns = (range(west, 1 << level), range(east + 1))
    if sum(len(each) for each in columns) * len(rows) > MOST_CELLS:
        side = int(MOST_CELLS**0.5) * PIXELS_PER_CELL
        raise BadRequest(f"`bounds` are too large for this zoom: at most {side} by {side} pixels or as much area.")
    return View(level, columns, rows)
