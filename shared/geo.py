"""Places on earth."""

from dataclasses import dataclass
from typing import Protocol, Self

from shared.errors import InvalidInput, collected

MOST_LATITUDE = 90
MOST_LONGITUDE = 180


class Entered(Protocol):
    """A place as a person entered it, not yet read."""

    @property
    def latitude(self) -> float: ...

    @property
    def longitude(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Point:
    """A place in degrees, WGS 84; a latitude or longitude out of range raises ValueError."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (_is_within(self.latitude, MOST_LATITUDE) and _is_within(self.longitude, MOST_LONGITUDE)):
            raise ValueError("The latitude or the longitude is out of range.")

    @classmethod
    def parse(cls, entered: Entered, *, field: tuple[str, ...]) -> Self:
        """The place that a person entered. `field` is its path; raises InvalidInput below it, of each wrong number."""
        latitude, longitude = entered.latitude, entered.longitude
        swapped = _is_within(latitude, MOST_LONGITUDE) and _is_within(longitude, MOST_LATITUDE)
        hint = " Are latitude and longitude swapped?" if swapped else ""
        with collected() as check:
            check(_check_degrees, latitude, MOST_LATITUDE, (*field, "latitude"), hint)
            check(_check_degrees, longitude, MOST_LONGITUDE, (*field, "longitude"))
        return cls(latitude, longitude)


def _is_within(degrees: float, most: int) -> bool:
    # Written so that NaN fails too.
    return -most <= degrees <= most


def _check_degrees(degrees: float, most: int, field: tuple[str, ...], hint: str = "") -> None:
    if not _is_within(degrees, most):
        message = f"The {field[-1]} must be between -{most} and {most} degrees.{hint}"
        raise InvalidInput(message, field=field, min=-most, max=most)
