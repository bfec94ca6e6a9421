"""What lists of nearby tasks are asked for."""

from math import isfinite

from shared.errors import BadRequest

MOST_RADIUS_METERS = 200_000


def check_radius(meters: float) -> None:
    """Raises BadRequest unless the radius lies above 0 and within 200 km."""
    if not (isfinite(meters) and 0 < meters <= MOST_RADIUS_METERS):
        raise BadRequest(f"`radiusMeters` must be above 0 and at most {MOST_RADIUS_METERS:,}.")
