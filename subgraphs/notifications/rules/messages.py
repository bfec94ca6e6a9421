"""What a message is, and what all of them are written with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared import events
from shared.money import Money

SOMEBODY = "Somebody"
A_TASK = "a task"


class Category(StrEnum):
    """What a notification is about; preferences are set by category."""

    ACCOUNT = "ACCOUNT"
    TASKS = "TASKS"
    BIDS = "BIDS"
    ALERTS = "ALERTS"
    CHAT = "CHAT"
    PAYMENTS = "PAYMENTS"
    REVIEWS = "REVIEWS"
    SUPPORT = "SUPPORT"


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is told."""

    user_id: str
    category: Category
    title: str
    body: str
    link: str


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of the people and tasks that an event mentions."""

    people: Mapping[str, str]
    tasks: Mapping[str, str]

    def person(self, user_id: str) -> str:
        return self.people.get(user_id, SOMEBODY)

    def task(self, task_id: str) -> str:
        title = self.tasks.get(task_id)
        return quoted(title) if title else A_TASK


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whose names, and which task's title, the messages about an event need. Events of tasks carry the title."""

    user_ids: tuple[str, ...] = ()
    task_id: str | None = None


Writers = dict[type[events.Event], Callable[[Any, Names], list[Message]]]
"""Who writes about which event; each writer takes the event that it is kept under."""


def amount(money: Money) -> str:
    return f"{money.format()} {money.currency}"


def day(time: datetime) -> str:
    return f"{time.day} {time:%B %Y}"


def quoted(title: str) -> str:
    return f"“{title}”"


def sentence(body: str) -> str:
    """With a capital letter, also where it begins with a task whose title is not known."""
    return body[:1].upper() + body[1:]
