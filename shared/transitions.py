"""State machines as tables: one dict per aggregate, read by rules, tests and docs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from shared.errors import DomainError, InvalidTransition

S = TypeVar("S", bound=StrEnum)
C = TypeVar("C", bound=StrEnum)


class By(StrEnum):
    """Who may take a step."""

    POSTER = "poster"
    TASKER = "tasker"
    USER = "the user"
    ADMIN = "admin"
    TIMER = "timer"
    EVENT = "event of another subgraph"


PEOPLE = frozenset({By.POSTER, By.TASKER, By.USER, By.ADMIN})
"""Who gives commands; what the others do happens by itself."""


@dataclass(frozen=True, slots=True)
class Transition(Generic[S]):
    """A step to the status `to`, who takes it, and why it exists."""

    to: S
    by: frozenset[By]
    why: str


def step(to: S, *by: By, why: str) -> Transition[S]:
    """A row of a TRANSITIONS table."""
    return Transition(to, frozenset(by), why)


def next_status(transitions: Mapping[tuple[S, C], Transition[S]], status: S, command: C, by: By | None = None) -> S:
    """The status after `command`. Raises InvalidTransition for a step that is not in the table.

    With `by` the step must also be one of those who take it: some can be taken by others only, or at other times.
    """
    transition = transitions.get((status, command))
    if transition is None or (by is not None and by not in transition.by):
        raise InvalidTransition(f"Not possible while the status is {status}.")
    return transition.to


def possible(
    transitions: Mapping[tuple[S, C], Transition[S]],
    status: S,
    sides: Collection[By],
    check: Callable[[C, By], None] = lambda command, by: None,
) -> list[C]:
    """The commands that somebody can give now who is these `sides` of the object, in the order of the table.

    `check` raises a DomainError for a command that something beside the table forbids, as its action does, by the
    same functions of the rules.
    """
    found = []
    for (at, command), transition in transitions.items():
        if at is status and any(_passes(check, command, by) for by in sorted(transition.by.intersection(sides))):
            found.append(command)
    return found


def sides(viewer_id: str | None, people: Mapping[By, str | None]) -> frozenset[By]:
    """Which of an object's people the viewer is; nobody is none."""
    return frozenset(by for by, person_id in people.items() if person_id is not None and person_id == viewer_id)


def _passes(check: Callable[[C, By], None], command: C, by: By) -> bool:
    try:
        check(command, by)
    except DomainError:
        return False
    return True


def markdown(transitions: Mapping[tuple[S, C], Transition[S]]) -> str:
    """The table as the docs show it."""
    lines = ["| from | step | to | by | why |", "| --- | --- | --- | --- | --- |"]
    for (status, command), transition in transitions.items():
        by = ", ".join(sorted(transition.by))
        lines.append(f"| {status} | {command} | {transition.to} | {by} | {transition.why} |")
    return "\n".join(lines)
