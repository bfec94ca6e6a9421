"""Cost as a formula of the request's variables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from shared.graphql.limits.bounds import Limits

# Greater sizes exceed the cost anyway, and numbers stay small enough to multiply at once.
MAX_SIZE = 1_000_000


@dataclass(frozen=True, slots=True)
class Argument:
    """A size that the request gives as a variable."""

    variable: str
    default: int | None


@dataclass(frozen=True, slots=True)
class Slice:
    """The greatest of its candidates that is given, else `assumed`."""

    candidates: tuple[Argument | int, ...]
    assumed: int


@dataclass(frozen=True, slots=True)
class Count:
    """The number of elements of a list: 1 for a single value, as GraphQL coerces it."""

    variable: str


Size: TypeAlias = int | Slice | Count


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """The base and the sum of the terms, each a size times a cost; for what depends on variables."""

    base: int
    terms: tuple[tuple[Size, "Sum | int"], ...]


Formula: TypeAlias = int | Sum


def total(terms: Iterable[tuple[Size, Formula]]) -> Formula:
    """The sum of the terms, each a size times a cost: a number as far as no variable is needed."""
    base = 0
    open_terms: list[tuple[Size, Formula]] = []
    for size, formula in terms:
        if isinstance(formula, int) and (isinstance(size, int) or formula == 0):
            base += size * formula if isinstance(size, int) else 0
        else:
            open_terms.append((size, formula))
    return Sum(base, tuple(open_terms)) if open_terms else base


@dataclass(frozen=True, slots=True)
class DocumentCost:
    """What `check_document` found; `check_variables` needs it for every request of the document."""

    limits: Limits
    formula: Formula
    defaults: Mapping[str, object]
    representations: tuple[Count, ...]


def literal_size(digits: str) -> int:
    """A size that stands in the document, at most MAX_SIZE."""
    return MAX_SIZE if len(digits) > 7 else max(0, min(int(digits), MAX_SIZE))
