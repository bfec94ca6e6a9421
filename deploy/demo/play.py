"""The main job, played by four people at once through edge and router: who sees what, and when; and its money.

Every event that somebody must see has to arrive, once, in order and in time, and nothing else may arrive;
otherwise the demo fails.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median

import httpx
from rich.console import Console

from deploy.demo import money
from deploy.demo.client import Client
from deploy.demo.documents import (
    ACCEPT_BID,
    BID_EVENTS,
    CATEGORIES,
    CREATE_PLACE,
    CREATE_SAVED_SEARCH,
    CREATE_TASK,
    ESCROW_EVENTS,
    NEARBY_TASKS,
    NOTIFICATION_EVENTS,
    OPEN_TASKS,
    PLACE,
    PLACE_BID,
    TASK_EVENTS,
    UPDATE_BID,
    WITHDRAW_BID,
)
from deploy.demo.live import Data, Refused
from deploy.demo.people import DemoFailed, Person, Timeline

__all__ = ["DemoFailed", "Place", "play"]

_ADDRESS = "12 Charoen Krung Road, Bangkok"
_BANGKOK = {"latitude": 13.7563, "longitude": 100.5018}
_CHIANG_MAI = {"latitude": 18.7883, "longitude": 98.9853}
_ALERT = "A new task near you"
_WELCOME = "Welcome to Service Exchange"
_MONEY = ["OPENED", "FUNDED", "AUTO_RELEASE_SCHEDULED", "RELEASED"]
_LONGEST_SECONDS = 90.0
# How long everybody goes on listening at the end, for what should not come.
_LISTEN_SECONDS = 0.5


@dataclass(frozen=True)
class Place:
    """Where to play: the addresses of an edge and of the payment sandbox behind it."""

    edge: str
    sandbox: str
    make_admin: Callable[[str], Awaitable[None]] | None = None
    """Makes somebody an admin by their e-mail, as an operator does; without it nobody looks into the books."""


async def play(place: Place, console: Console, limit: float = 5.0) -> None:
    """Plays the main job. Raises DemoFailed; `limit`: how many seconds later is late."""
    names = ("Paula", "Tom", "Tina", "Theo")
    timeline = Timeline(console, names)
    try:
        async with asyncio.timeout(_LONGEST_SECONDS), AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(place.edge, name)) for name in names]
            people = [Person(client, timeline, limit) for client in clients]
            escrow_id = await _play(people, place.sandbox)
            if place.make_admin is not None:
                await money.show_books(place.edge, place.make_admin, console, escrow_id, people[1])
    except TimeoutError:
        raise DemoFailed(f"It took longer than {_LONGEST_SECONDS:g} s.") from None
    except Refused as refusal:
        raise DemoFailed(f"A request was refused: {refusal}") from refusal
    except httpx.HTTPError as error:
        raise DemoFailed(f"{place.edge} does not answer: {error!r}") from error
    seen = sorted(timeline.latencies)
    console.print(
        f"\n{len(seen)} events, half of them within {median(seen):.0f} ms, the slowest after {seen[-1]:.0f} ms."
    )


async def _play(people: Sequence[Person], sandbox: str) -> str:
    """Answers the id of the escrow."""
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
            await money.prepare_to_pay(paula, sandbox)
            await _accept(paula, tom, "165.00", bids[0], version, tina)
            await _where(place_id, tom, tina)
            await asyncio.gather(money.work(task_id, paula, tom), money.set_up(tom))
            escrow_id = await money.approve(task_id, paula, tom)
            await money.tip(task_id, paula, tom)
            await money.pay_out(tom)
            # Whatever should not come had the same way as the last events, which have all arrived.
            await asyncio.sleep(_LISTEN_SECONDS)
            for task in (*watching, *more):
                task.cancel()
    except* (DemoFailed, Refused, httpx.HTTPError) as failures:
        raise failures.exceptions[0] from None
    _check(paula, taskers)
    return escrow_id


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
    watching += [person.watch(group, "money", ESCROW_EVENTS, taskId=task_id) for person in people]
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
        *(each.sees_money(f"{amount} EUR are held", since, "FUNDED", held=amount) for each in (paula, winner)),
        *(
            each.sees_task(f"the task is assigned to {winner.name}", since, "ASSIGNED", winner)
            for each in (paula, winner, loser)
        ),
        paula.sees_bid(f"{winner.name}'s bid is accepted", since, "ACCEPTED", winner, amount),
        winner.sees_bid("the own bid is accepted", since, "ACCEPTED", winner, amount),
        paula.sees_bid(f"{winner.name}'s bid is awarded", since, "AWARDED", winner, amount),
        winner.sees_bid("the own bid is awarded", since, "AWARDED", winner, amount),
        paula.sees_bid(f"{loser.name}'s bid is declined", since, "DECLINED", loser, "195.00"),
        loser.sees_bid("the own bid is declined", since, "DECLINED", loser, "195.00"),
        winner.is_notified("Bid accepted", since),
        *(each.is_notified("Paid", since, f"{amount} EUR") for each in (paula, winner)),
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
        "Paula": [
            *("Bid changed", "Bid withdrawn", "New bid", "New bid", "New bid", "Paid", "Payment due"),
            *("Task assigned", "Tasker paid", _WELCOME, "Work begun", "Work delivered"),
        ],
        "Tom": [
            *(_ALERT, "A tip", "Bid accepted", "Paid", "Payout begun", "Payout made", "The task is yours"),
            *(_WELCOME, "Work approved", "You were paid"),
        ],
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
        shown_money = [event["type"] for event in person.views["money"].shown]
        if shown_money != (_MONEY if person.name in ("Paula", "Tom") else []):
            raise DemoFailed(f"{person.name} was shown {shown_money} of the money")
        titles = sorted(event["notification"]["title"] for event in person.views["notifications"].shown)
        if titles != sorted(notifications[person.name]):
            raise DemoFailed(f"{person.name} was notified of {titles} instead of {notifications[person.name]}")


def _euro(amount: str) -> Data:
    return {"amount": amount, "currency": "EUR"}
