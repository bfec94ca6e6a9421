"""Ids in arguments: which type of object they name is declared with their type, and checked before the resolver runs.

    bid_id: BidId = strawberry.field(description="One's own pending bid.")
    id: Annotated[BidId, strawberry.argument(description="The bid's id.")]

In the graph they are an `ID!` like any other. What Strawberry makes of an argument does not know where it stands, so
that this is no scalar: an `INVALID_ID` names the argument.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from strawberry import ID, UNSET
from strawberry.types.base import has_object_definition
from strawberry.utils.str_converters import to_camel_case

from shared.ids import check_id

Check: TypeAlias = Callable[[object, str], None]
"""Raises InvalidId for a value that stands at this place, such as `input.bidId`."""


@dataclass(frozen=True, slots=True)
class IdOf:
    """Says of an `ID` what its objects' ids begin with; None where the resolver looks at them."""

    prefix: str | None

    def check(self, value: object, place: str) -> None:
        """Raises InvalidId."""
        if self.prefix is not None:
            check_id(value, self.prefix, argument=place)


AnyId: TypeAlias = Annotated[ID, IdOf(None)]
AgreementId: TypeAlias = Annotated[ID, IdOf("agreement")]
AttachmentId: TypeAlias = Annotated[ID, IdOf("attachment")]
BidId: TypeAlias = Annotated[ID, IdOf("bid")]
CategoryId: TypeAlias = Annotated[ID, IdOf("category")]
ChargeId: TypeAlias = Annotated[ID, IdOf("charge")]
EscrowId: TypeAlias = Annotated[ID, IdOf("escrow")]
ExportId: TypeAlias = Annotated[ID, IdOf("export")]
IdentityId: TypeAlias = Annotated[ID, IdOf("identity")]
InvitationId: TypeAlias = Annotated[ID, IdOf("invitation")]
NotificationId: TypeAlias = Annotated[ID, IdOf("notification")]
PaymentMethodId: TypeAlias = Annotated[ID, IdOf("method")]
PaymentMethodSetupId: TypeAlias = Annotated[ID, IdOf("setup")]
PayoutId: TypeAlias = Annotated[ID, IdOf("payout")]
TransactionId: TypeAlias = Annotated[ID, IdOf("transaction")]
PlaceId: TypeAlias = Annotated[ID, IdOf("place")]
QuestionId: TypeAlias = Annotated[ID, IdOf("question")]
SavedSearchId: TypeAlias = Annotated[ID, IdOf("search")]
SessionId: TypeAlias = Annotated[ID, IdOf("session")]
TaskId: TypeAlias = Annotated[ID, IdOf("task")]
UserId: TypeAlias = Annotated[ID, IdOf("user")]
VerificationId: TypeAlias = Annotated[ID, IdOf("verification")]


def checks_of(resolver: Callable[..., object]) -> Mapping[str, Check]:
    """What checks the ids in the arguments of a resolver, by the argument; those without ids are not in it.

    Raises TypeError for an id that does not say of what.
    """
    annotations = inspect.get_annotations(resolver)
    del annotations["return"]
    return {name: check for name, annotation in annotations.items() if (check := _check_of(annotation)) is not None}


def check_ids(checks: Mapping[str, Check], arguments: Mapping[str, object]) -> None:
    """Raises InvalidId for the first id that is malformed or of another type than its argument takes."""
    for name, check in checks.items():
        if name in arguments:
            check(arguments[name], to_camel_case(name))


def _check_of(annotation: object) -> Check | None:
    """What checks the ids in values of this type; None where there are none."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        marks = [mark for mark in inner[1:] if isinstance(mark, IdOf)]
        return marks[0].check if marks else _check_of(inner[0])
    if annotation is ID:
        raise TypeError("Say of what the ID is, such as `BidId` of shared.graphql.ids.")
    if origin is list:
        return _in_each(_check_of(inner[0]))
    if origin in (Union, UnionType):
        return next((_if_given(check) for each in inner if (check := _check_of(each)) is not None), None)
    if has_object_definition(annotation) and annotation.__strawberry_definition__.is_input:
        hints = get_type_hints(annotation, include_extras=True)
        return _in_fields({name: check for name, hint in hints.items() if (check := _check_of(hint)) is not None})
    return None


def _if_given(check: Check) -> Check:
    return lambda value, place: check(value, place) if value not in (None, UNSET) else None


def _in_each(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_each(values: object, place: str) -> None:
        for number, value in enumerate(cast("list[object]", values)):
            check(value, f"{place}.{number}")

    return check_each


def _in_fields(checks: Mapping[str, Check]) -> Check | None:
    if not checks:
        return None

    def check_fields(input: object, place: str) -> None:
        for name, check in checks.items():
            check(getattr(input, name), f"{place}.{to_camel_case(name)}")

    return check_fields
