"""State machines as tables: one dict per aggregate, read by rules, tests and docs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from shared.errors import InvalidTransition

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


def markdown(transitions: Mapping[tuple[S, C], Transition[S]]) -> str:
    """The table as the docs show it."""
    lines = ["| from | step | to | by | why |", "| --- | --- | --- | --- | --- |"]
    for (status, command), transition in transitions.items():
        by = ", ".join(sorted(transition.by))
        lines.append(f"| {status} | {command} | {transition.to} | {by} | {transition.why} |")
    return "\n".join(lines)
