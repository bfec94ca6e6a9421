"""taskEvents over a real WebSocket."""

import asyncio
from datetime import timedelta
from typing import Any

from shared import clock
from shared.ids import new_id
from subgraphs.tasks import actions
from tests.support import factories
from tests.support.serving import Client
from tests.tasks.conftest import CANCEL, PUBLISH, TASK_FIELDS, UPDATE, Tasks

EVENTS = f"""
    subscription($taskId: ID!, $after: Int) {{
      taskEvents(taskId: $taskId, after: $after) {{ seq previousSeq type occurredAt task {{ {TASK_FIELDS} }} }}
    }}
"""


async def follow(client: Client, task_id: str, after: int | None = None, id: str = "1") -> None:
    await client.subscribe(EVENTS, {"taskId": task_id, "after": after}, id)


async def next_event(client: Client) -> dict[str, Any]:
    payload = await client.next()
    assert "errors" not in payload, payload
    event: dict[str, Any] = payload["data"]["taskEvents"]
    return event


async def next_steps(client: Client, count: int) -> list[tuple[int, int | None, str, str]]:
    found = [await next_event(client) for _ in range(count)]
    return [(each["seq"], each["previousSeq"], each["type"], each["task"]["status"]) for each in found]


async def rename(tasks: Tasks, poster: str, task_id: str, version: int) -> dict[str, Any]:
    given = {"taskId": task_id, "expectedVersion": version, "title": f"Paint the fence, version {version + 1}"}
    payload = (await tasks.act(poster, UPDATE, input=given))["updateTask"]
    assert payload["userErrors"] == []
    task: dict[str, Any] = payload["task"]
    return task


async def test_a_poster_follows_a_task_from_its_beginning(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster)
    async with tasks.served.connect(token=tasks.token(poster)) as client:
        await follow(client, task["id"], 0)

        created = await next_event(client)
        renamed = await rename(tasks, poster, task["id"], 1)
        updated = await next_event(client)
        published_task = (await tasks.act(poster, PUBLISH, input={"taskId": task["id"]}))["publishTask"]["task"]
        published = await next_event(client)
        reason = {"taskId": task["id"], "reason": "Done it myself"}
        cancelled_task = (await tasks.act(poster, CANCEL, input=reason))["cancelTask"]["task"]
        cancelled = await next_event(client)

    for number, (event, type_, shown) in enumerate(
        [
            (created, "CREATED", task),
            (updated, "UPDATED", renamed),
            (published, "PUBLISHED", published_task),
            (cancelled, "CANCELLED", cancelled_task),
        ],
        start=1,
    ):
        expected = {"seq": number, "previousSeq": number - 1, "type": type_, "task": shown}
        assert event == {**expected, "occurredAt": event["occurredAt"]}
        assert shown["createdAt"] <= event["occurredAt"]


async def test_others_see_nothing_of_the_draft_that_a_task_was(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster)
    await rename(tasks, poster, task["id"], 1)
    await tasks.act(poster, PUBLISH, input={"taskId": task["id"]})
    await rename(tasks, poster, task["id"], 3)

    for token in (None, tasks.token(new_id("user")), tasks.token(new_id("user"), "ADMIN")):
        async with tasks.served.connect(token=token) as client:
            await follow(client, task["id"], 0)
            assert await next_steps(client, 2) == [(3, 0, "PUBLISHED", "OPEN"), (4, 3, "UPDATED", "OPEN")]
            assert await client.silent(0.1)


async def test_a_draft_of_somebody_else_is_refused_like_what_does_not_exist(tasks: Tasks, poster: str) -> None:
    draft, cancelled = await tasks.draft(poster), await tasks.draft(poster)
    await tasks.act(poster, CANCEL, input={"taskId": cancelled["id"], "reason": "Not wanted"})

    answers = []
    for token in (None, tasks.token(new_id("user"))):
        async with tasks.served.connect(token=token) as client:
            for task_id in (draft["id"], cancelled["id"], new_id("task")):
                for after in (None, 0, 5):
                    await follow(client, task_id, after)
                    answers.append(await client.receive())
                    assert await client.receive() == {"id": "1", "type": "complete"}
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["payload"]["errors"][0]["extensions"] == {"service": "exchange", "code": "FORBIDDEN"}

    async with tasks.served.connect(token=tasks.token(poster)) as client:
        await follow(client, cancelled["id"], 0)
        assert await next_steps(client, 2) == [(1, 0, "CREATED", "DRAFT"), (2, 1, "CANCELLED", "CANCELLED")]


async def test_without_after_only_what_happens_from_now_on_comes(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    async with tasks.served.connect() as client:
        await follow(client, task["id"])
        assert await client.silent(0.3)

        await rename(tasks, poster, task["id"], 2)

        assert await next_steps(client, 1) == [(3, None, "UPDATED", "OPEN")]


async def test_who_comes_back_gets_every_event_exactly_once(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    last = 14
    writing = asyncio.create_task(_rename_often(tasks, poster, task["id"], range(2, last)))
    seen = [0]

    while seen[-1] < last:
        # Cut off after every few events, with the socket closed under it.
        async with tasks.served.connect() as client:
            await follow(client, task["id"], seen[-1])
            for _ in range(min(3, last - seen[-1])):
                event = await next_event(client)
                assert event["previousSeq"] == seen[-1]
                seen.append(event["seq"])
    await writing

    # The first event was the draft's, for the poster alone.
    assert seen == [0, *range(2, last + 1)]


async def _rename_often(tasks: Tasks, poster: str, task_id: str, versions: range) -> None:
    for version in versions:
        await rename(tasks, poster, task_id, version)


async def test_what_others_cause_comes_too(tasks: Tasks, poster: str) -> None:
    taken, late = await tasks.open(poster), await tasks.open(poster)
    escrow = factories.escrow_snapshot(task_id=taken["id"], poster_id=poster)
    async with tasks.served.connect() as client:
        await follow(client, taken["id"], 2)
        async with tasks.database.transaction() as session:
            await actions.assignment.assign_task(session, escrow)
        assigned = await next_event(client)
        async with tasks.database.transaction() as session:
            await actions.assignment.assign_task(session, factories.escrow_snapshot(task_id=taken["id"]))
        rejected = await next_event(client)
    async with tasks.served.connect() as client:
        await follow(client, late["id"], 2)
        with clock.offset(timedelta(days=31)):
            expired = await next_event(client)

    assert (assigned["seq"], assigned["type"], assigned["task"]["status"]) == (3, "ASSIGNED", "ASSIGNED")
    assert assigned["task"]["tasker"] == rejected["task"]["tasker"] == {"id": escrow.tasker_id}
    assert (rejected["seq"], rejected["type"], rejected["task"]["version"]) == (4, "ASSIGNMENT_REJECTED", 3)
    assert (expired["type"], expired["task"]["status"]) == ("EXPIRED", "EXPIRED")


async def test_places_that_do_not_exist_are_refused(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    async with tasks.served.connect(token=tasks.token(poster)) as client:
        for task_id, after, code in [
            (task["id"], 3, "BAD_REQUEST"),
            (task["id"], -1, "BAD_REQUEST"),
            ("1", 0, "INVALID_ID"),
            (new_id("bid"), 0, "INVALID_ID"),
        ]:
            await follow(client, task_id, after)
            message = await client.receive()
            errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
            assert [error["extensions"]["code"] for error in errors] == [code]
            if message["type"] == "next":
                assert (await client.receive())["type"] == "complete"
