"""The same command once more: by the same person it answers what is now, and nothing more happens."""

from typing import Any

import pytest

from shared.ids import new_id
from subgraphs.tasks.rules.agreements import Kind
from tests.tasks import test_agreements
from tests.tasks.conftest import (
    APPROVE,
    CANCEL,
    DELIVER,
    PUBLISH,
    REPOST,
    REQUEST_CHANGES,
    START,
    UPDATE,
    Tasks,
)  # fmt: skip
from tests.tasks.test_lifecycle import MESSAGE

# Where the task stands, who does it, and what the input needs besides the task's id.
MUTATIONS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "updateTask": (UPDATE, "draft", "poster", {"title": "Paint the other fence", "expectedVersion": None}),
    "publishTask": (PUBLISH, "draft", "poster", {"expectedVersion": None}),
    "repostTask": (REPOST, "expired", "poster", {}),
    "startTask": (START, "assigned", "tasker", {"expectedVersion": None}),
    "submitDelivery": (DELIVER, "started", "tasker", MESSAGE),
    "requestChanges": (REQUEST_CHANGES, "delivered", "poster", MESSAGE),
    "approveDelivery": (APPROVE, "delivered", "poster", {"expectedVersion": None}),
    "cancelTask": (CANCEL, "assigned", "tasker", {"reason": "It rains."}),
}


async def begin(tasks: Tasks, stands: str, poster: str, tasker: str) -> dict[str, Any]:
    match stands:
        case "draft":
            return await tasks.draft(poster)
        case "expired":
            task = await tasks.open(poster)
            await tasks.set(task["id"], status="EXPIRED")
            return task
        case "assigned":
            return await tasks.assigned(poster, tasker)
        case "started":
            return await tasks.started(poster, tasker)
        case _:
            return await tasks.delivered(poster, tasker)


@pytest.mark.parametrize("name", MUTATIONS)
async def test_sent_again_it_answers_the_task_and_nothing_happens(tasks: Tasks, poster: str, name: str) -> None:
    document, stands, who, more = MUTATIONS[name]
    tasker = new_id("user")
    task = await begin(tasks, stands, poster, tasker)
    given = {"taskId": task["id"], **more}
    if "expectedVersion" in given:
        given["expectedVersion"] = task["version"]
    one, other = (poster, tasker) if who == "poster" else (tasker, poster)

    first = await tasks.act(one, document, input=given)
    before = await tasks.state()
    second = await tasks.act(one, document, input=given)
    by_the_other = (await tasks.act(other, document, input=given))[name]

    assert first[name]["userErrors"] == []
    assert first == second
    assert await tasks.state() == before
    # Nor is it theirs.
    assert by_the_other["userErrors"][0]["code"] in ("NOT_ALLOWED", "NOT_FOUND", "INVALID_TRANSITION")


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("kind", Kind)
async def test_an_answer_sent_again_answers_the_request(tasks: Tasks, poster: str, kind: Kind, accept: bool) -> None:
    tasker = new_id("user")
    task = await tasks.started(poster, tasker)
    asked = (await test_agreements.asks(tasks, tasker, kind, task["id"]))["agreement"]

    first = await test_agreements.answers(tasks, poster, kind, asked, accept)
    before = await tasks.state()
    second = await test_agreements.answers(tasks, poster, kind, asked, accept)
    otherwise = await test_agreements.answers(tasks, poster, kind, asked, not accept)

    assert first["userErrors"] == []
    assert first == second
    # It may have ended with the task, or waits for the money.
    assert otherwise["userErrors"][0]["code"] == "VERSION_CONFLICT"
    assert await tasks.state() == before


async def test_what_happened_by_itself_is_nobodys_command(tasks: Tasks, poster: str) -> None:
    tasker = new_id("user")
    started = await tasks.started(poster, tasker)
    # The tasker began; no delivery was sent back.
    payload = (await tasks.act(poster, REQUEST_CHANGES, input={"taskId": started["id"], **MESSAGE}))["requestChanges"]
    assert payload == {"task": None, "userErrors": [{"code": "INVALID_TRANSITION", "field": None}]}


async def test_a_conflict_shows_the_task_as_it_is_not_as_it_was_to_be(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster)
    seen = {"taskId": task["id"], "expectedVersion": task["version"]}
    changed = (await tasks.act(poster, UPDATE, input={**seen, "title": "Paint the other fence"}))["updateTask"]["task"]
    before = await tasks.state()

    payload = (await tasks.act(poster, UPDATE, input={**seen, "title": "Paint yet another fence"}))["updateTask"]

    assert payload == {"task": changed, "userErrors": [{"code": "VERSION_CONFLICT", "field": None}]}
    assert await tasks.state() == before
