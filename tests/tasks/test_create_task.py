"""createTask."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import clock
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from tests.tasks.conftest import CREATE, TASK, Tasks


async def test_a_poster_writes_a_draft(tasks: Tasks, poster: str) -> None:
    before = clock.now()

    data = await tasks.act(poster, CREATE, input=tasks.input(title="  Paint the garden fence "))

    task = data["createTask"]["task"]
    task_id, created_at = task.pop("id"), task.pop("createdAt")
    assert task_id.startswith("task_")
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(created_at) <= clock.now()
    assert data == {
        "createTask": {
            "task": {
                "poster": {"id": poster},
                "tasker": None,
                "title": "Paint the garden fence",
                "description": "The fence is ten metres long and needs two coats.",
                "category": {"slug": "painting"},
                "budget": {"amount": "200.00", "currency": "EUR"},
                "mode": "ONSITE",
                "place": {"id": tasks.place},
                "requirements": [],
                "dueFrom": None,
                "dueAt": None,
                "timeZone": "UTC",
                "status": "DRAFT",
                "version": 1,
                "updatedAt": created_at,
                "publishedAt": None,
                "expiresAt": None,
                "startedAt": None,
                "deliveredAt": None,
                "approvalDueAt": None,
                "completedAt": None,
                "cancelledBy": None,
                "cancelledReason": None,
            },
            "userErrors": [],
        }
    }
    _, log, deadlines = await tasks.state()
    assert log == [(f"task:{task_id}", 1, "tasks.task.created")]
    assert deadlines == []


async def test_a_task_can_be_published_at_once(tasks: Tasks, poster: str) -> None:
    due_at = format_datetime(clock.now() + timedelta(days=3))

    task = await tasks.open(poster, dueAt=due_at, mode="REMOTE", budget={"amount": "1500", "currency": "JPY"})

    assert (task["status"], task["version"], task["mode"]) == ("OPEN", 2, "REMOTE")
    assert task["budget"] == {"amount": "1500", "currency": "JPY"}
    assert task["expiresAt"] == task["dueAt"] == due_at
    assert task["publishedAt"] is not None
    assert (await tasks.act(new_id("user"), TASK, id=task["id"]))["task"] == task
    _, log, deadlines = await tasks.state()
    assert log == [(f"task:{task['id']}", 1, "tasks.task.created"), (f"task:{task['id']}", 2, "tasks.task.published")]
    assert deadlines == [("task_expiry", task["id"], datetime.fromisoformat(due_at))]


REFUSALS: dict[str, tuple[dict[str, Any], str, list[str] | None]] = {
    "short title": ({"title": "Paint it!"}, "INVALID_INPUT", ["title"]),
    "long title": ({"title": "x" * 101}, "INVALID_INPUT", ["title"]),
    "title of two lines": ({"title": "Paint the fence\nand the gate"}, "INVALID_INPUT", ["title"]),
    "title that shows nothing": ({"title": "\u200b" * 20}, "INVALID_INPUT", ["title"]),
    "short description": ({"description": "x" * 24}, "INVALID_INPUT", ["description"]),
    "long description": ({"description": "x" * 5_001}, "INVALID_INPUT", ["description"]),
    "no money": ({"budget": {"amount": "0.99", "currency": "EUR"}}, "INVALID_INPUT", ["budget", "amount"]),
    "too much money": ({"budget": {"amount": "100000.01", "currency": "EUR"}}, "INVALID_INPUT", ["budget", "amount"]),
    "not a number": ({"budget": {"amount": "1e3", "currency": "EUR"}}, "INVALID_AMOUNT", ["budget", "amount"]),
    "half a yen": ({"budget": {"amount": "10.5", "currency": "JPY"}}, "INVALID_AMOUNT", ["budget", "amount"]),
    "due in the past": ({"dueAt": "2020-01-01T00:00:00Z"}, "DUE_IN_PAST", ["dueAt"]),
    "unknown category": ({"categoryId": new_id("category")}, "UNKNOWN_CATEGORY", ["categoryId"]),
    "malformed key": ({"idempotencyKey": ""}, "INVALID_INPUT", ["idempotencyKey"]),
}


async def test_what_the_rules_forbid_is_refused_and_changes_nothing(tasks: Tasks, poster: str) -> None:
    upper = {"categoryId": tasks.categories["home-improvement"]}
    refusals = REFUSALS | {"category of the upper level": (upper, "UNKNOWN_CATEGORY", ["categoryId"])}
    for (name, (changes, code, field)), publish in itertools.product(refusals.items(), (False, True)):
        data = await tasks.act(poster, CREATE, input=tasks.input(publish=publish, **changes))

        assert data == {"createTask": {"task": None, "userErrors": [{"code": code, "field": field}]}}, name
    assert await tasks.state() == ([], [], [])


async def test_only_posters_create_tasks(tasks: Tasks, poster: str) -> None:
    variables = {"input": tasks.input()}

    by_tasker = await tasks.served.execute(CREATE, variables, token=tasks.token(poster, "TASKER"))
    by_nobody = await tasks.served.execute(CREATE, variables)

    refused = {"task": None, "userErrors": [{"code": "ROLE_REQUIRED", "field": None}]}
    assert by_tasker == {"data": {"createTask": refused}}
    assert [error["extensions"]["code"] for error in by_nobody["errors"]] == ["UNAUTHENTICATED"]
    assert await tasks.state() == ([], [], [])


async def test_an_id_of_another_form_is_no_category(tasks: Tasks, poster: str) -> None:
    for category_id in ("", "painting", new_id("task"), "category_' OR 1=1"):
        variables = {"input": tasks.input(categoryId=category_id)}

        answer = await tasks.served.execute(CREATE, variables, token=tasks.token(poster))

        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_ID"], category_id
    assert await tasks.state() == ([], [], [])


async def test_the_same_key_makes_one_task(tasks: Tasks, poster: str) -> None:
    given = tasks.input(idempotencyKey="key-1", publish=True)

    answers = await asyncio.gather(*(tasks.act(poster, CREATE, input=given) for _ in range(5)))
    again = await tasks.act(poster, CREATE, input=given)

    made = {answer["createTask"]["task"]["id"] for answer in answers if answer["createTask"]["task"]}
    assert made == {again["createTask"]["task"]["id"]}
    codes = {error["code"] for answer in answers for error in answer["createTask"]["userErrors"]}
    assert codes <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert len((await tasks.state())[0]) == 1
    assert await tasks.event_types() == ["tasks.task.created", "tasks.task.published"]


async def test_a_key_belongs_to_its_input_and_its_actor(tasks: Tasks, poster: str) -> None:
    first = await tasks.draft(poster, idempotencyKey="key-1")

    other_input = await tasks.act(poster, CREATE, input=tasks.input(idempotencyKey="key-1", mode="REMOTE"))
    other_actor = await tasks.draft(new_id("user"), idempotencyKey="key-1")

    reused = {"task": None, "userErrors": [{"code": "IDEMPOTENCY_KEY_REUSED", "field": None}]}
    assert other_input == {"createTask": reused}
    assert other_actor["id"] != first["id"]
    assert len((await tasks.state())[0]) == 2


async def test_texts_are_kept_as_they_are_written(tasks: Tasks, poster: str) -> None:
    title, description = "ทาสีรั้วบ้าน 🎨 <b>", "First line,\r\nsecond; DROP TABLE tasks; --\t'quoted' %s \\"

    task = await tasks.open(poster, title=title, description=description)

    assert task["title"] == title
    assert task["description"] == description.replace("\r\n", "\n")
    assert datetime.fromisoformat(task["createdAt"]).tzinfo == UTC
