"""Places on earth."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A place in degrees, WGS 84; a latitude or longitude out of range raises ValueError."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        # Written so that NaN fails too.
        if not -90 <= self.latitude <= 90:
            swapped = -180 <= self.latitude <= 180 and -90 <= self.longitude <= 90
            hint = " Are latitude and longitude swapped?" if swapped else ""
            raise ValueError(f"The latitude must be between -90 and 90 degrees.{hint}")
        if not -180 <= self.longitude <= 180:
            raise ValueError("The longitude must be between -180 and 180 degrees.")
