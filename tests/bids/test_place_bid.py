"""placeBid."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.ids import new_id
from tests.bids.conftest import MESSAGE, PLACE, Bids, place_input


async def test_a_tasker_bids_on_an_open_task(bids: Bids) -> None:
    task = await bids.task()
    tasker = new_id("user")

    data = await bids.act(tasker, PLACE, input=place_input(task.id))

    bid = data["placeBid"]["bid"]
    assert bid.pop("id").startswith("bid_")
    assert data == {
        "placeBid": {
            "bid": {
                "task": {"id": task.id},
                "tasker": {"id": tasker},
                "amount": {"amount": "150.00", "currency": "EUR"},
                "message": MESSAGE,
                "estimatedMinutes": 120,
                "status": "PENDING",
                "version": 1,
            },
            "userErrors": [],
        }
    }
    assert (await bids.state())[1] == [(f"task:{task.id}", 1, "bids.bid.placed")]


async def test_the_twentieth_bid_is_placed_like_the_first(bids: Bids) -> None:
    # From the sixth execution of a statement on, PostgreSQL may plan it without knowing its parameters.
    task = await bids.task()

    for _ in range(20):
        await bids.place(task)

    assert await bids.event_types() == ["bids.bid.placed"] * 20


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str, list[str] | None]] = {
    "too low": ({}, {"amount": {"amount": "0.99", "currency": "EUR"}}, "BID_TOO_LOW", ["amount", "amount"]),
    "too high": ({}, {"amount": {"amount": "100000.01", "currency": "EUR"}}, "BID_TOO_HIGH", ["amount", "amount"]),
    "not a number": ({}, {"amount": {"amount": "1e3", "currency": "EUR"}}, "INVALID_AMOUNT", ["amount", "amount"]),
    "other currency": (
        {},
        {"amount": {"amount": "5", "currency": "USD"}},
        "CURRENCY_MISMATCH",
        ["amount", "currency"],
    ),
    "short message": ({}, {"message": "I can do it."}, "INVALID_INPUT", ["message"]),
    "long message": ({}, {"message": "x" * 1_501}, "INVALID_INPUT", ["message"]),
    "estimate of nothing": ({}, {"estimatedMinutes": 0}, "INVALID_INPUT", ["estimatedMinutes"]),
    "task assigned": ({"status": "ASSIGNED"}, {}, "TASK_NOT_OPEN", ["taskId"]),
    "task over": ({"expires_at": clock.now() - timedelta(seconds=1)}, {}, "TASK_NOT_OPEN", ["taskId"]),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_the_rules_forbid_is_refused_and_changes_nothing(bids: Bids, name: str) -> None:
    task_changes, input_changes, code, field = REFUSALS[name]
    task = await bids.task(**task_changes)
    before = await bids.state()

    data = await bids.act(new_id("user"), PLACE, input=place_input(task.id, **input_changes))

    assert data == {"placeBid": {"bid": None, "userErrors": [{"code": code, "field": field}]}}
    assert await bids.state() == before


async def test_an_unknown_task_is_not_found(bids: Bids) -> None:
    data = await bids.act(new_id("user"), PLACE, input=place_input(new_id("task")))
    assert data == {"placeBid": {"bid": None, "userErrors": [{"code": "NOT_FOUND", "field": ["taskId"]}]}}


async def test_posters_do_not_bid_on_their_own_task(bids: Bids) -> None:
    task = await bids.task()
    data = await bids.act(task.poster_id, PLACE, input=place_input(task.id))
    assert data == {"placeBid": {"bid": None, "userErrors": [{"code": "OWN_TASK", "field": ["taskId"]}]}}


async def test_who_is_no_tasker_does_not_bid(bids: Bids) -> None:
    task = await bids.task()
    token = bids.token(new_id("user"), "POSTER")
    answer = await bids.served.execute(PLACE, {"input": place_input(task.id)}, token=token)
    assert answer == {"data": {"placeBid": {"bid": None, "userErrors": [{"code": "ROLE_REQUIRED", "field": None}]}}}


async def test_malformed_and_foreign_ids_are_told_apart_from_unknown_ones(bids: Bids) -> None:
    for task_id in ("", "1", "bid_01h455vb4pex5vsknk084sn02q", "task_" + "z" * 26, "x" * 10_000):
        answer = await bids.served.execute(PLACE, {"input": place_input(task_id)}, token=bids.token(new_id("user")))
        assert answer["data"] is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_ID"]


async def test_anonymous_callers_do_not_bid(bids: Bids) -> None:
    task = await bids.task()
    answer = await bids.served.execute(PLACE, {"input": place_input(task.id)})
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_of_ten_bids_at_once_by_one_tasker_one_is_placed(bids: Bids) -> None:
    task = await bids.task()
    tasker = new_id("user")

    answers = await asyncio.gather(*(bids.act(tasker, PLACE, input=place_input(task.id)) for _ in range(10)))

    codes = sorted(str([error["code"] for error in answer["placeBid"]["userErrors"]]) for answer in answers)
    assert codes == ["['BID_ALREADY_PLACED']"] * 9 + ["[]"]
    assert len((await bids.state())[0]) == 1
    assert await bids.event_types() == ["bids.bid.placed"]


async def test_the_same_key_has_one_effect_and_one_answer(bids: Bids) -> None:
    task = await bids.task()
    tasker = new_id("user")
    given = place_input(task.id, idempotencyKey="key-1")

    first = await bids.act(tasker, PLACE, input=given)
    second = await bids.act(tasker, PLACE, input=given)
    other = await bids.act(tasker, PLACE, input=place_input(task.id, idempotencyKey="key-1", estimatedMinutes=5))

    assert first == second
    assert other["placeBid"] == {
        "bid": None,
        "userErrors": [{"code": "IDEMPOTENCY_KEY_REUSED", "field": None}],
    }
    assert await bids.event_types() == ["bids.bid.placed"]
