"""Saved searches: what can be searched for, and what a task must have for one to find it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from shared import money
from shared.errors import DomainError, InvalidInput, NotFound, UserErrorCode, collected
from shared.geo import Entered, Point
from shared.graphql.text import clean
from shared.identity.actor import Actor
from shared.money import Money
from shared.text_search.query import Query, parse
from subgraphs.locations.rules.nearby import MOST_RADIUS_METERS

MOST_SAVED_SEARCHES = 50
MOST_CATEGORIES = 20
NAME_LENGTH = (1, 60)
MOST_WORDS_LENGTH = 200

# A word in PostgreSQL's notation of a query, or what stands between alternatives. Quotes and backslashes within a word
# are doubled, and an asterisk follows one that stands for all that begin with it.
_PART = re.compile(r"'(?P<word>(?:[^'\\]|''|\\\\)*)'(?P<beginning>:\*)?|\|")
# What `querytree` answers for a query that may hold of a text with none of its words.
_UNBOUND = ("", "T")


class Mode(StrEnum):
    """Where the work of a task is done."""

    ONSITE = "ONSITE"
    REMOTE = "REMOTE"


class TooManySavedSearches(DomainError):
    code = UserErrorCode.TOO_MANY_SAVED_SEARCHES


@dataclass(frozen=True, slots=True)
class Area:
    """A circle."""

    center: Point
    radius_meters: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to hear of; a task must have all of it. None, and no categories, leave all."""

    name: str
    area: Area | None = None
    words: str | None = None
    category_ids: tuple[str, ...] = ()
    mode: Mode | None = None
    min_budget: Money | None = None


def clean_name(name: str) -> str:
    """A name in one line. Raises InvalidInput."""
    least, most = NAME_LENGTH
    return clean(name, field=("name",), min_length=least, max_length=most)


def read_words(words: str) -> tuple[str, Query]:
    """What people type into a search box, in one line, and what it says. Raises InvalidInput."""
    text = clean(words, field=("words",), min_length=1, max_length=MOST_WORDS_LENGTH)
    return text, parse(text, field=("words",))


def area_of(center: Entered | None, radius_meters: float | None) -> Area | None:
    """Raises InvalidInput for one without the other, for a centre that is nowhere, and a radius out of bounds."""
    if center is None and radius_meters is None:
        return None
    with collected() as check:
        middle = check(_read_center, center)
        meters = check(_read_radius, radius_meters)
    return Area(middle, meters)


def _read_center(center: Entered | None) -> Point:
    if center is None:
        raise InvalidInput("A radius takes a centre.", field=("center",))
    return Point.parse(center, field=("center",))


def _read_radius(meters: float | None) -> float:
    """Above 0 and within 200 km. There is no least radius that could be told."""
    if meters is None:
        raise InvalidInput("A centre takes a radius.", field=("radiusMeters",), max=MOST_RADIUS_METERS)
    if not (isfinite(meters) and 0 < meters <= MOST_RADIUS_METERS):
        message = f"The radius must be above 0 and at most {MOST_RADIUS_METERS:,} metres."
        raise InvalidInput(message, field=("radiusMeters",), max=MOST_RADIUS_METERS)
    return meters


def read_categories(category_ids: Sequence[str]) -> list[str]:
    """Each once, in an order. Raises InvalidInput for too many."""
    different = sorted(set(category_ids))
    if len(different) > MOST_CATEGORIES:
        raise InvalidInput(f"At most {MOST_CATEGORIES} categories.", field=("categoryIds",), max=MOST_CATEGORIES)
    return different


def check_any(*given: object) -> None:
    """Raises InvalidInput for a search that looks for nothing in particular."""
    if all(each is None for each in given):
        raise InvalidInput("Say at least one thing that the tasks must have.", field=())


def read_budget(entered: money.Entered) -> Money:
    """Raises InvalidAmount."""
    return Money.parse(entered.amount, entered.currency, field=("minBudget", "amount"))


def words_of(tree: str) -> frozenset[str]:
    """The words one of which a text must have, by PostgreSQL's `querytree` of the query; some are beginnings of words.

    One of each alternative: a whole word rather than a beginning, and the longest, since few texts have it. Wherever
    the brackets are, what meets a query has all the words from one of its `|` to the next, or to an end, for some of
    them. Raises InvalidInput if there are none: for operators alone, words that are left out because every text has
    them, and exclusions, which nearly every text would satisfy.
    """
    if tree in _UNBOUND:
        raise InvalidInput("Give at least one word that the tasks must have.", field=("words",))
    alternatives: list[list[re.Match[str]]] = [[]]
    for part in _PART.finditer(tree):
        if part["word"] is None:
            alternatives.append([])
        else:
            alternatives[-1].append(part)
    chosen = (max(words, key=lambda word: (not word["beginning"], len(word["word"]))) for words in alternatives)
    return frozenset(re.sub(r"''|\\\\", lambda each: each[0][0], word["word"]) for word in chosen)


def keys_of(wanted: Wanted, words: Iterable[str]) -> list[str]:
    """What a task has at least one of if the search finds it, by the narrowest thing that it looks for.

    A task's keys are its words, the first one and two characters of those in scripts without spaces, its category, its
    mode and its currency.
    """
    narrowest = (
        sorted(words)
        or wanted.category_ids
        or ([wanted.min_budget.currency] if wanted.min_budget else [])
        or ([wanted.mode] if wanted.mode else [])
    )
    return [str(each) for each in narrowest]


def check_count(count: int) -> None:
    """Raises TooManySavedSearches for somebody who has all that one person can have."""
    if count >= MOST_SAVED_SEARCHES:
        message = f"At most {MOST_SAVED_SEARCHES} saved searches; delete one first."
        raise TooManySavedSearches(message, max=MOST_SAVED_SEARCHES)


def check_owner(actor: Actor, owner_id: str) -> None:
    """Raises NotFound unless the search is the actor's: nobody else is told that it is there."""
    if actor.id != owner_id:
        raise no_such_search()


def no_such_search() -> NotFound:
    return NotFound("There is no such saved search.", field=("savedSearchId",))
