"""The main job, played by four people at once through edge and router: who sees what, and when.

Every event that somebody must see has to arrive, once, in order and in time; otherwise the demo fails.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from deploy.local.client import Client, Data, Refused

_BID = "id status version amount { amount currency } tasker { id displayName }"
_EVENT = "seq previousSeq type"
_BID_EVENTS = f"""
subscription BidEvents($taskId: ID!, $after: Int) {{
  bidEvents(taskId: $taskId, after: $after) {{ {_EVENT} bid {{ {_BID} }} }}
}}"""
_TASK_EVENTS = f"""
subscription TaskEvents($taskId: ID!, $after: Int) {{
  taskEvents(taskId: $taskId, after: $after) {{ {_EVENT} task {{ status tasker {{ id displayName }} }} }}
}}"""
_NOTIFICATION_EVENTS = f"""
subscription NotificationEvents($after: Int) {{
  notificationEvents(after: $after) {{ {_EVENT} notification {{ title body link }} }}
}}"""
_ERRORS = "userErrors { code message field }"
_CATEGORIES = "query Categories { categories { children { id slug } } }"
_CREATE_TASK = f"""
mutation CreateTask($input: CreateTaskInput!) {{ createTask(input: $input) {{ task {{ id }} {_ERRORS} }} }}"""


def _bid_mutation(name: str) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation {kind}($input: {kind}Input!) {{ {name}(input: $input) {{ bid {{ {_BID} }} {_ERRORS} }} }}"


_PLACE_BID = _bid_mutation("placeBid")
_UPDATE_BID = _bid_mutation("updateBid")
_WITHDRAW_BID = _bid_mutation("withdrawBid")
_ACCEPT_BID = _bid_mutation("acceptBid")


class DemoFailed(Exception):
    """Something was missing, late or wrong; the message says what."""


class Timeline:
    """Prints each step with the time since the beginning."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        self._console = console
        self._began = time.monotonic()
        colours = ("cyan", "magenta", "yellow", "green")
        self._colours = dict(zip(names, colours, strict=True))

    def does(self, name: str, what: str) -> float:
        """Somebody acts. Returns the moment."""
        self._line(name, "▶", what, "bold")
        return time.monotonic()

    def sees(self, name: str, what: str, milliseconds: float) -> None:
        """Somebody is shown something, this long after it was done."""
        self._line(name, "◀", f"{what}  ({milliseconds:.0f} ms)", "")

    def _line(self, name: str, arrow: str, what: str, style: str) -> None:
        moment = f"{time.monotonic() - self._began:7.3f} s  "
        person = (f"{name:<6}", self._colours[name])
        self._console.print(Text.assemble((moment, "dim"), person, f" {arrow} ", (what, style)), soft_wrap=True)


@dataclass
class View:
    """What one person has been shown on one subscription, in the order it came."""

    events: list[tuple[float, Data]] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    failure: BaseException | None = None

    async def watch(self, events: AsyncIterator[Data]) -> None:
        try:
            async for event in events:
                async with self.arrived:
                    self.events.append((time.monotonic(), event))
                    self.arrived.notify_all()
        except Refused as failure:
            async with self.arrived:
                self.failure = failure
                self.arrived.notify_all()

    def check_order(self, what: str) -> None:
        """Raises DemoFailed unless every event came once and in order."""
        numbers = [event["seq"] for _, event in self.events]
        if numbers != sorted(set(numbers)):
            raise DemoFailed(f"{what} came twice or out of order: {numbers}")


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
        return group.create_task(self.views[kind].watch(self.client.follow(document, dict(variables))))

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
                seen = [event.get("type") for _, event in view.events]
                raise DemoFailed(
                    f"{self.name} did not see within {self._limit:g} s: {what}. Seen on {kind}: {seen}"
                ) from None
            moment, event = found() or (since, {})
        self._timeline.sees(self.name, what, max(0.0, moment - since) * 1000)
        return event

    async def sees_bid(self, what: str, since: float, type: str, tasker: "Person", **bid: object) -> Data:
        def matches(event: Data) -> bool:
            shown = {"amount": event["bid"]["amount"]["amount"], "status": event["bid"]["status"]}
            of_tasker = event["bid"]["tasker"]["id"] == tasker.client.user_id
            return event["type"] == type and of_tasker and all(shown[name] == value for name, value in bid.items())

        return await self.sees("bids", what, since, matches)

    async def is_notified(self, title: str, since: float, mentions: str = "") -> None:
        def matches(event: Data) -> bool:
            notification = event["notification"] or {"title": "", "body": ""}
            return notification["title"] == title and mentions in notification["body"]

        about = f" about {mentions}" if mentions else ""
        await self.sees("notifications", f"notification “{title}”{about}", since, matches)


async def play(edge: str, console: Console, limit: float = 5.0) -> None:
    """Plays the main job at an edge. Raises DemoFailed; `limit`: how many seconds later is late."""
    run = uuid.uuid4().hex[:8]
    names = ("Paula", "Tom", "Tina", "Theo")
    timeline = Timeline(console, names)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(edge, name)) for name in names]
        paula, *taskers = [Person(client, timeline, limit) for client in clients]
        try:
            await asyncio.gather(
                _sign_up(paula, run, "POSTER"), *(_sign_up(tasker, run, "TASKER") for tasker in taskers)
            )
            async with asyncio.TaskGroup() as group:
                watching = await _bid_and_accept(group, paula, taskers)
                for task in watching:
                    task.cancel()
        except Refused as refusal:
            raise DemoFailed(f"A request was refused: {refusal}") from refusal
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        for person in (paula, *taskers):
            for kind, view in person.views.items():
                view.check_order(f"{person.name}'s {kind}")


async def _sign_up(person: Person, run: str, role: str) -> None:
    person.does(f"signs up as {role.lower()}")
    await person.client.sign_up(f"{person.name.lower()}.{run}@example.com", f"demo {uuid.uuid4()}", [role])


async def _bid_and_accept(group: asyncio.TaskGroup, paula: Person, taskers: list[Person]) -> list[asyncio.Task[None]]:
    tom, tina, theo = taskers
    watching = [person.watch(group, "notifications", _NOTIFICATION_EVENTS) for person in (paula, *taskers)]

    paula.does("posts the task “Paint the garden fence” for 200.00 EUR")
    task_id = await _post_task(paula)
    watching.append(paula.watch(group, "task", _TASK_EVENTS, taskId=task_id))
    watching += [person.watch(group, "bids", _BID_EVENTS, taskId=task_id) for person in (paula, *taskers)]

    bids: dict[str, str] = {}
    for tasker, amount in ((tom, "180.00"), (tina, "195.00"), (theo, "150.00")):
        since = tasker.does(f"bids {amount} EUR")
        bid = await tasker.client.call_once_known(_PLACE_BID, input=_new_bid(task_id, amount))
        bids[tasker.name] = bid["bid"]["id"]
        await asyncio.gather(
            paula.sees_bid(f"{tasker.name}'s bid of {amount} EUR", since, "PLACED", tasker, amount=amount),
            tasker.sees_bid("own bid", since, "PLACED", tasker, amount=amount),
            paula.is_notified("New bid", since, tasker.name),
        )

    since = tom.does("lowers the bid to 165.00 EUR")
    await tom.client.call(_UPDATE_BID, input={"bidId": bids["Tom"], "amount": _euro("165.00")})
    changed, _ = await asyncio.gather(
        paula.sees_bid("Tom's bid is 165.00 EUR now", since, "UPDATED", tom, amount="165.00"),
        paula.is_notified("Bid changed", since, "Tom"),
    )

    since = theo.does("takes the bid back")
    await theo.client.call(_WITHDRAW_BID, input={"bidId": bids["Theo"]})
    await asyncio.gather(
        paula.sees_bid("Theo's bid is withdrawn", since, "WITHDRAWN", theo, status="WITHDRAWN"),
        paula.is_notified("Bid withdrawn", since, "Theo"),
    )

    since = paula.does("accepts Tom's bid")
    version = changed["bid"]["version"]
    await paula.client.call(_ACCEPT_BID, input={"bidId": bids["Tom"], "expectedVersion": version})
    await asyncio.gather(
        paula.sees("task", "the task is assigned to Tom", since, lambda event: _assigned(event, tom)),
        paula.sees_bid("Tom's bid is awarded", since, "AWARDED", tom, status="AWARDED"),
        tom.sees_bid("own bid is accepted", since, "ACCEPTED", tom),
        tom.sees_bid("own bid is awarded", since, "AWARDED", tom),
        tina.sees_bid("own bid is declined", since, "DECLINED", tina),
        tom.is_notified("Bid accepted", since),
        tom.is_notified("The task is yours", since),
        tina.is_notified("Bid declined", since),
        paula.is_notified("Task assigned", since, "Tom"),
    )
    _check_privacy(taskers)
    return watching


async def _post_task(paula: Person) -> str:
    categories = await paula.client.call(_CATEGORIES)
    category = next(child["id"] for upper in categories for child in upper["children"])
    task = {
        "title": "Paint the garden fence",
        "description": "Twenty metres of wooden fence need two coats of green paint; the paint is here.",
        "categoryId": category,
        "budget": _euro("200.00"),
        "mode": "ONSITE",
        "publish": True,
    }
    created = await paula.client.call(_CREATE_TASK, input=task)
    return str(created["task"]["id"])


def _check_privacy(taskers: Sequence[Person]) -> None:
    for tasker in taskers:
        shown = {event["bid"]["tasker"]["id"] for _, event in tasker.views["bids"].events}
        if shown != {tasker.client.user_id}:
            raise DemoFailed(f"{tasker.name} was shown bids of others: {shown}")


def _assigned(event: Data, tasker: Person) -> bool:
    task = event["task"]
    return bool(event["type"] == "ASSIGNED" and task["tasker"]["id"] == tasker.client.user_id)


def _new_bid(task_id: str, amount: str) -> Data:
    message = "I have painted many fences and can start on Monday morning."
    return {"taskId": task_id, "amount": _euro(amount), "message": message}


def _euro(amount: str) -> Data:
    return {"amount": amount, "currency": "EUR"}
