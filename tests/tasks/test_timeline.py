"""Task.timeline: what happened, told to those who may know of it."""

from typing import Any

from shared.ids import new_id
from tests.tasks.conftest import APPROVE, DELIVER, PUBLISH, REQUEST_CHANGES, START, Tasks

TIMELINE = """
query ($id: ID!, $first: Int, $after: String) {
    task(id: $id) { timeline(first: $first, after: $after) {
        nodes { seq type actor { id } message } totalCount pageInfo { endCursor hasNextPage }
    } }
}"""


async def timeline(tasks: Tasks, viewer: str | None, task_id: str, **window: Any) -> dict[str, Any]:
    token = tasks.token(viewer) if viewer else None
    answer = await tasks.served.execute(TIMELINE, {"id": task_id, **window}, token=token)
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["task"]["timeline"]
    return found


async def test_everybody_sees_what_they_may_know(tasks: Tasks, poster: str) -> None:
    tasker = new_id("user")
    draft = await tasks.draft(poster)
    await tasks.does(poster, PUBLISH, draft["id"])
    await tasks.assign(poster, tasker, draft["id"])
    await tasks.does(tasker, START, draft["id"])
    await tasks.does(tasker, DELIVER, draft["id"], message="Both sides are done.")
    await tasks.does(poster, REQUEST_CHANGES, draft["id"], message="The gate is missing.")
    last = await tasks.does(tasker, DELIVER, draft["id"], message="And now the gate.")
    await tasks.does(poster, APPROVE, draft["id"], expectedVersion=last["version"])

    of_poster = (await timeline(tasks, poster, draft["id"]))["nodes"]
    of_tasker = (await timeline(tasks, tasker, draft["id"]))["nodes"]
    of_others = [(await timeline(tasks, viewer, draft["id"]))["nodes"] for viewer in (None, new_id("user"))]

    told = [
        ("CREATED", poster, None),
        ("PUBLISHED", poster, None),
        ("ASSIGNED", poster, None),
        ("STARTED", tasker, None),
        ("DELIVERED", tasker, "Both sides are done."),
        ("CHANGES_REQUESTED", poster, "The gate is missing."),
        ("DELIVERED", tasker, "And now the gate."),
        ("COMPLETED", poster, None),
    ]
    assert of_poster == [
        {"seq": seq, "type": type_, "actor": {"id": actor}, "message": message}
        for seq, (type_, actor, message) in enumerate(told, start=1)
    ]
    assert of_tasker == of_poster[1:]
    public = [each for each in of_poster[1:] if each["type"] != "CHANGES_REQUESTED"]
    for nodes in of_others:
        assert nodes == [{**each, "message": None} for each in public]


async def test_a_timeline_is_read_in_pages(tasks: Tasks, poster: str) -> None:
    task = await tasks.delivered(poster, new_id("user"))

    seen, after = [], None
    while True:
        page = await timeline(tasks, None, task["id"], first=2, after=after)
        assert page["totalCount"] == 4
        seen += [node["type"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == ["PUBLISHED", "ASSIGNED", "STARTED", "DELIVERED"]


async def test_the_timeline_and_the_log_number_alike(tasks: Tasks, poster: str) -> None:
    task = await tasks.delivered(poster, new_id("user"))

    nodes = (await timeline(tasks, poster, task["id"]))["nodes"]

    log = [(seq, f"tasks.task.{type_.lower()}") for seq, type_ in ((each["seq"], each["type"]) for each in nodes)]
    assert log == [(seq, type_) for _, seq, type_ in (await tasks.state())[1]]
