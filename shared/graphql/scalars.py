"""Scalars of the graph; `SCALARS` goes into every schema's `StrawberryConfig.scalar_map`."""

import re
from datetime import UTC, date, datetime
from typing import NewType

import orjson
import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.scalar import ScalarDefinition

# The text of a decimal number. It stays text on its way in, so that `shared.money` can answer what a
# person mistyped with a user error instead of failing the whole request.
DecimalText = NewType("DecimalText", str)

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_FULL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Adding a term of days to a time of these years cannot overflow, neither here nor in PostgreSQL.
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def parse_datetime(value: object) -> datetime:
    """An RFC 3339 time with offset as aware UTC; digits beyond microseconds are cut off.

    Raises StrawberryInputCoercionError, also for a time without offset and for years outside 1900 to 2999.
    """
    # The longest form has 35 characters; longer input must not reach the message either.
    if not isinstance(value, str) or len(value) > 35 or not _RFC_3339.fullmatch(value):
        raise StrawberryInputCoercionError('DateTime is an RFC 3339 time with offset, such as "2026-03-01T09:30:00Z".')
    try:
        time = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise StrawberryInputCoercionError("DateTime: there is no such date, time or offset.") from None
    if not _EARLIEST <= time <= _LATEST:
        raise StrawberryInputCoercionError("DateTime must lie in the years 1900 to 2999.")
    return time


def parse_date(value: object) -> date:
    """A day of the calendar, in the one form YYYY-MM-DD. Raises StrawberryInputCoercionError."""
    if not isinstance(value, str) or len(value) != 10 or not _FULL_DATE.fullmatch(value):
        raise StrawberryInputCoercionError('Date is a day as in RFC 3339, such as "2026-03-01".')
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise StrawberryInputCoercionError("Date: there is no such day.") from None
    if not _EARLIEST.year <= day.year <= _LATEST.year:
        raise StrawberryInputCoercionError("Date must lie in the years 1900 to 2999.")
    return day


def format_datetime(value: datetime) -> str:
    """RFC 3339 in UTC, always with milliseconds: texts of one length that sort by time."""
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError("A time without zone cannot be answered.")
        value = value.astimezone(UTC)
    # A quarter of the time that `isoformat` takes: "2026-03-01T09:30:00.123456+00:00", with quotes.
    text = orjson.dumps(value)[1:24] if value.microsecond else orjson.dumps(value)[1:20] + b".000"
    return f"{text.decode()}Z"


def _parse_decimal(value: object) -> DecimalText:
    if not isinstance(value, str):
        raise StrawberryInputCoercionError('Decimal is written as a string, such as "125.50".')
    return DecimalText(value)


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A point in time as in RFC 3339. Answers are in UTC with milliseconds, such as "
        '"2026-03-01T09:30:00.000Z"; input takes any offset.',
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=format_datetime,
        parse_value=parse_datetime,
    ),
    date: strawberry.scalar(
        name="Date",
        description='A day of the calendar, as the full-date of RFC 3339, such as "2026-03-01".',
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    DecimalText: strawberry.scalar(
        name="Decimal",
        description='A decimal number as a string, such as "125.50", so that no digit is lost.',
        serialize=str,
        parse_value=_parse_decimal,
    ),
}
