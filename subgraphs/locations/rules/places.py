"""Places: what makes one, who sees how much of it, and where it is shown to others."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from secrets import SystemRandom

from shared.errors import DomainError, InvalidInput, NotFound, UserErrorCode
from shared.geo import Point
from shared.graphql.text import clean
from shared.identity.actor import Actor
from subgraphs.locations.rules.geometry import distance_meters, moved

LEAST_DISPLACEMENT_METERS = 300.0
MOST_DISPLACEMENT_METERS = 500.0
SAME_PLACE_METERS = 500.0
"""Places of an owner within this distance are moved alike."""
ADDRESS_LENGTH = (2, 300)
MOST_PLACES = 500

_random = SystemRandom()


class Precision(StrEnum):
    """How exactly a point is known."""

    POINT = "POINT"
    ADDRESS = "ADDRESS"
    STREET = "STREET"
    LOCALITY = "LOCALITY"


class AddressNotFound(DomainError):
    code = UserErrorCode.ADDRESS_NOT_FOUND


class PlaceInUse(DomainError):
    code = UserErrorCode.PLACE_IN_USE


class TooManyPlaces(DomainError):
    code = UserErrorCode.TOO_MANY_PLACES


@dataclass(frozen=True, slots=True)
class Shift:
    """How places around `anchor` are moved before others see them."""

    anchor: Point
    bearing_degrees: float
    meters: float

    def public(self, point: Point) -> Point:
        return moved(point, self.bearing_degrees, self.meters)


def shift_for(point: Point, known: Iterable[Shift]) -> Shift | None:
    """The one among an owner's shifts that a place at this point takes: that of the nearest anchor in reach."""
    near = [(distance_meters(point, shift.anchor), shift) for shift in known]
    distance, shift = min(near, key=lambda each: each[0], default=(SAME_PLACE_METERS + 1, None))
    return shift if distance <= SAME_PLACE_METERS else None


def new_shift(anchor: Point) -> Shift:
    """A random one: every point of the ring of 300 to 500 m is as likely as any other."""
    least, most = LEAST_DISPLACEMENT_METERS**2, MOST_DISPLACEMENT_METERS**2
    return Shift(anchor, _random.uniform(0, 360), sqrt(_random.uniform(least, most)))


def clean_address(address: str) -> str:
    """An address in one line, 2 to 300 characters. Raises InvalidInput."""
    least, most = ADDRESS_LENGTH
    return clean(address, field=("address",), min_length=least, max_length=most)


def check_given(address: str | None, point: Point | None) -> None:
    """Raises InvalidInput unless there is something to know the place by."""
    if address is None and point is None:
        raise InvalidInput("Give an address, or a point, or both.", field=("address",))


def check_count(count: int) -> None:
    """Raises TooManyPlaces for somebody who has all that one person can have."""
    if count >= MOST_PLACES:
        raise TooManyPlaces(f"At most {MOST_PLACES} places; delete one first.")


def check_owner(actor: Actor, owner_id: str) -> None:
    """Raises NotFound unless the place is the actor's: nobody else is told that it is there."""
    if actor.id != owner_id:
        raise NotFound("There is no such place.", field=("placeId",))


def check_unused(in_use: bool) -> None:
    """Raises PlaceInUse for the place of a task that goes on."""
    if in_use:
        raise PlaceInUse("A task that is not over is at this place.", field=("placeId",))
