"""Points in the arguments of queries."""

from shared import geo
from shared.errors import BadRequest, DomainError
from shared.graphql.types import PointInput


def parse_point(point: PointInput, argument: str) -> geo.Point:
    """The place. Raises BadRequest."""
    try:
        return point.parse(field=(argument,))
    except DomainError as error:
        raise BadRequest(f"`{argument}`: {error.message}") from None
