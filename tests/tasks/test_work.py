"""startTask, submitDelivery, requestChanges, approveDelivery, and the approval that time brings."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import clock
from shared.ids import new_id
from shared.transitions import By
from subgraphs.tasks import actions, store
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Status
from tests.support.messaging import eventually
from tests.tasks.conftest import APPROVE, DELIVER, REQUEST_CHANGES, START, TASK, Tasks

MESSAGE = "Both sides have two coats now."
# Each mutation with what it takes besides, its command, and whose it is.
STEPS: dict[str, tuple[str, dict[str, Any], Command, By]] = {
    "startTask": (START, {}, Command.START, By.TASKER),
    "submitDelivery": (DELIVER, {"message": MESSAGE}, Command.DELIVER, By.TASKER),
    "requestChanges": (REQUEST_CHANGES, {"message": MESSAGE}, Command.REQUEST_CHANGES, By.POSTER),
    "approveDelivery": (APPROVE, {"expectedVersion": 3}, Command.APPROVE, By.POSTER),
}


@pytest.fixture
def tasker() -> str:
    return new_id("user")


async def test_a_task_is_done_sent_back_delivered_and_approved(tasks: Tasks, poster: str, tasker: str) -> None:
    assigned = await tasks.assigned(poster, tasker)
    started = await tasks.does(tasker, START, assigned["id"], expectedVersion=3)
    delivered = await tasks.does(tasker, DELIVER, assigned["id"], message=f"  {MESSAGE}\n")
    sent_back = await tasks.does(poster, REQUEST_CHANGES, assigned["id"], message="The gate is missing.")
    again = await tasks.does(tasker, DELIVER, assigned["id"], message=MESSAGE)
    approved = await tasks.does(poster, APPROVE, assigned["id"], expectedVersion=7)

    seen = (started, delivered, sent_back, again, approved)
    assert [each["status"] for each in seen] == ["IN_PROGRESS", "DELIVERED", "IN_PROGRESS", "DELIVERED", "COMPLETED"]
    assert [each["version"] for each in seen] == [4, 5, 6, 7, 8]
    assert started["startedAt"] == approved["startedAt"] == started["updatedAt"]
    assert delivered["deliveredAt"] == delivered["updatedAt"]
    answer_until = datetime.fromisoformat(delivered["deliveredAt"]) + timedelta(days=14)
    assert datetime.fromisoformat(delivered["approvalDueAt"]) == answer_until
    assert (sent_back["deliveredAt"], sent_back["approvalDueAt"]) == (None, None)
    assert approved["deliveredAt"] == again["updatedAt"]
    assert (approved["completedAt"], approved["approvalDueAt"]) == (approved["updatedAt"], None)
    assert (await tasks.event_types())[3:] == [
        f"tasks.task.{each}" for each in ("started", "delivered", "changes_requested", "delivered", "completed")
    ]
    told_delivered = await tasks.told("tasks.task.delivered")
    assert [told["message"] for told in told_delivered] == [MESSAGE, MESSAGE]
    assert [datetime.fromisoformat(told["approval_due_at"]) for told in told_delivered] == [
        datetime.fromisoformat(told["task"]["delivered_at"]) + timedelta(days=14) for told in told_delivered
    ]
    assert [told["by"] for told in await tasks.told("tasks.task.completed")] == ["POSTER"]
    assert (await tasks.state())[2] == []


@pytest.mark.parametrize("name", STEPS)
async def test_each_step_is_for_its_side_and_its_status(tasks: Tasks, poster: str, tasker: str, name: str) -> None:
    document, given, command, side = STEPS[name]
    task = await tasks.assigned(poster, tasker)
    mine, other = (poster, tasker) if side is By.POSTER else (tasker, poster)
    for status in Status:
        await tasks.set(task["id"], status=status.value)
        before = await tasks.state()
        row = TRANSITIONS.get((status, command))
        refusals = {other: "NOT_ALLOWED", new_id("user"): "NOT_ALLOWED"}
        if row is None or side not in row.by:
            refusals[mine] = "INVALID_TRANSITION"

        for user_id, code in refusals.items():
            data = await tasks.act(user_id, document, input={"taskId": task["id"], **given})
            field = ["taskId"] if code == "NOT_ALLOWED" else None
            assert data == {name: {"task": None, "userErrors": [{"code": code, "field": field}]}}, status
        assert await tasks.state() == before


@pytest.mark.parametrize("name", STEPS)
async def test_a_step_is_refused_on_what_is_not_there_or_has_changed(
    tasks: Tasks, poster: str, tasker: str, name: str
) -> None:
    document, given, command, side = STEPS[name]
    task, draft = await tasks.assigned(poster, tasker), await tasks.draft(poster)
    (status,) = [status for status, each in TRANSITIONS if each is command]
    await tasks.set(task["id"], status=status.value)
    before = await tasks.state()
    mine = poster if side is By.POSTER else tasker

    for task_id in (new_id("task"), draft["id"]):
        data = await tasks.act(new_id("user"), document, input={"taskId": task_id, **given})
        assert data == {name: {"task": None, "userErrors": [{"code": "NOT_FOUND", "field": ["taskId"]}]}}
    stale = await tasks.act(mine, document, input={"taskId": task["id"], **given, "expectedVersion": 2})
    assert stale[name]["userErrors"] == [{"code": "VERSION_CONFLICT", "field": None}]
    assert stale[name]["task"]["version"] == 3
    if "message" in given:
        for message in ("Too short", "x" * 2_001, "\u200b" * 20):
            data = await tasks.act(mine, document, input={"taskId": task["id"], "message": message})
            assert data == {name: {"task": None, "userErrors": [{"code": "INVALID_INPUT", "field": ["message"]}]}}
    assert await tasks.state() == before


async def test_a_delivery_without_an_answer_counts_as_approved_after_14_days(
    tasks: Tasks, poster: str, tasker: str
) -> None:
    waiting, answered = await tasks.delivered(poster, tasker), await tasks.delivered(poster, tasker)
    await tasks.does(poster, REQUEST_CHANGES, answered["id"], message="The gate is missing.")

    with clock.offset(timedelta(days=14) - timedelta(minutes=1)):
        await asyncio.sleep(1.2)  # a poll of the worker, which must find nothing
        assert await status_of(tasks, waiting["id"]) == "DELIVERED"
    with clock.offset(timedelta(days=14, seconds=1)):
        await eventually(lambda: is_completed(tasks, waiting["id"]))
        # The same deadline of one that was sent back decides by the task as it is.
        async with tasks.database.transaction() as session:
            await actions.work.approve_unanswered(session, answered["id"])

    assert [told["by"] for told in await tasks.told("tasks.task.completed")] == ["TIMER"]
    assert await status_of(tasks, answered["id"]) == "IN_PROGRESS"
    assert (await tasks.state())[2] == []


async def test_a_delivery_that_somebody_holds_is_approved_a_moment_later(
    tasks: Tasks, poster: str, tasker: str
) -> None:
    task = await tasks.delivered(poster, tasker)

    with clock.offset(timedelta(days=15)):
        async with tasks.database.transaction() as holder:
            await store.tasks.lock_task(holder, task["id"])
            async with tasks.database.transaction() as session:
                await asyncio.wait_for(actions.work.approve_unanswered(session, task["id"]), 30)
        await eventually(lambda: is_completed(tasks, task["id"]))
    assert (await tasks.event_types()).count("tasks.task.completed") == 1


async def test_of_many_answers_at_once_one_counts(tasks: Tasks, poster: str, tasker: str) -> None:
    task = await tasks.delivered(poster, tasker)
    approving = {"taskId": task["id"], "expectedVersion": task["version"]}
    sending_back = {**approving, "message": "The gate is missing."}

    answers = await asyncio.gather(
        *(tasks.act(poster, APPROVE, input=approving) for _ in range(4)),
        *(tasks.act(poster, REQUEST_CHANGES, input=sending_back) for _ in range(4)),
    )

    payloads = [payload for answer in answers for payload in answer.values()]
    # One of the two counts, however often it is sent.
    assert [payload["userErrors"] == [] for payload in payloads] in ([True] * 4 + [False] * 4, [False] * 4 + [True] * 4)
    codes = {error["code"] for payload in payloads for error in payload["userErrors"]}
    assert codes == {"VERSION_CONFLICT"}
    assert len((await tasks.event_types())[5:]) == 1


async def status_of(tasks: Tasks, task_id: str) -> str:
    answer = await tasks.served.execute(TASK, {"id": task_id})
    found: str = answer["data"]["task"]["status"]
    return found


async def is_completed(tasks: Tasks, task_id: str) -> bool:
    return await status_of(tasks, task_id) == "COMPLETED"
