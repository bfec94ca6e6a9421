"""The main job, played by four people at once through edge and router: who sees what, and when.

Every event that somebody must see has to arrive, once, in order and in time, and nothing else may arrive;
otherwise the demo fails.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from statistics import median

import httpx
from rich.console import Console
from rich.text import Text

from deploy.demo.client import Client
from deploy.demo.documents import (
    ACCEPT_BID,
    BID_EVENTS,
    CATEGORIES,
    CREATE_PLACE,
    CREATE_SAVED_SEARCH,
    CREATE_TASK,
    NEARBY_TASKS,
    NOTIFICATION_EVENTS,
    OPEN_TASKS,
    PLACE,
    PLACE_BID,
    TASK_EVENTS,
    UPDATE_BID,
    WITHDRAW_BID,
)
from deploy.demo.live import Data, Refused, SignedOut

_ADDRESS = "12 Charoen Krung Road, Bangkok"
_BANGKOK = {"latitude": 13.7563, "longitude": 100.5018}
_CHIANG_MAI = {"latitude": 18.7883, "longitude": 98.9853}
_ALERT = "A new task near you"
_WELCOME = "Welcome to Service Exchange"
_LONGEST_SECONDS = 90.0
# How long everybody goes on listening at the end, for what should not come.
_LISTEN_SECONDS = 0.5


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

    async def sees_assignment(self, since: float, tasker: "Person") -> None:
        def matches(event: Data) -> bool:
            return bool(event["type"] == "ASSIGNED" and event["task"]["tasker"]["id"] == tasker.client.user_id)

        await self.sees("task", f"the task is assigned to {tasker.name}", since, matches)

    async def is_notified(self, title: str, since: float, mentions: str = "") -> None:
        def matches(event: Data) -> bool:
            notification = event["notification"] or {"title": "", "body": ""}
            return notification["title"] == title and mentions in notification["body"]

        about = f" about {mentions}" if mentions else ""
        await self.sees("notifications", f"notification “{title}”{about}", since, matches)


async def play(edge: str, console: Console, limit: float = 5.0) -> None:
    """Plays the main job at an edge. Raises DemoFailed; `limit`: how many seconds later is late."""
    names = ("Paula", "Tom", "Tina", "Theo")
    timeline = Timeline(console, names)
    try:
        async with asyncio.timeout(_LONGEST_SECONDS), AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(edge, name)) for name in names]
            await _play([Person(client, timeline, limit) for client in clients])
    except TimeoutError:
        raise DemoFailed(f"It took longer than {_LONGEST_SECONDS:g} s.") from None
    except Refused as refusal:
        raise DemoFailed(f"A request was refused: {refusal}") from refusal
    except httpx.HTTPError as error:
        raise DemoFailed(f"{edge} does not answer: {error!r}") from error
    seen = sorted(timeline.latencies)
    console.print(
        f"{len(seen)} events, half of them within {median(seen):.0f} ms, the slowest after {seen[-1]:.0f} ms."
    )


async def _play(people: Sequence[Person]) -> None:
    paula, *taskers = people
    tom, tina, theo = taskers
    try:
        async with asyncio.TaskGroup() as group:
            watching = await _meet(group, paula, taskers)
            await _save_searches(tom, tina, theo)
            task_id, place_id, more = await _post(group, paula, taskers)
            bids = await asyncio.gather(
                _bid(tom, "180.00", task_id, paula),
                _bid(tina, "195.00", task_id, paula),
                _bid(theo, "150.00", task_id, paula),
            )
            version, _ = await asyncio.gather(_lower(tom, "165.00", bids[0], paula), _withdraw(theo, bids[2], paula))
            await _accept(paula, tom, "165.00", bids[0], version, tina)
            await _where(place_id, tom, tina)
            # Whatever should not come had the same way as the last events, which have all arrived.
            await asyncio.sleep(_LISTEN_SECONDS)
            for task in (*watching, *more):
                task.cancel()
    except* (DemoFailed, Refused, httpx.HTTPError) as failures:
        raise failures.exceptions[0] from None
    _check(paula, taskers)


async def _meet(group: asyncio.TaskGroup, paula: Person, taskers: Sequence[Person]) -> list[asyncio.Task[None]]:
    """Everybody signs up at once and opens the inbox."""
    run = uuid.uuid4().hex[:12]

    async def arrive(person: Person, role: str) -> asyncio.Task[None]:
        since = person.does(f"signs up as {role.lower()}")
        await person.client.sign_up(f"{person.name.lower()}.{run}@example.com", f"demo {uuid.uuid4()}", [role])
        watching = person.watch(group, "notifications", NOTIFICATION_EVENTS)
        await person.is_notified(_WELCOME, since)
        return watching

    return await asyncio.gather(arrive(paula, "POSTER"), *(arrive(tasker, "TASKER") for tasker in taskers))


async def _save_searches(tom: Person, tina: Person, theo: Person) -> None:
    """The taskers say of which tasks they want to hear."""
    near = {"radiusMeters": 50_000}
    searches = {
        tom: ("fences around Bangkok", {"words": "fence", "center": _BANGKOK, **near}),
        tina: ("fences around Chiang Mai", {"words": "fence", "center": _CHIANG_MAI, **near}),
        theo: ("roofs around Bangkok", {"words": "roof", "center": _BANGKOK, **near}),
    }
    for tasker, (name, wanted) in searches.items():
        tasker.does(f"wants to hear of {name}")
        await tasker.client.call(CREATE_SAVED_SEARCH, input={"name": name, **wanted})


async def _post(
    group: asyncio.TaskGroup, paula: Person, taskers: Sequence[Person]
) -> tuple[str, str, list[asyncio.Task[None]]]:
    """The poster posts a task with an address, the taskers find it, everybody follows it."""
    since = paula.does(f"posts the task “Paint the garden fence” for 200.00 EUR at {_ADDRESS}")
    place = (await paula.client.call(CREATE_PLACE, input={"address": _ADDRESS, "country": "TH"}))["place"]
    categories = await paula.client.call(CATEGORIES)
    task = {
        "title": "Paint the garden fence",
        "description": "Twenty metres of wooden fence need two coats of green paint; the paint is here.",
        "categoryId": next(child["id"] for upper in categories for child in upper["children"]),
        "budget": _euro("200.00"),
        "mode": "ONSITE",
        "placeId": place["id"],
        "publish": True,
    }
    task_id = str((await paula.client.call_once_known(CREATE_TASK, input=task))["task"]["id"])
    await taskers[0].is_notified(_ALERT, since, "Paint the garden fence")
    for tasker in taskers:
        found = (await tasker.client.call(OPEN_TASKS, posterId=paula.client.user_id))["nodes"]
        if [each["id"] for each in found] != [task_id]:
            raise DemoFailed(f"{tasker.name} does not find the task: {found}")

    async def is_near() -> bool:
        near = await taskers[0].client.call(NEARBY_TASKS, center=place["publicPoint"])
        return task_id in [each["id"] for each in near["nodes"]]

    await taskers[0].comes_to_see("the task on the map, nearby", since, is_near)
    people = (paula, *taskers)
    watching = [person.watch(group, "task", TASK_EVENTS, taskId=task_id) for person in people]
    watching += [person.watch(group, "bids", BID_EVENTS, taskId=task_id) for person in people]
    return task_id, place["id"], watching


async def _where(place_id: str, tom: Person, tina: Person) -> None:
    """Who has the task is shown the address, and nobody else is."""
    since = time.monotonic()

    async def is_shown() -> bool:
        return bool((await tom.client.call(PLACE, id=place_id))["address"] == _ADDRESS)

    await tom.comes_to_see("the address", since, is_shown)
    if (shown := (await tina.client.call(PLACE, id=place_id))["address"]) is not None:
        raise DemoFailed(f"{tina.name} is shown the address {shown}")


async def _bid(tasker: Person, amount: str, task_id: str, paula: Person) -> str:
    since = tasker.does(f"bids {amount} EUR")
    message = "I have painted many fences and can start on Monday morning."
    bid = {"taskId": task_id, "amount": _euro(amount), "message": message}
    placed = await tasker.client.call_once_known(PLACE_BID, input=bid)
    await asyncio.gather(
        paula.sees_bid(f"{tasker.name} bids {amount} EUR", since, "PLACED", tasker, amount),
        tasker.sees_bid("the own bid", since, "PLACED", tasker, amount),
        paula.is_notified("New bid", since, tasker.name),
    )
    return str(placed["bid"]["id"])


async def _lower(tasker: Person, amount: str, bid_id: str, paula: Person) -> int:
    """Returns the version that the poster is shown."""
    since = tasker.does(f"lowers the bid to {amount} EUR")
    await tasker.client.call(UPDATE_BID, input={"bidId": bid_id, "amount": _euro(amount)})
    shown, *_ = await asyncio.gather(
        paula.sees_bid(f"{tasker.name}'s bid is {amount} EUR now", since, "UPDATED", tasker, amount),
        tasker.sees_bid("the own bid is changed", since, "UPDATED", tasker, amount),
        paula.is_notified("Bid changed", since, tasker.name),
    )
    return int(shown["bid"]["version"])


async def _withdraw(tasker: Person, bid_id: str, paula: Person) -> None:
    since = tasker.does("takes the bid back")
    await tasker.client.call(WITHDRAW_BID, input={"bidId": bid_id})
    await asyncio.gather(
        paula.sees_bid(f"{tasker.name}'s bid is withdrawn", since, "WITHDRAWN", tasker, "150.00"),
        tasker.sees_bid("the own bid is withdrawn", since, "WITHDRAWN", tasker, "150.00"),
        paula.is_notified("Bid withdrawn", since, tasker.name),
    )


async def _accept(paula: Person, winner: Person, amount: str, bid_id: str, version: int, loser: Person) -> None:
    since = paula.does(f"accepts {winner.name}'s bid")
    await paula.client.call(ACCEPT_BID, input={"bidId": bid_id, "expectedVersion": version})
    await asyncio.gather(
        *(person.sees_assignment(since, winner) for person in (paula, winner, loser)),
        paula.sees_bid(f"{winner.name}'s bid is accepted", since, "ACCEPTED", winner, amount),
        winner.sees_bid("the own bid is accepted", since, "ACCEPTED", winner, amount),
        paula.sees_bid(f"{winner.name}'s bid is awarded", since, "AWARDED", winner, amount),
        winner.sees_bid("the own bid is awarded", since, "AWARDED", winner, amount),
        paula.sees_bid(f"{loser.name}'s bid is declined", since, "DECLINED", loser, "195.00"),
        loser.sees_bid("the own bid is declined", since, "DECLINED", loser, "195.00"),
        winner.is_notified("Bid accepted", since),
        winner.is_notified("The task is yours", since),
        loser.is_notified("Bid declined", since),
        paula.is_notified("Task assigned", since, winner.name),
    )


def _check(paula: Person, taskers: Sequence[Person]) -> None:
    """Raises DemoFailed unless everybody was shown what concerns them, once and in order, and nothing else."""
    bids = {
        "Tom": ["PLACED 180.00", "UPDATED 165.00", "ACCEPTED 165.00", "AWARDED 165.00"],
        "Tina": ["PLACED 195.00", "DECLINED 195.00"],
        "Theo": ["PLACED 150.00", "WITHDRAWN 150.00"],
    }
    notifications = {
        "Paula": ["Bid changed", "Bid withdrawn", "New bid", "New bid", "New bid", "Task assigned", _WELCOME],
        "Tom": [_ALERT, "Bid accepted", "The task is yours", _WELCOME],
        "Tina": ["Bid declined", _WELCOME],
        "Theo": [_WELCOME],
    }
    for person in (paula, *taskers):
        for kind, view in person.views.items():
            numbers = [event["seq"] for event in view.shown]
            if view.failure or numbers != sorted(set(numbers)):
                raise DemoFailed(f"{person.name}'s {kind} came twice or out of order: {numbers} {view.failure or ''}")
        shown: dict[str, list[str]] = {}
        for event in person.views["bids"].shown:
            bid = event["bid"]
            shown.setdefault(bid["tasker"]["displayName"], []).append(f"{event['type']} {bid['amount']['amount']}")
        due = bids if person is paula else {person.name: bids[person.name]}
        if shown != due:
            raise DemoFailed(f"{person.name} was shown the bids {shown} instead of {due}")
        titles = sorted(event["notification"]["title"] for event in person.views["notifications"].shown)
        if titles != notifications[person.name]:
            raise DemoFailed(f"{person.name} was notified of {titles} instead of {notifications[person.name]}")


def _euro(amount: str) -> Data:
    return {"amount": amount, "currency": "EUR"}
