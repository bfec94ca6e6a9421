"""State machines as tables: one dict per aggregate, read by rules, tests and docs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

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
    PROVIDER = "payment provider"
    STEP = "step of another object"


PEOPLE = frozenset({By.POSTER, By.TASKER, By.USER, By.ADMIN})
"""Who gives commands; what the others do happens by itself."""


@dataclass(frozen=True, slots=True)
class Transition(Generic[S]):
    """A step to the status `to`, who takes it, and why it exists."""

    to: S
    by: frozenset[By]
    why: str
    completes: bool = False
    """Whether it only ends what the step before began, so that a repeat of that one still finds it done."""


class Stepping(Protocol[S]):
    """A row that takes the steps of a table."""

    status: S
    version: int
    last_step: str | None
    """What led to the status: the command, and who gave it; None if that was not kept."""


def step(to: S, *by: By, why: str, completes: bool = False) -> Transition[S]:
    """A row of a TRANSITIONS table."""
    return Transition(to, frozenset(by), why, completes)


def next_status(transitions: Mapping[tuple[S, C], Transition[S]], status: S, command: C, by: By | None = None) -> S:
    """The status after `command`. Raises InvalidTransition for a step that is not in the table.

    With `by` the step must also be one of those who take it: some can be taken by others only, or at other times.
    """
    transition = transitions.get((status, command))
    if transition is None or (by is not None and by not in transition.by):
        raise InvalidTransition(f"Not possible while the status is {status}.")
    return transition.to


def take(transitions: Mapping[tuple[S, C], Transition[S]], row: Stepping[S], command: C, by: By) -> None:
    """Takes a step of the table: the row has its status then, and one version more. Raises InvalidTransition."""
    before = row.status
    row.status = next_status(transitions, before, command, by)
    row.version += 1
    if row.status is not before and not transitions[before, command].completes:
        row.last_step = _told(command, by)


def is_repeat(row: Stepping[S], by: By, *commands: StrEnum) -> bool:
    """Whether one of these commands of the same side led to the status that the row has.

    Then it is sent again, after an answer that was lost for instance: nothing is to be done, and the row is what is
    now. A side of an object is one person for as long as it has this status; ask before `take` and before versions
    are compared.
    """
    return row.last_step in {_told(command, by) for command in commands}


def _told(command: StrEnum, by: By) -> str:
    return f"{command} by {by}"


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
