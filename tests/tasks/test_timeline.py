"""Task.timeline: what happened, told to those who may know of it."""

from typing import Any

from shared import events
from shared.ids import new_id
from subgraphs.tasks import actions
from tests.conftest import Elsewhere
from tests.support import factories
from tests.support.redelivery import deliver, deliver_twice
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


async def test_its_poster_sees_how_a_task_comes_to_be_paid(tasks: Tasks, elsewhere: Elsewhere, poster: str) -> None:
    """In the order of the money, however often and late it is told of it; nobody learns who may get the task."""
    task = await tasks.open(poster)
    first = factories.escrow_snapshot(task_id=task["id"], poster_id=poster, status="PENDING")
    second = factories.escrow_snapshot(task_id=task["id"], poster_id=poster, status="PENDING")
    failed = events.EscrowFundingFailed(escrow=first, reason="NOT_PAID_IN_TIME")

    opened = events.EscrowOpened(escrow=first)
    await deliver_twice(elsewhere, "tasks", opened, failed, events.EscrowOpened(escrow=second))
    await tell_again(tasks, opened, 1)
    await tell_again(tasks, failed, 2)
    await deliver(elsewhere, "tasks", events.EscrowFunded(escrow=second))
    await tell_again(tasks, events.EscrowOpened(escrow=second), 5)

    told = [("FUNDING_STARTED", poster), ("FUNDING_FAILED", None), ("FUNDING_STARTED", poster), ("ASSIGNED", poster)]
    nodes = (await timeline(tasks, poster, task["id"]))["nodes"]
    assert [(each["type"], each["actor"] and each["actor"]["id"]) for each in nodes[2:]] == told
    for viewer in (second.tasker_id, first.tasker_id, None):
        seen = (await timeline(tasks, viewer, task["id"]))["nodes"]
        assert [each["type"] for each in seen] == ["PUBLISHED", "ASSIGNED"]
    log = await tasks.event_types()
    assert log[2:] == [f"tasks.task.{type_.lower()}" for type_, _ in told]
    (body,) = await tasks.told("tasks.task.funding_failed")
    assert (body["bid_id"], body["reason"]) == (first.bid_id, "NOT_PAID_IN_TIME")
    assert (body["task"]["status"], body["task"]["version"]) == ("OPEN", task["version"])
    follow = "subscription ($id: ID!) { taskEvents(taskId: $id, after: 2) { type } }"
    for viewer, types in ((poster, [type_ for type_, _ in told]), (second.tasker_id, ["ASSIGNED"])):
        async with tasks.served.connect(token=tasks.token(viewer)) as client:
            await client.subscribe(follow, {"id": task["id"]})
            for type_ in types:
                assert (await client.receive())["payload"]["data"]["taskEvents"] == {"type": type_}


async def tell_again(tasks: Tasks, event: events.EscrowOpened | events.EscrowFundingFailed, seq: int) -> None:
    """An event under another id, as a dead letter that is replayed after the inbox has forgotten it."""
    async with tasks.database.transaction() as session:
        if isinstance(event, events.EscrowOpened):
            await actions.assignment.tell_funding_started(session, event.escrow, seq)
        else:
            await actions.assignment.tell_funding_failed(session, event.escrow, event.reason, seq)


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
