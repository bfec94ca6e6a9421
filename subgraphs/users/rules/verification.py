"""Who counts as verified, what a document's number must look like, and how a check of one goes."""

import re
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from shared.errors import InvalidInput, InvalidTransition
from shared.graphql.text import clean
from shared.transitions import By, Transition, step
from subgraphs.users.rules.countries import COUNTRIES

LIFETIME = timedelta(days=730)
RENEWAL = timedelta(days=60)
"""How long before the end of one check the next document may be submitted."""

FULL_NAME_LENGTH = (2, 120)
NOTE_LENGTH = (3, 500)
NUMBER_LENGTH = (6, 20)
PASSPORT_NUMBER_LENGTH = (6, 9)  # ICAO 9303 has nine characters for it
THAI_ID_LENGTH = (13, 13)
_MOST_NUMBER_CHARACTERS = 60
_SHOWN = 4


class DocumentType(StrEnum):
    """What a person shows who they are with."""

    NATIONAL_ID = "NATIONAL_ID"
    PASSPORT = "PASSPORT"
    DRIVER_LICENSE = "DRIVER_LICENSE"


class Status(StrEnum):
    """Where the check of a document stands."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class Command(StrEnum):
    """What can happen to the check of a document."""

    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    REPLACE = "replace"


class RejectionReason(StrEnum):
    """Why a document was not accepted."""

    INVALID_NUMBER = "INVALID_NUMBER"
    NAME_MISMATCH = "NAME_MISMATCH"
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    DOCUMENT_NOT_SUPPORTED = "DOCUMENT_NOT_SUPPORTED"
    CANNOT_CONFIRM = "CANNOT_CONFIRM"


TRANSITIONS: dict[tuple[Status, Command], Transition[Status]] = {
    (Status.PENDING, Command.APPROVE): step(Status.APPROVED, By.ADMIN, why="the document is theirs"),
    (Status.PENDING, Command.REJECT): step(Status.REJECTED, By.ADMIN, why="the reason that is told to them"),
    (Status.APPROVED, Command.EXPIRE): step(Status.EXPIRED, By.TIMER, why="2 years passed, or the document ran out"),
    (Status.APPROVED, Command.REPLACE): step(Status.EXPIRED, By.ADMIN, why="a newer document was approved"),
}

_SEPARATORS = re.compile(r"[ .\-/\u00a0\u2010\u2011]")
_NUMBER = re.compile(r"[A-Z0-9]+")
_THAI_ID = re.compile(r"[1-8][0-9]{12}")


def normalise_number(document: DocumentType, country: str | None, text: str) -> str:
    """A document's number without separators, in capitals, once it can be one. Raises InvalidInput.

    Of a Thai national id the check digit is checked, of others the form only.
    """
    number = _SEPARATORS.sub("", text.strip()).upper() if len(text) <= _MOST_NUMBER_CHARACTERS else ""
    is_thai_id = document is DocumentType.NATIONAL_ID and country == "TH"
    least, most = NUMBER_LENGTH
    if document is DocumentType.PASSPORT:
        least, most = PASSPORT_NUMBER_LENGTH
    if is_thai_id:
        least, most = THAI_ID_LENGTH
    if not least <= len(number) <= most:
        raise InvalidInput("This is not the number of such a document.", field=("number",), min=least, max=most)
    plausible = (
        _NUMBER.fullmatch(number) is not None
        and sum(character.isdigit() for character in number) >= 3
        and len(set(number)) > 2
        and (not is_thai_id or _is_thai_id(number))
    )
    if not plausible:
        raise InvalidInput("This is not the number of such a document.", field=("number",))
    return number


def clean_full_name(name: str) -> str:
    """The name in a document. Raises InvalidInput."""
    least, most = FULL_NAME_LENGTH
    return clean(name, field=("fullName",), min_length=least, max_length=most)


def clean_note(note: str) -> str:
    """What an admin says to the owner of a document that is not accepted. Raises InvalidInput."""
    least, most = NOTE_LENGTH
    return clean(note, field=("note",), min_length=least, max_length=most, multiline=True)


def last_four(number: str) -> str:
    """What is shown of a number."""
    return number[-_SHOWN:]


def check_country(code: str | None) -> str | None:
    """A country's code in capitals. Raises InvalidInput."""
    if code is None:
        return None
    country = code.strip().upper() if len(code) <= 10 else ""
    if country not in COUNTRIES:
        raise InvalidInput("Enter the country's code of two letters (ISO 3166-1), such as TH.", field=("country",))
    return country


def check_document_lives(expires_on: date | None, now: datetime) -> None:
    """Raises InvalidInput for a document that has run out."""
    if expires_on is not None and end_of(expires_on) <= now:
        today = now.astimezone(UTC).date().isoformat()
        raise InvalidInput("The document has expired.", field=("documentExpiresOn",), min=today)


def check_may_submit(statuses: list[tuple[Status, datetime | None]], now: datetime) -> None:
    """Raises InvalidTransition while a document waits, or while one that was approved holds for long.

    `statuses` are those of the user's checks, with the time that an approved one ends.
    """
    for status, expires_at in statuses:
        if status is Status.PENDING:
            raise InvalidTransition("Your document is being checked already.")
        if status is Status.APPROVED and expires_at is not None and now < expires_at - RENEWAL:
            raise InvalidTransition(f"You are verified; renew it in the last {RENEWAL.days} days.")


def ends_at(now: datetime, document_expires_on: date | None) -> datetime:
    """Until when an approval holds: two years, or until the document runs out."""
    end = now + LIFETIME
    return end if document_expires_on is None else min(end, end_of(document_expires_on))


def end_of(day: date) -> datetime:
    """The moment when a document that holds until that day has run out (UTC)."""
    return datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=1)


def shown_status(status: Status, expires_at: datetime | None, now: datetime) -> Status:
    """The status by the clock: an approval is over when its time is, also before its deadline is handled."""
    if status is Status.APPROVED and expires_at is not None and expires_at <= now:
        return Status.EXPIRED
    return status


def _is_thai_id(number: str) -> bool:
    if not _THAI_ID.fullmatch(number):
        return False
    weighted = sum(int(digit) * (13 - place) for place, digit in enumerate(number[:12]))
    return (11 - weighted % 11) % 10 == int(number[12])
