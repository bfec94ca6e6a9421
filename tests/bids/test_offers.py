"""counterOffer, acceptOffer, declineOffer: the two sides take turns, and one of two things at once has its way."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, events
from shared.ids import new_id
from tests.bids.conftest import (
    ACCEPT,
    ACCEPT_OFFER,
    COUNTER,
    DECLINE,
    DECLINE_OFFER,
    NEGOTIATED,
    UPDATE,
    WITHDRAW,
    Bids,
    counter,
    euros,
)
from tests.conftest import Elsewhere
from tests.support.messaging import eventually
from tests.support.redelivery import deliver

Data = dict[str, Any]
SHADE = "Half of it is in the shade."


@pytest.fixture
async def deal(bids: Bids) -> tuple[events.TaskSnapshot, str, Data]:
    """A task, who bid on it, and the bid."""
    task, tasker = await bids.task(), new_id("user")
    return task, tasker, await bids.place(task, tasker)


def offer(side: str, amount: str, status: str, message: str | None = None) -> Data:
    return {"side": side, "amount": euros(amount), "message": message, "status": status}


def shown(bid: Data, version: int, offers: list[Data], *, amount: str = "150.00", status: str = "PENDING") -> Data:
    """The negotiated bid."""
    waiting = next((each for each in offers if each["status"] == "OPEN"), None)
    return {
        "id": bid["id"],
        "status": status,
        "version": version,
        "amount": euros(amount),
        "openOffer": waiting,
        "offers": offers,
    }


async def negotiated(bids: Bids, viewer: str, bid: Data) -> Data:
    found = await bids.act(viewer, f"query($id: ID!) {{ bid(id: $id) {{ {NEGOTIATED} }} }}", id=bid["id"])
    seen: Data = found["bid"]
    return seen


async def answer(bids: Bids, actor: str, document: str, bid: Data, version: int, **more: Any) -> Data:
    """The payload of a mutation that says which version it is about."""
    given = {"bidId": bid["id"], "expectedVersion": version, **more}
    (payload,) = (await bids.act(actor, document, input=given)).values()
    found: Data = payload
    return found


def refusal(code: str, field: list[str] | None = None) -> Data:
    return {"bid": None, "userErrors": [{"code": code, "field": field}]}


async def test_the_two_sides_come_to_an_amount(bids: Bids, deal: tuple[events.TaskSnapshot, str, Data]) -> None:
    task, tasker, bid = deal

    first = await counter(bids, task.poster_id, bid, "100", message=f" {SHADE} ")
    second = await counter(bids, tasker, first, "130")
    agreed = await answer(bids, task.poster_id, ACCEPT_OFFER, bid, 3)

    of_poster = offer("POSTER", "100.00", "OPEN", SHADE)
    assert first == shown(bid, 2, [of_poster])
    superseded = {**of_poster, "status": "SUPERSEDED"}
    assert second == shown(bid, 3, [superseded, offer("TASKER", "130.00", "OPEN")])
    end = shown(bid, 4, [superseded, offer("TASKER", "130.00", "ACCEPTED")], amount="130.00")
    assert agreed == {"bid": end, "userErrors": []}
    assert await negotiated(bids, tasker, bid) == end
    assert await bids.event_types() == [
        "bids.bid.placed", "bids.bid.counter_offered", "bids.bid.counter_offered", "bids.bid.offer_accepted",
    ]  # fmt: skip
    (told,) = await bids.bodies("bids.bid.offer_accepted")
    assert (told["offer"]["status"], told["bid"]["open_offer"]) == ("ACCEPTED", None)

    accepted = await answer(bids, task.poster_id, ACCEPT, bid, 4)
    assert (accepted["bid"]["status"], accepted["bid"]["amount"]) == ("ACCEPTED", euros("130.00"))


async def test_a_declined_offer_leaves_the_bid_as_it_is(
    bids: Bids, deal: tuple[events.TaskSnapshot, str, Data]
) -> None:
    task, tasker, bid = deal
    await counter(bids, task.poster_id, bid, "100")

    declined = await answer(bids, tasker, DECLINE_OFFER, bid, 2)

    assert declined == {"bid": shown(bid, 3, [offer("POSTER", "100.00", "DECLINED")]), "userErrors": []}
    # The poster may try again; the tasker changes the bid.
    assert await answer(bids, tasker, COUNTER, bid, 3, amount=euros("140")) == refusal("INVALID_TRANSITION")
    assert (await counter(bids, task.poster_id, declined["bid"], "120"))["version"] == 4


@pytest.mark.parametrize("document", [ACCEPT_OFFER, DECLINE_OFFER])
async def test_an_answer_that_is_sent_again_finds_it_done(
    bids: Bids, deal: tuple[events.TaskSnapshot, str, Data], document: str
) -> None:
    task, tasker, bid = deal
    await counter(bids, task.poster_id, bid, "100")
    first = await answer(bids, tasker, document, bid, 2)
    before = await bids.state()

    assert await answer(bids, tasker, document, bid, 2) == first
    # The other answer, and that of the other side, are none that was given.
    other = DECLINE_OFFER if document == ACCEPT_OFFER else ACCEPT_OFFER
    for actor, asked in ((tasker, other), (task.poster_id, document)):
        payload = await answer(bids, actor, asked, bid, 2)
        assert payload == {"bid": first["bid"], "userErrors": [{"code": "VERSION_CONFLICT", "field": None}]}
    assert await bids.state() == before


async def test_a_counter_offer_is_made_once_for_its_key(
    bids: Bids, deal: tuple[events.TaskSnapshot, str, Data]
) -> None:
    task, _, bid = deal
    first = await counter(bids, task.poster_id, bid, "100", idempotencyKey="key-1")
    assert await counter(bids, task.poster_id, bid, "100", idempotencyKey="key-1") == first
    assert (await bids.event_types()).count("bids.bid.counter_offered") == 1


async def test_whose_offer_is_open_waits(bids: Bids, deal: tuple[events.TaskSnapshot, str, Data]) -> None:
    task, tasker, bid = deal
    assert await answer(bids, tasker, COUNTER, bid, 1, amount=euros("140")) == refusal("INVALID_TRANSITION")
    for document in (ACCEPT_OFFER, DECLINE_OFFER):
        assert await answer(bids, tasker, document, bid, 1) == refusal("INVALID_TRANSITION")
    await counter(bids, task.poster_id, bid, "100")
    before = await bids.state()

    waits = refusal("NOT_ALLOWED", ["bidId"])
    assert await answer(bids, task.poster_id, COUNTER, bid, 2, amount=euros("110")) == waits
    for document in (ACCEPT_OFFER, DECLINE_OFFER):
        assert await answer(bids, task.poster_id, document, bid, 2) == waits
        assert await answer(bids, new_id("user"), document, bid, 2) == refusal("NOT_FOUND", ["bidId"])
    assert await bids.state() == before


@pytest.mark.parametrize("amount", ["150.00", "100.00"])
async def test_what_is_offered_already_is_no_counter_offer(
    bids: Bids, deal: tuple[events.TaskSnapshot, str, Data], amount: str
) -> None:
    task, tasker, bid = deal
    await counter(bids, task.poster_id, bid, "100")
    before = await bids.state()
    same = refusal("INVALID_INPUT", ["amount", "amount"])
    assert await answer(bids, tasker, COUNTER, bid, 2, amount=euros(amount)) == same
    assert await bids.state() == before


async def test_there_are_20_offers_for_a_bid_at_most(bids: Bids, deal: tuple[events.TaskSnapshot, str, Data]) -> None:
    task, tasker, bid = deal
    for number in range(20):
        bid = await counter(bids, (task.poster_id, tasker)[number % 2], bid, str(100 + number))
    document = "mutation($input: CounterOfferInput!) { counterOffer(input: $input) { userErrors { code field max } } }"
    before = await bids.state()

    given = {"bidId": bid["id"], "expectedVersion": 21, "amount": euros("99")}
    data = await bids.act(task.poster_id, document, input=given)

    too_many = {"code": "TOO_MANY_OFFERS", "field": ["bidId"], "max": "20"}
    assert data == {"counterOffer": {"userErrors": [too_many]}}
    assert await bids.state() == before
    assert len(bid["offers"]) == 20
    # The last one can still be answered.
    assert (await answer(bids, task.poster_id, ACCEPT_OFFER, bid, 21))["bid"]["amount"] == euros("119.00")


ENDS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "update": ("tasker", UPDATE, {"estimatedMinutes": 45}, "PENDING"),
    "withdrawal": ("tasker", WITHDRAW, {}, "WITHDRAWN"),
    "refusal": ("poster", DECLINE, {"reason": "OTHER"}, "DECLINED"),
    "acceptance": ("poster", ACCEPT, {"expectedVersion": 3}, "ACCEPTED"),
}


@pytest.mark.parametrize("name", ENDS)
async def test_anything_else_that_happens_to_the_bid_ends_an_open_offer(
    bids: Bids, deal: tuple[events.TaskSnapshot, str, Data], name: str
) -> None:
    who, document, more, status = ENDS[name]
    task, tasker, bid = deal
    await counter(bids, tasker, await counter(bids, task.poster_id, bid, "100"), "130")

    actor = tasker if who == "tasker" else task.poster_id
    (payload,) = (await bids.act(actor, document, input={"bidId": bid["id"], **more})).values()

    assert payload["userErrors"] == []
    # An acceptance takes the bid at its own amount, whatever is offered.
    offers = [offer("POSTER", "100.00", "SUPERSEDED"), offer("TASKER", "130.00", "SUPERSEDED")]
    assert await negotiated(bids, tasker, bid) == shown(bid, 4, offers, status=status)
    assert await bids.sql("SELECT open_offer_side FROM bids") == [(None,)]


@pytest.mark.parametrize("situation", ["closed", "over"])
async def test_what_takes_no_bids_takes_no_offers(
    bids: Bids, deal: tuple[events.TaskSnapshot, str, Data], situation: str
) -> None:
    task, tasker, bid = deal
    await counter(bids, task.poster_id, bid, "100")
    closing = {
        "closed": "UPDATE tasks SET status = 'CANCELLED' RETURNING 1",
        "over": "UPDATE bids SET expires_at = now() RETURNING 1",
    }
    await bids.sql(closing[situation])
    before = await bids.state()

    refused = refusal("TASK_NOT_OPEN", ["taskId"]) if situation == "closed" else refusal("INVALID_TRANSITION")
    assert await answer(bids, tasker, COUNTER, bid, 2, amount=euros("130")) == refused
    assert await answer(bids, tasker, ACCEPT_OFFER, bid, 2) == refused
    assert await bids.state() == before
    assert (await answer(bids, tasker, DECLINE_OFFER, bid, 2))["userErrors"] == []


@pytest.mark.parametrize("event", ["blocked", "suspended"])
async def test_nobody_deals_with_who_blocked_them_or_is_suspended(
    bids: Bids, elsewhere: Elsewhere, deal: tuple[events.TaskSnapshot, str, Data], event: str
) -> None:
    task, tasker, bid = deal
    await counter(bids, task.poster_id, bid, "100")
    happened = {
        "blocked": events.UserBlocked(user_id=task.poster_id, blocked_id=tasker),
        "suspended": events.UserSuspended(user_id=task.poster_id, reason="Spam"),
    }
    await deliver(elsewhere, "bids", happened[event])
    before = await bids.state()

    code = "INTERACTION_BLOCKED" if event == "blocked" else "COUNTERPART_SUSPENDED"
    refused = refusal(code, ["bidId"])
    assert await answer(bids, tasker, COUNTER, bid, 2, amount=euros("130")) == refused
    assert await answer(bids, tasker, ACCEPT_OFFER, bid, 2) == refused
    assert await bids.state() == before
    assert (await answer(bids, tasker, DECLINE_OFFER, bid, 2))["userErrors"] == []


async def test_an_expired_bid_takes_its_offer_along(bids: Bids, deal: tuple[events.TaskSnapshot, str, Data]) -> None:
    task, tasker, bid = deal
    await counter(bids, task.poster_id, bid, "100")

    async def is_over() -> bool:
        return await bids.statuses() == {bid["id"]: "EXPIRED"}

    with clock.offset(timedelta(days=15)):
        await eventually(is_over)
    offers = [offer("POSTER", "100.00", "SUPERSEDED")]
    assert await negotiated(bids, tasker, bid) == shown(bid, 3, offers, status="EXPIRED")


Doing = Callable[[Bids, events.TaskSnapshot, str, Data], Coroutine[Any, Any, Data]]
RACES: dict[str, tuple[Doing, Doing]] = {
    "counter-offer and acceptance": (
        lambda bids, task, tasker, bid: answer(bids, tasker, COUNTER, bid, 2, amount=euros("130")),
        lambda bids, task, tasker, bid: answer(bids, task.poster_id, ACCEPT, bid, 2),
    ),
    "acceptance of the bid and of the offer": (
        lambda bids, task, tasker, bid: answer(bids, task.poster_id, ACCEPT, bid, 2),
        lambda bids, task, tasker, bid: answer(bids, tasker, ACCEPT_OFFER, bid, 2),
    ),
    "both answers to an offer": (
        lambda bids, task, tasker, bid: answer(bids, tasker, ACCEPT_OFFER, bid, 2),
        lambda bids, task, tasker, bid: answer(bids, tasker, DECLINE_OFFER, bid, 2),
    ),
    "acceptance and withdrawal": (
        lambda bids, task, tasker, bid: answer(bids, task.poster_id, ACCEPT, bid, 2),
        lambda bids, task, tasker, bid: withdrawn(bids, tasker, bid),
    ),
}


async def withdrawn(bids: Bids, tasker: str, bid: Data) -> Data:
    payload: Data = (await bids.act(tasker, WITHDRAW, input={"bidId": bid["id"]}))["withdrawBid"]
    return payload


@pytest.mark.parametrize("name", RACES)
async def test_of_two_at_once_one_has_its_way(bids: Bids, name: str) -> None:
    one, other = RACES[name]

    async def race() -> None:
        task, tasker = await bids.task(), new_id("user")
        bid = await bids.place(task, tasker)
        await counter(bids, task.poster_id, bid, "100")
        # Each of them five times, as clients send again what is not answered.
        sent = [doing(bids, task, tasker, bid) for doing in (one, other) for _ in range(5)]
        answers = await asyncio.gather(*sent)

        done = [[not payload["userErrors"] for payload in part] for part in (answers[:5], answers[5:])]
        assert sorted(any(part) for part in done) == [False, True]
        (stored,) = await bids.sql("SELECT version, open_offer_side FROM bids WHERE id = :id", id=bid["id"])
        count_open = "SELECT count(*) FROM offers WHERE bid_id = :id AND status = 'OPEN'"
        ((waiting,),) = await bids.sql(count_open, id=bid["id"])
        assert stored == (3, "TASKER" if waiting else None)
        ((told,),) = await bids.sql("SELECT count(*) FROM outbox WHERE stream = :it", it=f"task:{task.id}")
        assert told == 3

    await asyncio.gather(*(race() for _ in range(10)))


async def test_of_100_counter_offers_at_once_one_is_made(
    bids: Bids, deal: tuple[events.TaskSnapshot, str, Data]
) -> None:
    task, _, bid = deal
    sent = (answer(bids, task.poster_id, COUNTER, bid, 1, amount=euros(str(number))) for number in range(10, 110))

    answers = await asyncio.gather(*sent)

    codes = [[error["code"] for error in payload["userErrors"]] for payload in answers]
    assert sorted(map(str, codes)) == ["['VERSION_CONFLICT']"] * 99 + ["[]"]
    assert await bids.event_types() == ["bids.bid.placed", "bids.bid.counter_offered"]
