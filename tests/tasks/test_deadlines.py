"""Open tasks expire: 30 days after publication, or when they are due."""

import asyncio
from datetime import timedelta

from shared import clock
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from subgraphs.tasks import actions, store
from tests.support.messaging import eventually
from tests.tasks.conftest import TASK, UPDATE, Tasks


async def status(tasks: Tasks, task_id: str) -> str:
    answer = await tasks.served.execute(TASK, {"id": task_id})
    found: str = answer["data"]["task"]["status"]
    return found


async def test_an_open_task_expires_after_30_days(tasks: Tasks, poster: str) -> None:
    task, draft = await tasks.open(poster), await tasks.draft(poster)

    with clock.offset(timedelta(days=30) - timedelta(minutes=1)):
        await asyncio.sleep(1.2)  # a poll of the worker, which must find nothing
        assert await status(tasks, task["id"]) == "OPEN"
    with clock.offset(timedelta(days=30, seconds=1)):
        await eventually(lambda: _is_expired(tasks, task["id"]))

    expired = (await tasks.served.execute(TASK, {"id": task["id"]}))["data"]["task"]
    assert expired == {**task, "status": "EXPIRED", "version": 3, "updatedAt": expired["updatedAt"]}
    assert (await tasks.act(poster, TASK, id=draft["id"]))["task"] == draft
    _, log, deadlines = await tasks.state()
    assert log[-1] == (f"task:{task['id']}", 3, "tasks.task.expired")
    assert deadlines == []


async def test_the_due_time_comes_first_and_a_later_one_counts(tasks: Tasks, poster: str) -> None:
    in_a_day = format_datetime(clock.now() + timedelta(days=1))
    kept, moved = [await tasks.open(poster, dueAt=in_a_day) for _ in range(2)]
    in_a_week = format_datetime(clock.now() + timedelta(days=7))
    await tasks.act(poster, UPDATE, input={"taskId": moved["id"], "expectedVersion": 2, "dueAt": in_a_week})

    with clock.offset(timedelta(days=2)):
        await eventually(lambda: _is_expired(tasks, kept["id"]))
        assert await status(tasks, moved["id"]) == "OPEN"
    with clock.offset(timedelta(days=8)):
        await eventually(lambda: _is_expired(tasks, moved["id"]))
    assert (await tasks.event_types()).count("tasks.task.expired") == 2


async def test_a_task_that_somebody_holds_expires_a_moment_later(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)

    with clock.offset(timedelta(days=31)):
        async with tasks.database.transaction() as holder:
            await store.tasks.lock_task(holder, task["id"])
            async with tasks.database.transaction() as session:
                # Were it to wait here, a holder who then moves the deadline would wait for it in turn.
                await asyncio.wait_for(actions.expiry.expire_task(session, task["id"]), 30)
        assert "tasks.task.expired" not in await tasks.event_types()
        await eventually(lambda: _is_expired(tasks, task["id"]))
    assert (await tasks.event_types()).count("tasks.task.expired") == 1


async def test_a_deadline_decides_by_the_task_as_it_is(tasks: Tasks, poster: str) -> None:
    opened, assigned, draft = await tasks.open(poster), await tasks.open(poster), await tasks.draft(poster)
    await tasks.set(assigned["id"], status="ASSIGNED", tasker_id=new_id("user"))
    before = await tasks.state()

    for task in (opened, assigned, draft):
        async with tasks.database.transaction() as session:
            await actions.expiry.expire_task(session, task["id"])

    assert await tasks.state() == before


async def _is_expired(tasks: Tasks, task_id: str) -> bool:
    return await status(tasks, task_id) == "EXPIRED"
