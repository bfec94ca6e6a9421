"""publishTask."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from shared import clock
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Status
from tests.tasks.conftest import CANCEL, PUBLISH, TASK, Tasks


def refused(code: str, field: list[str] | None, task: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"publishTask": {"task": task, "userErrors": [{"code": code, "field": field}]}}


async def test_a_poster_opens_a_draft_for_bids(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster)

    data = await tasks.act(poster, PUBLISH, input={"taskId": task["id"], "expectedVersion": 1})

    published = data["publishTask"]["task"]
    expires_at = format_datetime(datetime.fromisoformat(published["publishedAt"]) + timedelta(days=30))
    assert data["publishTask"]["userErrors"] == []
    assert published == {
        **task,
        "status": "OPEN",
        "version": 2,
        "updatedAt": published["publishedAt"],
        "publishedAt": published["publishedAt"],
        "expiresAt": expires_at,
    }
    assert (await tasks.act(new_id("user"), TASK, id=task["id"]))["task"] == published
    _, log, ((kind, subject, due_at),) = await tasks.state()
    assert log == [(f"task:{task['id']}", 1, "tasks.task.created"), (f"task:{task['id']}", 2, "tasks.task.published")]
    assert (kind, subject, format_datetime(due_at)) == ("task_expiry", task["id"], expires_at)


async def test_the_version_is_checked_if_given(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster)

    conflict = await tasks.act(poster, PUBLISH, input={"taskId": task["id"], "expectedVersion": 2})
    unchecked = await tasks.act(poster, PUBLISH, input={"taskId": task["id"]})

    assert conflict == refused("VERSION_CONFLICT", None, task)
    assert unchecked["publishTask"]["userErrors"] == []
    assert await tasks.event_types() == ["tasks.task.created", "tasks.task.published"]


async def test_a_draft_whose_due_time_has_passed_is_not_published(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster, dueAt=format_datetime(clock.now() + timedelta(hours=1)))
    before = await tasks.state()

    with clock.offset(timedelta(hours=2)):
        # Its token was made for the clock as it was.
        data = await tasks.served.execute(
            PUBLISH, {"input": {"taskId": task["id"]}}, token=tasks._access_token(poster, expires_in=10_000)
        )

    assert data == {"data": refused("DUE_IN_PAST", ["dueAt"])}
    assert await tasks.state() == before


async def test_only_the_poster_publishes(tasks: Tasks, poster: str) -> None:
    draft, published = await tasks.draft(poster), await tasks.open(poster)
    before = await tasks.state()

    draft_by_other = await tasks.act(new_id("user"), PUBLISH, input={"taskId": draft["id"]})
    published_by_other = await tasks.act(new_id("user"), PUBLISH, input={"taskId": published["id"]})
    without_role = await tasks.served.execute(
        PUBLISH, {"input": {"taskId": draft["id"]}}, token=tasks.token(poster, "TASKER")
    )

    assert draft_by_other == refused("NOT_FOUND", ["taskId"])
    assert published_by_other == refused("NOT_ALLOWED", ["taskId"])
    assert without_role == {"data": refused("ROLE_REQUIRED", None)}
    assert await tasks.state() == before


async def test_only_drafts_are_published(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    for status in [each for each in Status if (each, Command.PUBLISH) not in TRANSITIONS]:
        await tasks.set(task["id"], status=status.value, last_step=None)
        before = await tasks.state()

        data = await tasks.act(poster, PUBLISH, input={"taskId": task["id"]})

        assert data == refused("INVALID_TRANSITION", None), status
        assert await tasks.state() == before


async def test_publishing_and_cancelling_at_once_end_cancelled(tasks: Tasks, poster: str) -> None:
    for _ in range(10):
        task = await tasks.draft(poster)

        published, cancelled = await asyncio.gather(
            tasks.act(poster, PUBLISH, input={"taskId": task["id"]}),
            tasks.act(poster, CANCEL, input={"taskId": task["id"], "reason": "Done it myself"}),
        )

        assert cancelled["cancelTask"]["userErrors"] == []
        now = (await tasks.act(poster, TASK, id=task["id"]))["task"]
        assert now == cancelled["cancelTask"]["task"]
        _, log, deadlines = await tasks.state()
        steps = [(seq, event_type) for stream, seq, event_type in log if stream == f"task:{task['id']}"]
        if published["publishTask"]["userErrors"]:
            assert published == refused("INVALID_TRANSITION", None)
            assert steps == [(1, "tasks.task.created"), (2, "tasks.task.cancelled")]
            assert now["publishedAt"] is None
        else:
            assert steps == [(1, "tasks.task.created"), (2, "tasks.task.published"), (3, "tasks.task.cancelled")]
            assert now["publishedAt"] is not None
        assert (now["status"], now["version"]) == ("CANCELLED", len(steps))
        assert deadlines == []


async def test_a_draft_is_published_once(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster)

    answers = await asyncio.gather(*(tasks.act(poster, PUBLISH, input={"taskId": task["id"]}) for _ in range(20)))

    codes = [[error["code"] for error in answer["publishTask"]["userErrors"]] for answer in answers]
    assert codes == [[]] * 20
    assert await tasks.event_types() == ["tasks.task.created", "tasks.task.published"]
