"""cancelTask."""

from typing import Any

from shared.ids import new_id
from shared.transitions import By
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Status
from tests.tasks.conftest import CANCEL, TASK, Tasks


def refused(code: str, field: list[str] | None) -> dict[str, Any]:
    return {"cancelTask": {"task": None, "userErrors": [{"code": code, "field": field}]}}


def may(status: Status, side: By) -> bool:
    """Whether a side calls a task off that stands so."""
    row = TRANSITIONS.get((status, Command.CANCEL))
    return row is not None and side in row.by


async def test_a_poster_calls_a_task_off(tasks: Tasks, poster: str) -> None:
    for status in [each for each in Status if may(each, By.POSTER)]:
        task = await tasks.draft(poster, publish=status is not Status.DRAFT)
        if status is Status.ASSIGNED:
            await tasks.set(task["id"], status=status.value, tasker_id=new_id("user"))
            task = (await tasks.act(poster, TASK, id=task["id"]))["task"]

        data = await tasks.act(poster, CANCEL, input={"taskId": task["id"], "reason": " My neighbour did it.\n"})

        cancelled = data["cancelTask"]["task"]
        assert data["cancelTask"]["userErrors"] == []
        assert cancelled == {
            **task,
            "status": "CANCELLED",
            "version": task["version"] + 1,
            "updatedAt": cancelled["updatedAt"],
            "cancelledBy": "POSTER",
            "cancelledReason": "My neighbour did it.",
        }
        _, log, deadlines = await tasks.state()
        assert log[-1] == (f"task:{task['id']}", log[-2][1] + 1, "tasks.task.cancelled")
        assert deadlines == []


async def test_a_task_under_way_or_over_is_not_called_off(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    for status in [each for each in Status if not may(each, By.POSTER)]:
        await tasks.set(task["id"], status=status.value)
        before = await tasks.state()

        data = await tasks.act(poster, CANCEL, input={"taskId": task["id"], "reason": "Not wanted"})

        assert data == refused("INVALID_TRANSITION", None), status
        assert await tasks.state() == before


async def test_a_reason_is_needed(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    before = await tasks.state()

    for reason in ("", "  \n ", "x" * 501, "\u200b"):
        data = await tasks.act(poster, CANCEL, input={"taskId": task["id"], "reason": reason})
        assert data == refused("INVALID_INPUT", ["reason"]), reason
    assert await tasks.state() == before


async def test_only_the_poster_calls_a_task_off(tasks: Tasks, poster: str) -> None:
    draft, published = await tasks.draft(poster), await tasks.open(poster)
    await tasks.set(published["id"], status="ASSIGNED", tasker_id=new_id("user"))
    before = await tasks.state()
    reason = "Not wanted"

    draft_by_other = await tasks.act(new_id("user"), CANCEL, input={"taskId": draft["id"], "reason": reason})
    by_other = await tasks.act(new_id("user"), CANCEL, input={"taskId": published["id"], "reason": reason})
    missing = await tasks.act(poster, CANCEL, input={"taskId": new_id("task"), "reason": reason})
    without_role = await tasks.served.execute(
        CANCEL, {"input": {"taskId": draft["id"], "reason": reason}}, token=tasks.token(poster, "TASKER")
    )

    assert draft_by_other == refused("NOT_FOUND", ["taskId"])
    assert by_other == refused("NOT_ALLOWED", ["taskId"])
    assert missing == refused("NOT_FOUND", ["taskId"])
    assert without_role == {"data": refused("ROLE_REQUIRED", None)}
    assert await tasks.state() == before


async def test_the_tasker_calls_off_what_they_have_not_begun(tasks: Tasks, poster: str) -> None:
    tasker, reason = new_id("user"), "I broke my arm, sorry."
    task = await tasks.assigned(poster, tasker)

    data = await tasks.act(tasker, CANCEL, input={"taskId": task["id"], "reason": reason})

    cancelled = data["cancelTask"]["task"]
    assert (cancelled["status"], cancelled["cancelledBy"], cancelled["cancelledReason"]) == (
        "CANCELLED", "TASKER", reason,
    )  # fmt: skip
    (told,) = await tasks.told("tasks.task.cancelled")
    assert (told["by"], told["fault"], told["poster_owes_percent"]) == ("TASKER", "TASKER", 0)


async def test_before_the_work_begins_nobody_owes_anything(tasks: Tasks, poster: str) -> None:
    opened, taken = await tasks.open(poster), await tasks.assigned(poster, new_id("user"))
    for task in (opened, taken):
        await tasks.act(poster, CANCEL, input={"taskId": task["id"], "reason": "Not wanted"})

    assert [
        (told["by"], told["fault"], told["poster_owes_percent"]) for told in await tasks.told("tasks.task.cancelled")
    ] == [
        ("POSTER", "NOBODY", 0),
        ("POSTER", "POSTER", 0),
    ]
