"""Task.viewerCan: what it lists is taken, and nothing else. test_lifecycle.py asks it along whole lives of tasks."""

from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.ids import new_id
from subgraphs.tasks.rules.agreements import COMMANDS, Kind
from subgraphs.tasks.rules.tasks import Command, Status
from tests.support.messaging import sql
from tests.support.statements import statements
from tests.tasks import test_agreements
from tests.tasks.conftest import CANCEL, Tasks
from tests.tasks.test_lifecycle import MUTATIONS

CAN = "query($id: ID!) { task(id: $id) { viewerCan } }"
CAN_ANSWER = "query($id: ID!) { task(id: $id) { agreements { nodes { viewerCan } } } }"


async def can(tasks: Tasks, token: str | None, task_id: str) -> list[str] | None:
    task = (await tasks.served.execute(CAN, {"id": task_id}, token=token))["data"]["task"]
    return None if task is None else list(task["viewerCan"])


async def tries(tasks: Tasks, token: str, task_id: str, command: Command) -> bool:
    """Whether the mutation for this is taken."""
    kind = next((kind for kind, asked in COMMANDS.items() if asked is command), None)
    if kind is not None:
        document = test_agreements.document(f"request{test_agreements.NAMES[kind]}")
        given = {"taskId": task_id, **test_agreements.wish(kind, "140.00")}
    else:
        document, more = MUTATIONS[command]
        given = {"taskId": task_id, **more}
        if command in (Command.UPDATE, Command.APPROVE):
            given["expectedVersion"] = 1
    answer = await tasks.served.execute(document, {"input": given}, token=token)
    assert "errors" not in answer, answer
    (payload,) = answer["data"].values()
    return payload["userErrors"] == []


@pytest.mark.parametrize("status", Status)
async def test_lists_what_is_taken_and_nothing_else(tasks: Tasks, status: Status) -> None:
    poster, tasker = new_id("user"), new_id("user")
    task_id = (await tasks.assigned(poster, tasker))["id"]
    now = clock.now()
    begun = {
        "status": status.value,
        "version": 1,
        "published_at": None if status is Status.DRAFT else now,
        "tasker_id": tasker if status not in (Status.DRAFT, Status.OPEN, Status.EXPIRED) else None,
        "cancelled_by_id": None,
    }
    viewers = {
        "poster": tasks.token(poster),
        "poster who is none now": tasks.token(poster, "TASKER"),
        "tasker": tasks.token(tasker),
        "somebody": tasks.token(new_id("user")),
    }

    async def begin() -> None:
        await tasks.set(task_id, **begun)
        await sql(tasks.database, "DELETE FROM agreements RETURNING id")

    for viewer, token in viewers.items():
        await begin()
        listed, taken = await can(tasks, token, task_id), []
        for command in [*MUTATIONS, *COMMANDS.values()]:
            if await tries(tasks, token, task_id, command):
                taken.append(command.name)
                await begin()
        assert sorted(listed or []) == sorted(taken), viewer
    assert await can(tasks, None, task_id) == (None if status is Status.DRAFT else [])


async def test_a_draft_that_lacks_something_is_not_to_be_published(tasks: Tasks, poster: str) -> None:
    task_id = (await tasks.draft(poster))["id"]
    token = tasks.token(poster)
    lacking: list[dict[str, Any]] = [{"place_id": None}, {"due_at": clock.now() - timedelta(seconds=1)}]
    for changes in lacking:
        await tasks.set(task_id, **changes)
        assert await can(tasks, token, task_id) == ["UPDATE", "CANCEL"]
        assert not await tries(tasks, token, task_id, Command.PUBLISH)
        await tasks.set(task_id, place_id=tasks.place, due_at=None)
    assert await can(tasks, token, task_id) == ["UPDATE", "PUBLISH", "CANCEL"]


async def test_what_is_asked_for_already_is_not_asked_for_again(tasks: Tasks, poster: str) -> None:
    tasker = new_id("user")
    task_id = (await tasks.started(poster, tasker))["id"]
    await test_agreements.asks(tasks, poster, Kind.RESCHEDULE, task_id)
    for viewer in (poster, tasker):
        assert "RESCHEDULE" not in (await can(tasks, tasks.token(viewer), task_id) or [])
        assert not await tries(tasks, tasks.token(viewer), task_id, Command.RESCHEDULE)


@pytest.mark.parametrize("by_poster", [True, False])
@pytest.mark.parametrize(
    ("kind", "price", "listed"),
    [
        (Kind.RESCHEDULE, None, ["ACCEPT", "DECLINE"]),
        (Kind.PRICE_CHANGE, "149.00", ["ACCEPT", "DECLINE"]),
        (Kind.PRICE_CHANGE, "151.00", ["ACCEPT_MORE", "DECLINE"]),
        (Kind.CANCELLATION, None, ["ACCEPT", "DECLINE"]),
    ],
)
async def test_who_is_asked_can_answer_and_who_asks_cannot(
    tasks: Tasks, poster: str, kind: Kind, price: str | None, listed: list[str], by_poster: bool
) -> None:
    tasker = new_id("user")
    task_id = (await tasks.started(poster, tasker))["id"]
    one, other = (poster, tasker) if by_poster else (tasker, poster)

    async def can_answer(viewer: str) -> list[list[str]]:
        nodes = (await tasks.act(viewer, CAN_ANSWER, id=task_id))["task"]["agreements"]["nodes"]
        return [node["viewerCan"] for node in nodes]

    given = {} if price is None else {"price": {"amount": price, "currency": "EUR"}}
    request = await test_agreements.asked(tasks, one, kind, task_id, **given)
    assert (await can_answer(one), await can_answer(other)) == ([[]], [listed])
    await test_agreements.answers(tasks, other, kind, request, "ACCEPT" in listed)
    assert (await can_answer(one), await can_answer(other)) == ([[]], [[]])


async def test_a_time_that_has_come_is_not_to_be_agreed_to(tasks: Tasks, poster: str) -> None:
    tasker = new_id("user")
    task_id = (await tasks.assigned(poster, tasker))["id"]
    request = await test_agreements.asked(tasks, poster, Kind.RESCHEDULE, task_id)
    await sql(tasks.database, "UPDATE agreements SET due_from = NULL, due_at = now() RETURNING id")

    nodes = (await tasks.act(tasker, CAN_ANSWER, id=task_id))["task"]["agreements"]["nodes"]
    payload = await test_agreements.answers(tasks, tasker, Kind.RESCHEDULE, request, True)

    assert nodes == [{"viewerCan": ["DECLINE"]}]
    assert [error["code"] for error in payload["userErrors"]] == ["DUE_IN_PAST"]


async def test_a_page_of_tasks_costs_one_statement_more(tasks: Tasks, poster: str) -> None:
    for _ in range(3):
        await tasks.assigned(poster, new_id("user"))
        await tasks.open(poster)
    with statements(tasks.database) as seen:
        page = await tasks.act(poster, "{ myTasks(as: POSTER) { nodes { viewerCan } } }")
    listed = [["UPDATE", "CANCEL"], ["CANCEL", "RESCHEDULE", "CHANGE_PRICE"]]
    assert page == {"myTasks": {"nodes": [{"viewerCan": each} for each in listed * 3]}}
    assert len(seen) == 2
    # Of what others can do nothing is asked.
    with statements(tasks.database) as seen:
        await tasks.act(new_id("user"), "{ tasks { nodes { viewerCan } } }")
    assert len(seen) == 1


async def test_an_event_tells_each_subscriber_what_they_can_do_after_it(tasks: Tasks, poster: str) -> None:
    task_id = (await tasks.open(poster))["id"]
    await tasks.does(poster, CANCEL, task_id, reason="It rains.")
    document = "subscription($id: ID!) { taskEvents(taskId: $id, after: 1) { type task { viewerCan } } }"
    told = {}
    for viewer in (poster, new_id("user")):
        async with tasks.served.connect(token=tasks.token(viewer)) as client:
            await client.subscribe(document, {"id": task_id})
            told[viewer] = [(await client.next())["data"]["taskEvents"]["task"]["viewerCan"] for _ in range(2)]
    assert list(told.values()) == [[["UPDATE", "CANCEL"], []], [[], []]]
