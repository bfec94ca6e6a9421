"""Operations that Schemathesis makes of a schema, sent to a running endpoint by several people.

Everything follows from one seed: which operations are made, who sends them, and which of their values are
replaced by ids that exist, so that an operation gets past "there is no such task".
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import graphql
import requests
import schemathesis
from graphql import ArgumentNode, Node, ObjectFieldNode, StringValueNode, Visitor, parse, print_ast, visit
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.graphql import nodes

from shared.errors import UserErrorCode
from tests.abuse import answers

_EXAMPLES_A_ROUND = 12
_KNOWN_VALUE_PROBABILITY = 0.7
# What an operation may be refused with. INTERNAL and SERVICE_UNAVAILABLE are not among them.
REFUSALS = {
    "BAD_REQUEST", "BAD_USER_INPUT", "COST_ESTIMATED_TOO_EXPENSIVE", "CURSOR_EXPIRED", "FORBIDDEN",
    "GRAPHQL_VALIDATION_FAILED", "INVALID_ID", "MAX_DEPTH_EXCEEDED", "MAX_FIELDS_EXCEEDED", "RATE_LIMITED",
    "TOKEN_LIMIT_EXCEEDED", "TOO_COMPLEX", "UNAUTHENTICATED",
}  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """What is fuzzed: `people` give a token each, by name; `known` are values by the name of a field or argument."""

    name: str
    url: str
    people: Mapping[str, Callable[[], str]]
    known: Mapping[str, Sequence[str]]
    alive: Callable[[], object]
    """Raises if a process behind it is not the one that it was."""


@dataclass
class Tally:
    """What came of it."""

    sent: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)
    """Operations that were answered without an error at least once."""

    def __str__(self) -> str:
        refused = ", ".join(f"{code} {count}" for code, count in sorted(self.refused.items()))
        return f"{self.sent} operations of {len(self.operations)} fields, {len(self.served)} served; refused: {refused}"


def fuzz(endpoint: Endpoint, number: int, seconds: float, only: str = "") -> Tally:
    """Sends operations for so long. `only`: of this root field. Raises AssertionError with what failed.

    Hypothesis shortens the failing operation before it is raised.
    """
    _register_scalars()
    schema = schemathesis.graphql.from_url(endpoint.url, config=SchemathesisConfig(), timeout=60)
    operations = [found.ok() for found in schema.get_all_operations()]
    tally = Tally()
    deadline = time.monotonic() + seconds
    with requests.Session() as session:
        for round_number in _rounds(deadline):
            Random(f"{number} {round_number}").shuffle(operations)
            for operation in operations:
                if only in operation.label and time.monotonic() < deadline:
                    _fuzz_operation(endpoint, operation, f"{number} {round_number} {operation.label}", session, tally)
    endpoint.alive()
    return tally


def _rounds(deadline: float) -> Iterator[int]:
    number = 0
    while time.monotonic() < deadline:
        yield number
        number += 1


def _fuzz_operation(
    endpoint: Endpoint, operation: schemathesis.schemas.APIOperation, name: str, session: requests.Session, tally: Tally
) -> None:
    @seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))
    @settings(
        max_examples=_EXAMPLES_A_ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(case=operation.as_strategy())
    def send(case: Case) -> None:
        _send(endpoint, case, session, tally)

    try:
        send()
    except Unsatisfiable:
        return


def _send(endpoint: Endpoint, case: Case, session: requests.Session, tally: Tally) -> None:
    chance = Random(str(case.body))
    case.body = _with_known_values(str(case.body), endpoint.known, chance)
    who = chance.choice(["", *endpoint.people])
    # Limits per address are not what this is about.
    headers = {"x-forwarded-for": f"2001:db8:{chance.randrange(65_536):x}::1"}
    if who:
        headers["authorization"] = f"Bearer {endpoint.people[who]()}"
    told = f"{case.operation.label} by {who or 'nobody'} at {endpoint.name}:\n{case.body}"
    try:
        response = case.call(session=session, headers=headers, timeout=30)
    except requests.RequestException as error:
        raise AssertionError(f"no answer to {told}\n{error!r}") from None
    told += f"\nwas answered {response.status_code} {response.text[:2_000]}"
    assert response.status_code < 500, told
    # That the answer is one of GraphQL and has no null where the schema says that there is none.
    case.operation.schema.validate_response(case.operation, response, case=case)
    body = response.json()
    codes = [str((error.get("extensions") or {}).get("code")) for error in body.get("errors") or ()]
    assert REFUSALS.issuperset(codes) or _is_a_rule_of_validation(codes), told
    assert answers.leaks("\n".join(error["message"] for error in body.get("errors") or ())) == [], told
    for payload in (body.get("data") or {}).values():
        for refusal in (payload.get("userErrors") or ()) if isinstance(payload, dict) else ():
            assert refusal.get("code", "INVALID_INPUT") in UserErrorCode.__members__, told
    tally.sent += 1
    tally.operations.add(case.operation.label)
    for code in codes:
        tally.refused[code] = tally.refused.get(code, 0) + 1
    if not codes:
        tally.served.add(case.operation.label)


def _is_a_rule_of_validation(codes: Sequence[str]) -> bool:
    """Hive Router calls an error of validation by its rule, such as `ValuesOfCorrectType`."""
    return all(code in REFUSALS or (code.isalpha() and not code.isupper()) for code in codes)


class _KnownValues(Visitor):
    """Replaces texts by values that exist, by the name of their field or argument."""

    def __init__(self, known: Mapping[str, Sequence[str]], chance: Random) -> None:
        super().__init__()
        self._known, self._chance = known, chance

    def enter_argument(self, node: ArgumentNode, *_: object) -> Node | None:
        return self._replaced(node)

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> Node | None:
        return self._replaced(node)

    def _replaced(self, node: ArgumentNode | ObjectFieldNode) -> Node | None:
        values = self._known.get(node.name.value)
        if not values or self._chance.random() > _KNOWN_VALUE_PROBABILITY:
            return None
        if isinstance(node.value, StringValueNode):
            return type(node)(name=node.name, value=StringValueNode(value=self._chance.choice(values)))
        if isinstance(node.value, graphql.ListValueNode):
            items = tuple(StringValueNode(value=self._chance.choice(values)) for _ in node.value.values)
            return type(node)(name=node.name, value=graphql.ListValueNode(values=items))
        return None


def _with_known_values(document: str, known: Mapping[str, Sequence[str]], chance: Random) -> str:
    return print_ast(visit(parse(document), _KnownValues(known, chance)))


def _register_scalars() -> None:
    """Scalars as people write them, and texts that only look so."""
    odd = st.text(max_size=30)
    times = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    decimals = st.decimals(0, 1_000_000, places=2).map(str)
    schemathesis.graphql.scalar("DateTime", (times | odd).map(nodes.String))
    schemathesis.graphql.scalar("Decimal", (decimals | odd).map(nodes.String))
    schemathesis.graphql.scalar("_Any", st.just(nodes.Null))
