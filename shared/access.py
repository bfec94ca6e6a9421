"""Who may see and do what: the words in which each subgraph's `access.py` declares it, beside its schema.

A declaration says how a part of the schema is asked (`at`), about which object, and what each of eight actors is
answered. The object names its people: who its owner, its tasker and its poster are. Together the declarations
cover every field of the subgraph. They are the authorization matrix, which `shared.matrix` makes of them.

    PARTIES = everybody(NULL, owner=VALUE, poster=VALUE)
    ACCESS = [
        Object("bid", "a pending bid", owner="who placed it", poster="who posted its task"),
        Query("bid(id: $bid)", "bid", PARTIES),
        Type("Bid", "bid", "bid(id: $bid)", {"id amount message": PARTIES}),
        Mutation("withdrawBid(input: {bidId: $bid})", "bid", signed_in(refused(NOT_FOUND), owner=VALUE), gives="bid"),
    ]

`at` is a field with its arguments and, after dots, the fields below it that lead to the type. `$bid` stands for a
value of the object, which tests/authorization/objects.py makes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict, Unpack, cast

from shared.errors import UserErrorCode


class Who(StrEnum):
    """Whom the matrix asks as. Somebody without part in an object is any person of that role."""

    ANONYMOUS = "anonymous"
    OWNER = "owner"
    OTHER = "other user"
    TASKER = "tasker"
    POSTER = "poster"
    SUPPORT = "support"
    ADMIN = "admin"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What somebody is answered, by the word that stands for it."""

    word: str
    refusal: bool = False
    """Whether it is a top-level error."""

    def __repr__(self) -> str:
        return self.word


VALUE = Answer("yes")
"""The value; of a list the object is in it; a mutation is done; a subscription delivers."""
OWN = Answer("own")
"""A value, but the caller's own: the object is not in it."""
NULL = Answer("null")
EMPTY = Answer("empty")
"""Nothing to speak of: an empty list, a page of none, a count of 0, a mutation that found nothing to do."""
SILENT = Answer("silent")
"""A subscription that opens and gives nothing of the object."""
ENDS = Answer("ends")
"""A subscription that is open at the suspension ends with UNAUTHENTICATED; so is the next one answered."""
ANEW = Answer("anew")
"""A mutation that is sent again and done once more; nothing else is about what happened before."""
UNAUTHENTICATED = Answer("`UNAUTHENTICATED`", refusal=True)
FORBIDDEN = Answer("`FORBIDDEN`", refusal=True)


def refused(code: UserErrorCode) -> Answer:
    """A mutation that changes nothing and says why in its `userErrors`."""
    return Answer(f"`{code}`")


NOT_FOUND = refused(UserErrorCode.NOT_FOUND)
NOT_ALLOWED = refused(UserErrorCode.NOT_ALLOWED)
ROLE_REQUIRED = refused(UserErrorCode.ROLE_REQUIRED)


Rule = Mapping[Who, Answer]


class Exceptions(TypedDict, total=False):
    """Who is answered otherwise."""

    anonymous: Answer
    owner: Answer
    other: Answer
    tasker: Answer
    poster: Answer
    support: Answer
    admin: Answer
    suspended: Answer


def everybody(answer: Answer, **but: Unpack[Exceptions]) -> Rule:
    """The same for all, `but` for some.

    The suspended are refused unless they are told: their token has ended, and next to that nothing goes on but what
    leads to a session.
    """
    return _rule(answer, {}, but)


def anybody(answer: Answer, **but: Unpack[Exceptions]) -> Rule:
    """What `leads_to_session`: the same for all, also beside the token of the suspended."""
    return _rule(answer, {"suspended": answer}, but)


def signed_in(answer: Answer, **but: Unpack[Exceptions]) -> Rule:
    """For who is signed in; the others are UNAUTHENTICATED."""
    return _rule(answer, {"anonymous": UNAUTHENTICATED}, but)


def staff(answer: Answer, **but: Unpack[Exceptions]) -> Rule:
    """For the scopes `support` and `admin`; the others are FORBIDDEN or UNAUTHENTICATED."""
    return _rule(FORBIDDEN, {"anonymous": UNAUTHENTICATED, "support": answer, "admin": answer}, but)


def admins(answer: Answer, **but: Unpack[Exceptions]) -> Rule:
    """For the scope `admin`; the others are FORBIDDEN or UNAUTHENTICATED."""
    return _rule(FORBIDDEN, {"anonymous": UNAUTHENTICATED, "admin": answer}, but)


def _rule(answer: Answer, usual: Mapping[str, Answer], but: Exceptions) -> Rule:
    told: dict[str, Answer] = {**usual, **cast("Mapping[str, Answer]", but)}
    named = {who: told[key] for who in Who if (key := who.name.lower()) in told}
    return {who: named.get(who, answer) for who in Who} | {Who.SUSPENDED: told.get("suspended", UNAUTHENTICATED)}


@dataclass(frozen=True, slots=True)
class Object:
    """Something that answers are about; tests make one of this name. Who is not told has no part in it."""

    name: str
    description: str
    owner: str
    tasker: str = ""
    poster: str = ""


@dataclass(frozen=True, slots=True)
class Type:
    """Fields of an object type, by names that share a rule, as `at` leads to them.

    Without `at` the type is an entity that is asked by the object's id alone: by `_entities` at the subgraph, and by
    `node` through routers. `node(id: $name)` says so of another id of the object's. An entity whose `at` is a look-up
    by id is asked in the same ways besides.
    """

    name: str
    about: str
    at: str
    fields: Mapping[str, Rule]

    @property
    def rows(self) -> Iterator[tuple[str, Rule]]:
        for names, rule in self.fields.items():
            for name in names.split():
                yield name, rule


@dataclass(frozen=True, slots=True)
class Query:
    """A field of Query."""

    at: str
    about: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Mutation:
    """A field of Mutation, and the fields `gives` of its payload, beside `userErrors`.

    `repeatable`: what is done can be done again to the same object. `again` is what the person who was allowed is
    answered who sends it once more, with the same idempotency key where it takes one, as after an answer that was
    lost: nothing more happens then, unless it is ANEW.
    """

    at: str
    about: str
    rule: Rule
    gives: str = ""
    repeatable: bool = False
    again: Answer = VALUE


@dataclass(frozen=True, slots=True)
class Subscription:
    """A field of Subscription, followed from the beginning. One that is open when its user is suspended ENDS."""

    at: str
    about: str
    rule: Rule


Declaration = Object | Type | Query | Mutation | Subscription


def connection(node: str, about: str, at: str, rule: Rule, page: Rule | None = None) -> list[Declaration]:
    """The types of a list of `node` at this place: `rule` for what is in it, `page` for the page itself.

    `page` needs no telling where a list is as empty as its page.
    """
    return [
        Type(f"{node}Connection", about, at, {"edges nodes totalCount": rule, "pageInfo": page or rule}),
        Type(f"{node}Edge", about, f"{at}.edges", {"cursor node": rule}),
    ]


def page_info(about: str, at: str, rule: Rule, page: Rule | None = None) -> Type:
    """PageInfo, in the list at this place; `page` as for `connection`."""
    cursors = {who: NULL if answer is EMPTY else answer for who, answer in rule.items()}
    fields = {"hasNextPage hasPreviousPage": page or rule, "startCursor endCursor": cursors}
    return Type("PageInfo", about, f"{at}.pageInfo", fields)


def own_list(node: str, fields: str, about: str, at: str) -> list[Declaration]:
    """The query `at` that lists the caller's own, a `node` with these fields: empty for all but the object's owner."""
    rule, page = signed_in(EMPTY, owner=VALUE), signed_in(VALUE)
    return [
        Query(at, about, rule),
        Type(node, about, f"{at}.nodes", {fields: rule}),
        *connection(node, about, at, rule, page),
        page_info(about, at, rule, page),
    ]


def money(about: str, at: str, rule: Rule) -> Type:
    """Money, at this place."""
    return Type("Money", about, at, {"amount currency": rule})


def user_error(about: str, at: str, rule: Rule, *, bounds: Rule | None = None, allowed: Rule | None = None) -> Type:
    """UserError, of the mutation `at`, which is refused whoever asks; who is told bounds or what is allowed, too."""
    nothing = {who: NULL if answer is VALUE else answer for who, answer in rule.items()}
    fields = {"code message field": rule, "min max": bounds or nothing, "allowed": allowed or nothing}
    return Type("UserError", about, f"{at}.userErrors", fields)
