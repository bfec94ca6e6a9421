"""Points in SQL."""

from sqlalchemy import ColumnElement, Float, Label, bindparam, func, type_coerce

from shared.geo import Point


def geography(point: Point) -> ColumnElement[object]:
    """A point that is given as parameters."""
    made = func.ST_MakePoint(
        bindparam("longitude", point.longitude, Float), bindparam("latitude", point.latitude, Float)
    )
    return func.geography(func.ST_SetSRID(made, 4326))


def distance(column: ColumnElement[object], center: Point) -> Label[float]:
    """How far a column's points are away, by the operator by which an index sorts: on the sphere, in metres."""
    return type_coerce(column.op("<->")(geography(center)), Float).label("distance_meters")
