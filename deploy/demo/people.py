"""People of the demo: what they do, what they are shown and when, line by line on the terminal."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from deploy.demo.client import Client
from deploy.demo.live import Data, Refused, SignedOut


class DemoFailed(Exception):
    """Something was missing, late or wrong; the message says what."""


class Timeline:
    """Prints each step with the time since the beginning."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        self._console = console
        self._began = time.monotonic()
        colours = ("cyan", "magenta", "yellow", "green")
        self._colours = dict(zip(names, colours, strict=True))
        self.latencies: list[float] = []

    def does(self, name: str, what: str) -> float:
        """Somebody acts. Returns the moment."""
        self._line(name, "▶", (what, "bold"))
        return time.monotonic()

    def sees(self, name: str, what: str, milliseconds: float) -> None:
        """Somebody is shown something, this long after it was done."""
        self.latencies.append(milliseconds)
        self._line(name, "◀", f"{what}  ", (f"{milliseconds:.0f} ms", "dim"))

    def _line(self, name: str, arrow: str, *what: str | tuple[str, str]) -> None:
        moment = f"{time.monotonic() - self._began:7.3f} s  "
        person = (f"{name:<6}", self._colours[name])
        self._console.print(Text.assemble((moment, "dim"), person, f" {arrow} ", *what), soft_wrap=True)


@dataclass
class View:
    """What one person has been shown on one subscription, in the order it came."""

    events: list[tuple[float, Data]] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    failure: Exception | None = None

    async def watch(self, events: AsyncGenerator[Data, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    async with self.arrived:
                        self.events.append((time.monotonic(), event))
                        self.arrived.notify_all()
        except (Refused, SignedOut) as failure:
            async with self.arrived:
                self.failure = failure
                self.arrived.notify_all()

    @property
    def shown(self) -> list[Data]:
        return [event for _, event in self.events]


class Person:
    """A client, and what it is shown."""

    def __init__(self, client: Client, timeline: Timeline, limit: float) -> None:
        self.client = client
        self.name = client.name
        self.views: dict[str, View] = {}
        self._timeline = timeline
        self._limit = limit

    def watch(self, group: asyncio.TaskGroup, kind: str, document: str, **variables: object) -> asyncio.Task[None]:
        """Follows a subscription from its beginning."""
        self.views[kind] = View()
        return group.create_task(self.views[kind].watch(self.client.follow(document, variables)))

    def does(self, what: str) -> float:
        return self._timeline.does(self.name, what)

    async def sees(self, kind: str, what: str, since: float, matches: Callable[[Data], bool]) -> Data:
        """Waits for an event. Raises DemoFailed when it does not come within the limit."""
        view = self.views[kind]

        def found() -> tuple[float, Data] | None:
            if view.failure:
                raise DemoFailed(f"{self.name}'s {kind} ended: {view.failure}")
            return next(((moment, event) for moment, event in view.events if matches(event)), None)

        async with view.arrived:
            try:
                async with asyncio.timeout(max(0.0, since + self._limit - time.monotonic())):
                    await view.arrived.wait_for(lambda: found() is not None)
            except TimeoutError:
                seen = [event.get("type") for event in view.shown]
                raise DemoFailed(
                    f"{self.name} did not see within {self._limit:g} s: {what}. Seen on {kind}: {seen}"
                ) from None
            moment, event = found() or (since, {})
        self._timeline.sees(self.name, what, max(0.0, moment - since) * 1000)
        return event

    async def comes_to_see(self, what: str, since: float, is_there: Callable[[], Awaitable[bool]]) -> None:
        """Asks until it is there: what has no subscription."""
        while not await is_there():
            if time.monotonic() > since + self._limit:
                raise DemoFailed(f"{self.name} did not see within {self._limit:g} s: {what}")
            await asyncio.sleep(0.05)
        self._timeline.sees(self.name, what, (time.monotonic() - since) * 1000)

    async def sees_bid(self, what: str, since: float, type: str, tasker: "Person", amount: str) -> Data:
        def matches(event: Data) -> bool:
            bid = event["bid"]
            return (event["type"], bid["tasker"]["id"], bid["amount"]["amount"]) == (
                type,
                tasker.client.user_id,
                amount,
            )

        return await self.sees("bids", what, since, matches)

    async def sees_task(self, what: str, since: float, type: str, tasker: "Person") -> Data:
        def matches(event: Data) -> bool:
            return bool(event["type"] == type and event["task"]["tasker"]["id"] == tasker.client.user_id)

        return await self.sees("task", what, since, matches)

    async def sees_money(self, what: str, since: float, type: str, **amounts: str) -> Data:
        """`amounts`: what the escrow's fields are then."""

        def matches(event: Data) -> bool:
            shown = {name: event["escrow"][name]["amount"] for name in amounts}
            return bool(event["type"] == type and shown == amounts)

        return await self.sees("money", what, since, matches)

    async def is_notified(self, title: str, since: float, mentions: str = "") -> None:
        def matches(event: Data) -> bool:
            notification = event["notification"] or {"title": "", "body": ""}
            return notification["title"] == title and mentions in notification["body"]

        about = f" about {mentions}" if mentions else ""
        await self.sees("notifications", f"notification “{title}”{about}", since, matches)
