"""updateTask."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from shared import clock
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Status
from tests.tasks.conftest import TASK, UPDATE, Tasks


def refused(code: str, field: list[str] | None, task: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"updateTask": {"task": task, "userErrors": [{"code": code, "field": field}]}}


async def test_a_poster_changes_a_draft(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster)
    due_at = format_datetime(clock.now() + timedelta(days=2))
    changes = {
        "title": "Paint the fence and the gate",
        "description": "The fence is ten metres long, the gate two metres high.",
        "categoryId": tasks.categories["odd-jobs"],
        "budget": {"amount": "9000", "currency": "THB"},
        "mode": "REMOTE",
        "dueAt": due_at,
    }

    data = await tasks.act(poster, UPDATE, input={"taskId": task["id"], "expectedVersion": 1, **changes})

    changed = data["updateTask"]["task"]
    assert data["updateTask"]["userErrors"] == []
    assert changed["updatedAt"] > task["updatedAt"]
    assert changed == {
        **task,
        "title": changes["title"],
        "description": changes["description"],
        "category": {"slug": "odd-jobs"},
        "budget": {"amount": "9000.00", "currency": "THB"},
        "mode": "REMOTE",
        "dueAt": due_at,
        "version": 2,
        "updatedAt": changed["updatedAt"],
    }
    assert (await tasks.act(poster, TASK, id=task["id"]))["task"] == changed
    _, log, deadlines = await tasks.state()
    assert log == [(f"task:{task['id']}", 1, "tasks.task.created"), (f"task:{task['id']}", 2, "tasks.task.updated")]
    assert deadlines == []


async def test_what_is_left_out_stays_and_null_takes_the_due_time_away(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster, dueAt=format_datetime(clock.now() + timedelta(days=2)))

    kept = await tasks.act(poster, UPDATE, input={"taskId": task["id"], "expectedVersion": 2, "title": None})
    cleared = await tasks.act(poster, UPDATE, input={"taskId": task["id"], "expectedVersion": 2, "dueAt": None})

    first, second = kept["updateTask"]["task"], cleared["updateTask"]["task"]
    assert first == task
    in_30_days = datetime.fromisoformat(task["publishedAt"]) + timedelta(days=30)
    assert second == {
        **first,
        "version": 3,
        "updatedAt": second["updatedAt"],
        "dueAt": None,
        "expiresAt": format_datetime(in_30_days),
    }


async def test_the_expiry_follows_the_due_time(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    soon, late = (format_datetime(clock.now() + timedelta(days=days)) for days in (1, 300))

    for version, due_at, expected in ((2, soon, soon), (3, late, task["expiresAt"])):
        given = {"taskId": task["id"], "expectedVersion": version, "dueAt": due_at}
        changed = (await tasks.act(poster, UPDATE, input=given))["updateTask"]["task"]
        assert (changed["dueAt"], changed["expiresAt"]) == (due_at, expected)
        ((_, subject, deadline),) = (await tasks.state())[2]
        assert subject == task["id"]
        assert format_datetime(deadline) == expected


async def test_an_older_version_is_a_conflict_and_the_task_is_shown_as_it_is(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    before = await tasks.state()

    for version in (1, 3, -1, 2**31 - 1):
        given = {"taskId": task["id"], "expectedVersion": version, "title": "Another title of it"}
        assert await tasks.act(poster, UPDATE, input=given) == refused("VERSION_CONFLICT", None, task)
    assert await tasks.state() == before


async def test_of_many_updates_at_once_one_wins(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    given = {"taskId": task["id"], "expectedVersion": 2}

    answers = await asyncio.gather(
        *(tasks.act(poster, UPDATE, input={**given, "title": f"Paint the fence no. {n}"}) for n in range(20))
    )

    codes = [[error["code"] for error in answer["updateTask"]["userErrors"]] for answer in answers]
    assert codes.count([]) == 1
    assert codes.count(["VERSION_CONFLICT"]) == 19
    winner = answers[codes.index([])]["updateTask"]["task"]
    assert all(answer["updateTask"]["task"] == winner for answer in answers)
    assert (await tasks.event_types()).count("tasks.task.updated") == 1


REFUSALS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "short title": ({"title": "Paint it!"}, "INVALID_INPUT", ["title"]),
    "long description": ({"description": "x" * 5_001}, "INVALID_INPUT", ["description"]),
    "no money": ({"budget": {"amount": "0", "currency": "EUR"}}, "INVALID_INPUT", ["budget", "amount"]),
    "not a number": ({"budget": {"amount": "-5", "currency": "EUR"}}, "INVALID_AMOUNT", ["budget", "amount"]),
    "another currency": ({"budget": {"amount": "5", "currency": "USD"}}, "CURRENCY_MISMATCH", ["budget", "currency"]),
    "due in the past": ({"dueAt": "2020-01-01T00:00:00Z"}, "DUE_IN_PAST", ["dueAt"]),
    "unknown category": ({"categoryId": new_id("category")}, "UNKNOWN_CATEGORY", ["categoryId"]),
}


async def test_what_the_rules_forbid_is_refused_and_changes_nothing(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    before = await tasks.state()

    for name, (changes, code, field) in REFUSALS.items():
        # A good change beside the bad one must not get through either.
        given = {"taskId": task["id"], "expectedVersion": 2, "mode": "REMOTE", **changes}
        assert await tasks.act(poster, UPDATE, input=given) == refused(code, field), name
    assert await tasks.state() == before


async def test_only_the_poster_changes_a_task(tasks: Tasks, poster: str) -> None:
    draft, published = await tasks.draft(poster), await tasks.open(poster)
    before = await tasks.state()
    given = {"taskId": draft["id"], "expectedVersion": 1, "title": "Another title of it"}

    draft_by_other = await tasks.act(new_id("user"), UPDATE, input=given)
    published_by_other = await tasks.act(new_id("user"), UPDATE, input={**given, "taskId": published["id"]})
    missing = await tasks.act(poster, UPDATE, input={**given, "taskId": new_id("task")})
    without_role = await tasks.served.execute(UPDATE, {"input": given}, token=tasks.token(poster, "TASKER"))

    assert draft_by_other == refused("NOT_FOUND", ["taskId"])
    assert published_by_other == refused("NOT_ALLOWED", ["taskId"])
    assert missing == refused("NOT_FOUND", ["taskId"])
    assert without_role == {"data": refused("ROLE_REQUIRED", None)}
    assert await tasks.state() == before


async def test_only_drafts_and_open_tasks_are_changed(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    for status in [each for each in Status if (each, Command.UPDATE) not in TRANSITIONS]:
        await tasks.set(task["id"], status=status.value)
        before = await tasks.state()

        data = await tasks.act(poster, UPDATE, input={"taskId": task["id"], "expectedVersion": 2, "mode": "REMOTE"})

        assert data == refused("INVALID_TRANSITION", None), status
        assert await tasks.state() == before
