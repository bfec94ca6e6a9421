"""Types that every subgraph has in common, and the helper that gives enum values their descriptions."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import Enum, StrEnum
from typing import Self, TypeVar, cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from shared import geo, money
from shared.errors import USER_ERROR_DESCRIPTIONS, Bound, DomainError, UserErrorCode
from shared.graphql.scalars import DecimalText, format_datetime
from shared.locale import Locale
from shared.money import CURRENCY_NAMES, CurrencyCode
from shared.transitions import PEOPLE, Transition

E = TypeVar("E", bound=Enum)
S = TypeVar("S", bound=StrEnum)
C = TypeVar("C", bound=StrEnum)


def register_enum(
    enum: type[E],
    *,
    description: str,
    values: Mapping[E, str],
    name: str | None = None,
    members: Collection[E] | None = None,
) -> type[E]:
    """Makes an enum of the domain an enum of the graph; `values` describes each of its values.

    With `members` the graph has only these. Raises ValueError if a description is missing or too many.
    """
    shown = list(enum) if members is None else [member for member in enum if member in members]
    if wrong := [member.name for member in enum if bool(values.get(member)) is not (member in shown)]:
        raise ValueError(f"{enum.__name__}: no description, or one too many, of {', '.join(wrong)}")
    strawberry.enum(enum, name=name, description=description)
    definition = cast("StrawberryEnumDefinition", getattr(enum, "__strawberry_definition__"))  # noqa: B009
    definition.values = [value for value in definition.values if enum[value.name] in shown]
    for value in definition.values:
        value.description = values[enum[value.name]]
    return enum


def register_commands(
    commands: type[C],
    transitions: Mapping[tuple[S, C], Transition[S]],
    *,
    name: str,
    description: str,
    values: Mapping[C, str],
) -> type[C]:
    """Makes those commands of a table an enum of the graph that people give: what `viewerCan` answers."""
    given = {command for (_, command), transition in transitions.items() if not transition.by.isdisjoint(PEOPLE)}
    return register_enum(commands, name=name, description=description, values=values, members=given)


register_enum(
    Locale,
    description="A language that people are written to in.",
    values={Locale.EN: "English.", Locale.TH: "Thai."},
)
register_enum(CurrencyCode, description="A currency, by its ISO 4217 code.", values=CURRENCY_NAMES)
register_enum(
    UserErrorCode,
    description="What is wrong with an input, for all mutations of the graph. New codes may be added.",
    values=USER_ERROR_DESCRIPTIONS,
)


@strawberry.federation.type(shareable=True, description="An amount in one currency.")
class Money:
    amount: DecimalText = strawberry.field(
        description='The amount with exactly the decimal places of its currency, such as "125.50".'
    )
    currency: CurrencyCode = strawberry.field(description="The currency of the amount.")

    @classmethod
    def of(cls, value: money.Money) -> Self:
        return cls(amount=DecimalText(value.format()), currency=value.currency)


@strawberry.input(description="An amount in one currency, as a person enters it.")
class MoneyInput:
    amount: DecimalText = strawberry.field(
        description='Digits with at most the decimal places of the currency, such as "125.50"; no sign.'
    )
    currency: CurrencyCode = strawberry.field(description="The currency of the amount.")


@strawberry.federation.type(shareable=True, description="A place on earth, WGS 84.")
class Point:
    latitude: float = strawberry.field(description="Degrees north of the equator, -90 to 90.")
    longitude: float = strawberry.field(description="Degrees east of Greenwich, -180 to 180.")

    @classmethod
    def of(cls, value: geo.Point) -> Self:
        return cls(latitude=value.latitude, longitude=value.longitude)


@strawberry.input(description="A place on earth, WGS 84.")
class PointInput:
    latitude: float = strawberry.field(description="Degrees north of the equator, -90 to 90.")
    longitude: float = strawberry.field(description="Degrees east of Greenwich, -180 to 180.")

    def parse(self, *, field: tuple[str, ...]) -> geo.Point:
        """The place. `field` is the path of this input; raises InvalidInput below it."""
        return geo.Point.parse(self, field=field)


@strawberry.federation.type(shareable=True, description="Where a page lies within its connection.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether there is more after this page; when paging backwards, whether `before` was given."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether there is more before this page; when paging forwards, whether `after` was given."
    )
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge; null on an empty page.")


@strawberry.federation.type(shareable=True, description="Something in the input that a person can put right.")
class UserError:
    code: UserErrorCode = strawberry.field(description="What is wrong, for programs.")
    message: str = strawberry.field(description="What is wrong, in English, for people.")
    field: list[str] | None = strawberry.field(
        description='The path of the input value concerned, such as `["budget", "amount"]`; '
        "null when it is none in particular."
    )
    min: str | None = strawberry.field(
        default=None,
        description="The least that the value may be, for messages of one's own: how many characters of a text, how "
        "many entries of a list, or the number, the amount, the time itself, written as in the input. Null without "
        "such a bound.",
    )
    max: str | None = strawberry.field(default=None, description="The most that the value may be, written like `min`.")
    allowed: list[str] | None = strawberry.field(
        default=None,
        description="All that the value may be, where this is a short list, such as currencies; null where it is none.",
    )

    @classmethod
    def of(cls, error: DomainError) -> Self:
        return cls(
            code=error.code,
            message=error.message,
            field=list(error.field) or None,
            min=_written(error.min),
            max=_written(error.max),
            allowed=list(error.allowed) if error.allowed is not None else None,
        )


def _written(bound: Bound | None) -> str | None:
    match bound:
        case None | str():
            return bound
        case int():
            return str(bound)
        case datetime():
            return format_datetime(bound)
