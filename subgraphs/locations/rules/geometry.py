"""Distances and directions on the sphere that PostGIS measures geographies on without a spheroid.

Within half a percent of the ellipsoid's, and the same in every place: in an order, in a radius, in a distance shown.
"""

from math import asin, atan2, cos, degrees, hypot, radians, sin, sqrt

from shared.geo import Point

EARTH_RADIUS_METERS = 6_371_008.7714150598
"""The mean radius of WGS 84, (2a + b) / 3, as PostGIS has it."""


def distance_meters(one: Point, other: Point) -> float:
    """The length of the great circle's arc between two points, by the haversine formula."""
    north = radians(other.latitude - one.latitude)
    east = radians(other.longitude - one.longitude)
    chord = sin(north / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_METERS * asin(min(1.0, sqrt(chord)))


def moved(point: Point, bearing_degrees: float, meters: float) -> Point:
    """Where one is after so many metres along a great circle that starts in this direction, clockwise from north."""
    arc, bearing, latitude = meters / EARTH_RADIUS_METERS, radians(bearing_degrees), radians(point.latitude)
    up = sin(latitude) * cos(arc) + cos(latitude) * sin(arc) * cos(bearing)
    there = asin(max(-1.0, min(1.0, up)))
    east = atan2(sin(bearing) * sin(arc) * cos(latitude), cos(arc) - sin(latitude) * sin(there))
    longitude = (point.longitude + degrees(east) + 540) % 360 - 180
    return Point(max(-90.0, min(90.0, degrees(there))), longitude)


def onto_plane(touching: Point, point: Point) -> tuple[float, float]:
    """Where a point is on the plane that touches the sphere, in metres east and north of there.

    The gnomonic projection: arcs of great circles are straight lines, also over poles and the antimeridian. Both
    points lie less than a quarter of the way around the earth apart.
    """
    middle, latitude = radians(touching.latitude), radians(point.latitude)
    turn = radians(point.longitude - touching.longitude)
    up = sin(middle) * sin(latitude) + cos(middle) * cos(latitude) * cos(turn)
    north = cos(middle) * sin(latitude) - sin(middle) * cos(latitude) * cos(turn)
    return EARTH_RADIUS_METERS * cos(latitude) * sin(turn) / up, EARTH_RADIUS_METERS * north / up


def from_plane(touching: Point, east: float, north: float) -> Point:
    """The point that `onto_plane` puts there."""
    middle, x, y = radians(touching.latitude), east / EARTH_RADIUS_METERS, north / EARTH_RADIUS_METERS
    outward = cos(middle) - y * sin(middle)
    latitude = degrees(atan2(sin(middle) + y * cos(middle), hypot(x, outward)))
    longitude = (touching.longitude + degrees(atan2(x, outward)) + 540) % 360 - 180
    return Point(latitude, longitude)
