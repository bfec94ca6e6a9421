"""A hundred at once about one task: one has its way, and nobody waits for each other for ever."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from shared import events
from shared.ids import new_id
from tests.bids.conftest import ACCEPT, WITHDRAW, Bids

AT_ONCE = 100
ROUNDS = 20
COUNTER = "mutation($input: CounterOfferInput!) { counterOffer(input: $input) { bid { status } userErrors { code } } }"

Act = Callable[[], Awaitable[dict[str, Any]]]


async def at_once(acts: Sequence[Act]) -> list[list[str]]:
    """All of these in turn, a hundred of them, at the same moment; which of them were done at least once."""
    answers = await asyncio.gather(*(acts[number % len(acts)]() for number in range(AT_ONCE)))
    done = set()
    for number, answer in enumerate(answers):
        ((name, payload),) = answer.items()
        if not payload["userErrors"]:
            done.add((number % len(acts), name, payload["bid"]["status"]))
    return [[name, status] for _, name, status in sorted(done)]


def accepting(bids: Bids, task: events.TaskSnapshot, bid: dict[str, Any]) -> Act:
    return lambda: bids.act(task.poster_id, ACCEPT, input={"bidId": bid["id"], "expectedVersion": 1})


async def accept_and_accept(bids: Bids, task: events.TaskSnapshot) -> None:
    """Ten bids are accepted, ten times each."""
    placed = [await bids.place(task) for _ in range(10)]

    assert await at_once([accepting(bids, task, bid) for bid in placed]) == [["acceptBid", "ACCEPTED"]]


async def accept_and_withdraw(bids: Bids, task: events.TaskSnapshot) -> None:
    """A bid is accepted while it is taken back."""
    tasker = new_id("user")
    bid = await bids.place(task, tasker)

    done = await at_once([accepting(bids, task, bid), lambda: bids.act(tasker, WITHDRAW, input={"bidId": bid["id"]})])

    assert done in ([["acceptBid", "ACCEPTED"]], [["withdrawBid", "WITHDRAWN"]])


async def counter_and_accept(bids: Bids, task: events.TaskSnapshot) -> None:
    """A bid is accepted as it is while its poster asks for less: of what they saw one thing holds."""
    bid = await bids.place(task)
    less = {"bidId": bid["id"], "amount": {"amount": "100", "currency": "EUR"}, "expectedVersion": 1}

    done = await at_once([accepting(bids, task, bid), lambda: bids.act(task.poster_id, COUNTER, input=less)])

    assert done in ([["acceptBid", "ACCEPTED"]], [["counterOffer", "PENDING"]])


RACES = {race.__name__: race for race in (accept_and_accept, accept_and_withdraw, counter_and_accept)}


@pytest.mark.table(share=1 / ROUNDS, kinds=lambda race, number: [race])
@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("race", RACES)
async def test_of_a_hundred_at_once_one_has_its_way(bids: Bids, race: str, number: int) -> None:
    task = await bids.task()
    await RACES[race](bids, task)

    decided = "SELECT count(*) FROM bids WHERE task_id = :id AND status = 'ACCEPTED'"
    ((accepted,),) = await bids.sql(decided, id=task.id)
    told = "SELECT count(*) FROM outbox WHERE type = 'bids.bid.accepted'"
    assert await bids.sql(told) == [(accepted,)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await bids.sql(deadlocks) == [(0,)]
