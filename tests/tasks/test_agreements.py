"""What poster and tasker ask of each other: another time, another price, an end."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, events
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.tasks import actions, store
from subgraphs.tasks.rules.agreements import COMMANDS, Kind
from subgraphs.tasks.rules.tasks import TRANSITIONS, Status
from tests.conftest import Elsewhere
from tests.support import factories
from tests.support.messaging import eventually
from tests.support.redelivery import deliver, deliver_twice
from tests.tasks.conftest import APPROVE, CANCEL, DELIVER, START, TASK, Tasks

AGREEMENT = """
    id kind status version requestedBy message dueFrom dueAt timeZone price { amount currency } expiresAt answeredAt
"""
WHY = "It rains on Friday, I fear."
NAMES = {Kind.RESCHEDULE: "Reschedule", Kind.PRICE_CHANGE: "PriceChange", Kind.CANCELLATION: "Cancellation"}
PARTS = f"query ($id: ID!) {{ task(id: $id) {{ price {{ amount }} agreements {{ nodes {{ {AGREEMENT} }} }} }} }}"


def document(mutation: str) -> str:
    kind = mutation[0].upper() + mutation[1:]
    return (
        f"mutation($input: {kind}Input!) {{ {mutation}(input: $input) "
        f"{{ agreement {{ {AGREEMENT} }} userErrors {{ code field }} }} }}"
    )


def wish(kind: Kind, amount: str = "120.00") -> dict[str, Any]:
    """What is asked for."""
    later = {"dueFrom": "2090-01-01T00:00:00.000Z", "dueAt": "2090-01-02T00:00:00.000Z", "timeZone": "Asia/Bangkok"}
    return {
        Kind.RESCHEDULE: {**later, "message": WHY},
        Kind.PRICE_CHANGE: {"price": {"amount": amount, "currency": "EUR"}, "message": WHY},
        Kind.CANCELLATION: {"reason": WHY},
    }[kind]


async def asks(tasks: Tasks, user_id: str, kind: Kind, task_id: str, **given: Any) -> dict[str, Any]:
    name = f"request{NAMES[kind]}"
    payload: dict[str, Any] = (
        await tasks.act(user_id, document(name), input={"taskId": task_id, **wish(kind), **given})
    )[name]
    return payload


async def answers(
    tasks: Tasks, user_id: str, kind: Kind, agreement: dict[str, Any], accept: bool, version: int | None = None
) -> dict[str, Any]:
    name = f"answer{NAMES[kind]}"
    given = {
        "agreementId": agreement["id"],
        "accept": accept,
        "expectedVersion": agreement["version"] if version is None else version,
    }
    payload: dict[str, Any] = (await tasks.act(user_id, document(name), input=given))[name]
    return payload


async def asked(tasks: Tasks, user_id: str, kind: Kind, task_id: str, **given: Any) -> dict[str, Any]:
    payload = await asks(tasks, user_id, kind, task_id, **given)
    assert payload["userErrors"] == []
    agreement: dict[str, Any] = payload["agreement"]
    return agreement


def refused(code: str, field: list[str] | None) -> dict[str, Any]:
    return {"agreement": None, "userErrors": [{"code": code, "field": field}]}


@pytest.fixture
def tasker() -> str:
    return new_id("user")


async def under_way(tasks: Tasks, poster: str, tasker: str, kind: Kind) -> dict[str, Any]:
    """A task on which this can be asked for."""
    return await (tasks.started if kind is Kind.CANCELLATION else tasks.assigned)(poster, tasker)


async def requests_of(tasks: Tasks, viewer: str | None, task_id: str) -> dict[str, Any]:
    answer = await tasks.served.execute(PARTS, {"id": task_id}, token=tasks.token(viewer) if viewer else None)
    found: dict[str, Any] = answer["data"]["task"]
    return found


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("by_poster", [True, False])
async def test_one_asks_and_the_other_declines(
    tasks: Tasks, poster: str, tasker: str, kind: Kind, by_poster: bool
) -> None:
    one, other = (poster, tasker) if by_poster else (tasker, poster)
    task = await under_way(tasks, poster, tasker, kind)

    request = await asked(tasks, one, kind, task["id"])
    assert (request["status"], request["version"]) == ("OPEN", 1)
    assert request["requestedBy"] == ("POSTER" if by_poster else "TASKER")
    assert request["message"] == WHY
    assert await asks(tasks, one, kind, task["id"]) == refused("REQUEST_PENDING", ["taskId"])
    before = await tasks.state()
    assert await answers(tasks, one, kind, request, True) == refused("NOT_ALLOWED", ["agreementId"])
    assert await answers(tasks, new_id("user"), kind, request, True) == refused("NOT_FOUND", ["agreementId"])
    stale = await answers(tasks, other, kind, request, True, version=7)
    assert stale == {"agreement": request, "userErrors": [{"code": "VERSION_CONFLICT", "field": None}]}
    assert await tasks.state() == before

    payload = await answers(tasks, other, kind, request, False)

    assert payload["userErrors"] == []
    declined = payload["agreement"]
    assert declined == {**request, "status": "DECLINED", "version": 2, "answeredAt": declined["answeredAt"]}
    assert (await tasks.act(poster, TASK, id=task["id"]))["task"] == task
    assert [each for each in (await tasks.state())[2] if each[0] != "task_expiry"] == []
    again = await answers(tasks, other, kind, declined, True)
    assert again == refused("INVALID_TRANSITION", None)
    assert (await asks(tasks, other, kind, task["id"]))["userErrors"] == []


async def test_another_time_counts_once_both_agree(tasks: Tasks, poster: str, tasker: str) -> None:
    task = await tasks.assigned(poster, tasker)
    request = await asked(tasks, tasker, Kind.RESCHEDULE, task["id"])
    assert (await tasks.act(poster, TASK, id=task["id"]))["task"] == task

    await answers(tasks, poster, Kind.RESCHEDULE, request, True)

    moved = (await tasks.act(poster, TASK, id=task["id"]))["task"]
    times = {name: wish(Kind.RESCHEDULE)[name] for name in ("dueFrom", "dueAt", "timeZone")}
    assert moved == {**task, **moved, **times, "version": 4, "status": "ASSIGNED"}
    (told,) = await tasks.told("tasks.task.reschedule_answered")
    assert (told["accepted"], told["agreement"]["status"]) == (True, "ACCEPTED")


async def test_a_lower_price_counts_at_once_and_a_higher_one_waits_for_the_money(
    tasks: Tasks, poster: str, tasker: str
) -> None:
    lower, higher = await tasks.assigned(poster, tasker), await tasks.assigned(poster, tasker)
    for task, amount in ((lower, "120.00"), (higher, "180.00")):
        request = await asked(tasks, tasker, Kind.PRICE_CHANGE, task["id"], **wish(Kind.PRICE_CHANGE, amount))
        assert request["price"] == {"amount": amount, "currency": "EUR"}
        await answers(tasks, poster, Kind.PRICE_CHANGE, request, True)

    assert (await requests_of(tasks, poster, lower["id"]))["price"] == {"amount": "120.00"}
    waiting = await requests_of(tasks, tasker, higher["id"])
    assert waiting["price"] == {"amount": "150.00"}
    assert [each["status"] for each in waiting["agreements"]["nodes"]] == ["AWAITING_FUNDING"]
    assert (await tasks.act(poster, TASK, id=higher["id"]))["task"] == higher
    told = await tasks.told("tasks.task.price_change_answered")
    assert [(each["accepted"], each["awaiting_funding"]) for each in told] == [(True, False), (True, True)]
    assert told[1]["agreement"]["price"]["minor"] == 18_000
    assert told[1]["agreement"]["price_before"]["minor"] == 15_000
    assert await asks(tasks, poster, Kind.PRICE_CHANGE, higher["id"]) == refused("REQUEST_PENDING", ["taskId"])
    # The money is waited for until the task ends.
    await tasks.does(tasker, START, higher["id"])
    last = await tasks.does(tasker, DELIVER, higher["id"], message="Both sides are done.")
    assert (await requests_of(tasks, tasker, higher["id"]))["agreements"]["nodes"][0]["status"] == "AWAITING_FUNDING"
    await tasks.does(poster, APPROVE, higher["id"], expectedVersion=last["version"])
    assert (await requests_of(tasks, tasker, higher["id"]))["agreements"]["nodes"][0]["status"] == "WITHDRAWN"


MORE = Money(18_000, CurrencyCode.EUR)


def price_funded(task_id: str, agreement_id: str) -> events.EscrowPriceChangeFunded:
    escrow = factories.escrow_snapshot(task_id=task_id, amount=MORE, held=MORE)
    return events.EscrowPriceChangeFunded(escrow=escrow, agreement_id=agreement_id)


def price_failed(task_id: str, agreement_id: str) -> events.EscrowPriceChangeFailed:
    escrow = factories.escrow_snapshot(task_id=task_id)
    return events.EscrowPriceChangeFailed(escrow=escrow, agreement_id=agreement_id, reason="NOT_PAID_IN_TIME")


async def waiting_for_money(tasks: Tasks, poster: str, tasker: str) -> tuple[str, str]:
    """A task and a request for a higher price for it, which both agreed on."""
    task = await tasks.started(poster, tasker)
    request = await asked(tasks, tasker, Kind.PRICE_CHANGE, task["id"], **wish(Kind.PRICE_CHANGE, "180.00"))
    await answers(tasks, poster, Kind.PRICE_CHANGE, request, True)
    return task["id"], request["id"]


@pytest.mark.parametrize("is_funded", [True, False])
async def test_a_higher_price_counts_once_the_money_is_held_and_never_without(
    tasks: Tasks, elsewhere: Elsewhere, poster: str, tasker: str, is_funded: bool
) -> None:
    task_id, agreement_id = await waiting_for_money(tasks, poster, tasker)
    before = (await tasks.act(poster, TASK, id=task_id))["task"]
    outcome, late = (price_funded, price_failed) if is_funded else (price_failed, price_funded)

    await deliver_twice(elsewhere, "tasks", outcome(task_id, agreement_id))
    # Under other event ids, as a replay that outlives the inbox; and what contradicts it.
    await deliver(elsewhere, "tasks", outcome(task_id, agreement_id), late(task_id, agreement_id))
    await deliver(elsewhere, "tasks", price_funded(task_id, new_id("agreement")))

    found = await requests_of(tasks, tasker, task_id)
    after = (await tasks.act(poster, TASK, id=task_id))["task"]
    ((status, version),) = [(each["status"], each["version"]) for each in found["agreements"]["nodes"]]
    assert (found["price"], status) == (
        ({"amount": "180.00"}, "ACCEPTED") if is_funded else ({"amount": "150.00"}, "WITHDRAWN")
    )
    changed = {"version": before["version"] + 1, "updatedAt": after["updatedAt"]} if is_funded else {}
    assert after == {**before, **changed}
    (told,) = await tasks.told("tasks.task.price_change_settled")
    agreement = told["agreement"]
    assert (told["funded"], agreement["id"], agreement["status"]) == (is_funded, agreement_id, status)
    assert (agreement["version"], told["task"]["version"]) == (version, after["version"])
    assert (await asks(tasks, poster, Kind.PRICE_CHANGE, task_id))["userErrors"] == []


@pytest.mark.parametrize("is_funded", [True, False])
async def test_money_for_a_higher_price_that_comes_after_the_end_changes_nothing(
    tasks: Tasks, elsewhere: Elsewhere, poster: str, tasker: str, is_funded: bool
) -> None:
    task_id, agreement_id = await waiting_for_money(tasks, poster, tasker)
    end = await asked(tasks, poster, Kind.CANCELLATION, task_id)
    await answers(tasks, tasker, Kind.CANCELLATION, end, True)
    before = await tasks.state()

    await deliver(elsewhere, "tasks", (price_funded if is_funded else price_failed)(task_id, agreement_id))

    assert await tasks.state() == before
    found = await requests_of(tasks, poster, task_id)
    assert found["price"] == {"amount": "150.00"}
    assert {each["id"]: each["status"] for each in found["agreements"]["nodes"]} == {
        agreement_id: "WITHDRAWN",
        end["id"]: "ACCEPTED",
    }


@pytest.mark.parametrize(("by_poster", "owes"), [(True, 15), (False, 0)])
async def test_an_end_that_both_agree_on(tasks: Tasks, poster: str, tasker: str, by_poster: bool, owes: int) -> None:
    one, other = (poster, tasker) if by_poster else (tasker, poster)
    side = "POSTER" if by_poster else "TASKER"
    task = await tasks.started(poster, tasker)
    assert (await tasks.act(one, CANCEL, input={"taskId": task["id"], "reason": "Rain"}))["cancelTask"][
        "userErrors"
    ] == [{"code": "INVALID_TRANSITION", "field": None}]
    waiting = await asked(tasks, one, Kind.RESCHEDULE, task["id"])
    request = await asked(tasks, one, Kind.CANCELLATION, task["id"])

    await answers(tasks, other, Kind.CANCELLATION, request, True)

    ended = (await tasks.act(poster, TASK, id=task["id"]))["task"]
    assert (ended["status"], ended["cancelledBy"], ended["cancelledReason"]) == ("CANCELLED", side, WHY)
    (told,) = await tasks.told("tasks.task.cancelled")
    assert (told["by"], told["fault"], told["poster_owes_percent"], told["unanswered"]) == (side, side, owes, False)
    nodes = (await requests_of(tasks, other, task["id"]))["agreements"]["nodes"]
    assert {each["id"]: each["status"] for each in nodes} == {request["id"]: "ACCEPTED", waiting["id"]: "WITHDRAWN"}
    assert (await tasks.state())[2] == []


async def test_without_an_answer_for_48_hours_it_ends(tasks: Tasks, poster: str, tasker: str) -> None:
    task = await tasks.started(poster, tasker)
    request = await asked(tasks, poster, Kind.CANCELLATION, task["id"])
    ((kind, subject_id, due_at),) = (await tasks.state())[2]
    assert (kind, subject_id, format_datetime(due_at)) == ("task_cancellation", request["id"], request["expiresAt"])

    with clock.offset(timedelta(hours=47, minutes=59)):
        await asyncio.sleep(1.2)  # a poll of the worker, which must find nothing
        assert await tasks.told("tasks.task.cancelled") == []
    with clock.offset(timedelta(hours=48, seconds=1)):
        async with tasks.database.transaction() as holder:
            await store.tasks.lock_task(holder, task["id"])
            async with tasks.database.transaction() as session:
                await asyncio.wait_for(actions.agreements.lapse(session, request["id"]), 30)
        (told,) = await eventually(lambda: tasks.told("tasks.task.cancelled"))

    assert (told["by"], told["fault"], told["poster_owes_percent"], told["unanswered"]) == (
        "POSTER",
        "POSTER",
        15,
        True,
    )
    nodes = (await requests_of(tasks, tasker, task["id"]))["agreements"]["nodes"]
    assert [each["status"] for each in nodes] == ["ACCEPTED"]


async def test_a_delivery_ends_what_was_asked_before(tasks: Tasks, poster: str, tasker: str) -> None:
    task = await tasks.started(poster, tasker)
    for kind in Kind:
        await asked(tasks, poster, kind, task["id"])

    await tasks.does(tasker, DELIVER, task["id"], message="Both sides are done.")

    nodes = (await requests_of(tasks, poster, task["id"]))["agreements"]["nodes"]
    assert {each["status"] for each in nodes} == {"WITHDRAWN"}
    assert len(nodes) == 3
    assert [kind for kind, _, _ in (await tasks.state())[2]] == ["task_approval"]


@pytest.mark.parametrize("kind", Kind)
async def test_only_the_two_ask_and_only_where_it_has_a_place(
    tasks: Tasks, poster: str, tasker: str, kind: Kind
) -> None:
    task, draft = await tasks.assigned(poster, tasker), await tasks.draft(poster)
    assert await asks(tasks, new_id("user"), kind, task["id"]) == refused("NOT_ALLOWED", ["taskId"])
    assert await asks(tasks, new_id("user"), kind, draft["id"]) == refused("NOT_FOUND", ["taskId"])
    for status in [each for each in Status if (each, COMMANDS[kind]) not in TRANSITIONS]:
        await tasks.set(task["id"], status=status.value)
        before = await tasks.state()
        assert await asks(tasks, tasker, kind, task["id"]) == refused("INVALID_TRANSITION", None), status
        assert await tasks.state() == before


BAD: list[tuple[Kind, dict[str, Any], str, list[str]]] = [
    (Kind.RESCHEDULE, {"dueAt": "2020-01-01T00:00:00Z", "dueFrom": None}, "DUE_IN_PAST", ["dueAt"]),
    (Kind.RESCHEDULE, {"dueFrom": "2090-01-03T00:00:00Z"}, "INVALID_INPUT", ["dueFrom"]),
    (Kind.RESCHEDULE, {"timeZone": "Mars"}, "INVALID_INPUT", ["timeZone"]),
    (Kind.RESCHEDULE, {"message": "Rain"}, "INVALID_INPUT", ["message"]),
    (Kind.PRICE_CHANGE, {"price": {"amount": "150.00", "currency": "EUR"}}, "INVALID_INPUT", ["price", "amount"]),
    (Kind.PRICE_CHANGE, {"price": {"amount": "0.50", "currency": "EUR"}}, "INVALID_INPUT", ["price", "amount"]),
    (Kind.PRICE_CHANGE, {"price": {"amount": "1e3", "currency": "EUR"}}, "INVALID_AMOUNT", ["price", "amount"]),
    (Kind.PRICE_CHANGE, {"price": {"amount": "10.00", "currency": "USD"}}, "CURRENCY_MISMATCH", ["price", "currency"]),
    (Kind.CANCELLATION, {"reason": " "}, "INVALID_INPUT", ["reason"]),
]


async def test_what_the_rules_forbid_is_refused(tasks: Tasks, poster: str, tasker: str) -> None:
    task = await tasks.started(poster, tasker)
    before = await tasks.state()
    for kind, given, code, field in BAD:
        assert await asks(tasks, poster, kind, task["id"], **given) == refused(code, field), given
    assert await tasks.state() == before
    assert (await requests_of(tasks, poster, task["id"]))["agreements"]["nodes"] == []


async def test_only_the_two_see_what_they_settle(tasks: Tasks, poster: str, tasker: str) -> None:
    task = await tasks.assigned(poster, tasker)
    request = await asked(tasks, tasker, Kind.RESCHEDULE, task["id"])

    for viewer in (poster, tasker):
        assert await requests_of(tasks, viewer, task["id"]) == {
            "price": {"amount": "150.00"},
            "agreements": {"nodes": [request]},
        }
    for viewer in (None, new_id("user")):
        assert await requests_of(tasks, viewer, task["id"]) == {"price": None, "agreements": {"nodes": []}}
    follow = "subscription ($id: ID!) { taskEvents(taskId: $id, after: 3) { type } }"
    for token, seen in ((tasks.token(tasker), True), (tasks.token(new_id("user")), False), (None, False)):
        async with tasks.served.connect(token=token) as client:
            await client.subscribe(follow, {"id": task["id"]})
            if seen:
                assert (await client.receive())["payload"]["data"]["taskEvents"] == {"type": "RESCHEDULE_REQUESTED"}
            else:
                assert await client.silent(0.3)


@pytest.mark.parametrize("kind", Kind)
async def test_sent_again_with_its_key_a_request_is_made_once(
    tasks: Tasks, poster: str, tasker: str, kind: Kind
) -> None:
    task = await under_way(tasks, poster, tasker, kind)

    first = await asked(tasks, poster, kind, task["id"], idempotencyKey="1")
    again = await asked(tasks, poster, kind, task["id"], idempotencyKey="1")

    assert again == first
    assert len((await requests_of(tasks, poster, task["id"]))["agreements"]["nodes"]) == 1


async def test_of_many_requests_and_answers_at_once_one_counts(tasks: Tasks, poster: str, tasker: str) -> None:
    task = await tasks.started(poster, tasker)
    made = await asyncio.gather(*(asks(tasks, one, Kind.CANCELLATION, task["id"]) for one in (poster, tasker) * 3))
    (request,) = [each["agreement"] for each in made if each["agreement"]]
    other = tasker if request["requestedBy"] == "POSTER" else poster

    done = await asyncio.gather(
        *(answers(tasks, other, Kind.CANCELLATION, request, accept) for accept in (True, False) * 3)
    )

    # One answer counts, however often it is sent.
    assert [each["userErrors"] == [] for each in done] in ([True, False] * 3, [False, True] * 3)
    assert {error["code"] for each in made for error in each["userErrors"]} == {"REQUEST_PENDING"}
    assert {error["code"] for each in done for error in each["userErrors"]} == {"VERSION_CONFLICT"}
