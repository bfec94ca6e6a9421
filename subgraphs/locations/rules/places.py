"""Places: what makes one, and who sees how much of it."""

from enum import StrEnum

from shared.errors import DomainError, InvalidInput, NotFound, UserErrorCode
from shared.geo import Entered
from shared.graphql.text import clean
from shared.identity.actor import Actor

ADDRESS_LENGTH = (2, 300)
MOST_PLACES = 500


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


def clean_address(address: str) -> str:
    """An address in one line, 2 to 300 characters. Raises InvalidInput."""
    least, most = ADDRESS_LENGTH
    return clean(address, field=("address",), min_length=least, max_length=most)


def check_given(address: str | None, point: Entered | None) -> None:
    """Raises InvalidInput unless there is something to know the place by."""
    if address is None and point is None:
        raise InvalidInput("Give an address, or a point, or both.", field=("address",))


def check_count(count: int) -> None:
    """Raises TooManyPlaces for somebody who has all that one person can have."""
    if count >= MOST_PLACES:
        raise TooManyPlaces(f"At most {MOST_PLACES} places; delete one first.", max=MOST_PLACES)


def check_owner(actor: Actor, owner_id: str) -> None:
    """Raises NotFound unless the place is the actor's: nobody else is told that it is there."""
    if actor.id != owner_id:
        raise NotFound("There is no such place.", field=("placeId",))


def check_unused(in_use: bool) -> None:
    """Raises PlaceInUse for the place of a task that goes on."""
    if in_use:
        raise PlaceInUse("A task that is not over is at this place.", field=("placeId",))
