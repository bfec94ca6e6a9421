"""repostTask."""

from datetime import datetime, timedelta
from typing import Any

from shared import clock
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Status
from tests.tasks.conftest import REPOST, Tasks


def refused(code: str, field: list[str] | None) -> dict[str, Any]:
    return {"repostTask": {"task": None, "userErrors": [{"code": code, "field": field}]}}


async def expired(tasks: Tasks, poster: str, **columns: Any) -> dict[str, Any]:
    task = await tasks.open(poster)
    before = clock.now() - timedelta(days=40)
    await tasks.set(task["id"], status="EXPIRED", version=3, published_at=before, expires_at=before, **columns)
    return task


async def test_an_expired_task_is_open_once_more(tasks: Tasks, poster: str) -> None:
    task = await expired(tasks, poster)

    again = await tasks.does(poster, REPOST, task["id"], expectedVersion=3)

    assert (again["status"], again["version"]) == ("OPEN", 4)
    assert again["publishedAt"] == again["updatedAt"]
    assert datetime.fromisoformat(again["expiresAt"]) == datetime.fromisoformat(again["publishedAt"]) + timedelta(30)
    assert [told["reposted"] for told in await tasks.told("tasks.task.published")] == [False, True]
    (deadline,) = (await tasks.state())[2]
    assert format_datetime(deadline[2]) == again["expiresAt"]


async def test_a_due_time_that_has_passed_is_moved_or_taken_away(tasks: Tasks, poster: str) -> None:
    start, end = [clock.now() - timedelta(days=days) for days in (2, 1)]
    moved, freed = [await expired(tasks, poster, due_from=start, due_at=end) for _ in range(2)]
    later = {name: format_datetime(clock.now() + timedelta(days)) for name, days in (("dueFrom", 1), ("dueAt", 2))}
    before = await tasks.state()

    as_it_was = await tasks.act(poster, REPOST, input={"taskId": moved["id"]})
    assert as_it_was == refused("DUE_IN_PAST", ["dueAt"])
    assert await tasks.state() == before
    again = await tasks.does(poster, REPOST, moved["id"], **later, timeZone="Asia/Bangkok")
    at_any_time = await tasks.does(poster, REPOST, freed["id"], dueAt=None)

    assert {name: again[name] for name in later} == later
    assert (again["timeZone"], again["expiresAt"]) == ("Asia/Bangkok", later["dueAt"])
    assert (at_any_time["dueFrom"], at_any_time["dueAt"]) == (None, None)


async def test_only_its_poster_posts_an_expired_task_again(tasks: Tasks, poster: str) -> None:
    task = await expired(tasks, poster)
    before = await tasks.state()

    assert await tasks.act(new_id("user"), REPOST, input={"taskId": task["id"]}) == refused("NOT_ALLOWED", ["taskId"])
    without_role = await tasks.served.execute(
        REPOST, {"input": {"taskId": task["id"]}}, token=tasks.token(poster, "TASKER")
    )
    assert without_role == {"data": refused("ROLE_REQUIRED", None)}
    assert await tasks.state() == before
    for status in [each for each in Status if (each, Command.REPOST) not in TRANSITIONS]:
        await tasks.set(task["id"], status=status.value)
        before = await tasks.state()
        assert await tasks.act(poster, REPOST, input={"taskId": task["id"]}) == refused("INVALID_TRANSITION", None)
        assert await tasks.state() == before
