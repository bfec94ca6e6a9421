"""What somebody can do with a task now."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from shared.identity.actor import Actor
from shared.transitions import By, possible, sides
from subgraphs.tasks.rules import agreements, tasks
from subgraphs.tasks.rules.agreements import Kind
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Mode, Status

_KINDS = {command: kind for kind, command in agreements.COMMANDS.items()}

ASKED_OF_THE_OTHER = frozenset(status for status, command in TRANSITIONS if command in _KINDS)
"""The statuses in which what the two have asked of each other decides too."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides about a task's commands."""

    poster_id: str
    tasker_id: str | None
    status: Status
    mode: Mode
    place_id: str | None
    due_at: datetime | None

    def sides(self, viewer_id: str) -> frozenset[By]:
        """Which of the two somebody is, if one of them."""
        return sides(viewer_id, {By.POSTER: self.poster_id, By.TASKER: self.tasker_id})


def commands(actor: Actor, task: Facts, unsettled: Collection[Kind], now: datetime) -> list[Command]:
    """What the actor can do with a task; `unsettled` are the kinds of requests that are not settled."""

    def check(command: Command, by: By) -> None:
        tasks.check_role(actor, command, by)
        if command is Command.PUBLISH:
            tasks.check_publishable(task.mode, task.place_id, task.due_at, now)
        elif command in _KINDS:
            agreements.check_none_pending(_KINDS[command], unsettled)

    return possible(TRANSITIONS, task.status, task.sides(actor.id), check)
