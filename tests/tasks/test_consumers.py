"""What tasks does when payments tells what became of the money, and locations whose a place is."""

from typing import Any

from shared import events
from shared.ids import new_id
from subgraphs.tasks import actions
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Status
from tests.conftest import Elsewhere
from tests.support import factories
from tests.support.messaging import eventually, sql
from tests.tasks.conftest import CANCEL, TASK, Tasks


def funded(task_id: str, **changes: Any) -> events.EscrowFunded:
    return events.EscrowFunded(escrow=factories.escrow_snapshot(task_id=task_id, **changes))


async def emitted(tasks: Tasks, event_type: str) -> list[dict[str, Any]]:
    """The bodies of all events of a type."""
    rows = await sql(tasks.database, "SELECT body FROM outbox WHERE type = :type ORDER BY position", type=event_type)
    return [body for (body,) in rows if isinstance(body, dict)]


async def handled(tasks: Tasks) -> int:
    return len(await sql(tasks.database, "SELECT event_id FROM inbox"))


async def test_a_bid_whose_price_is_held_gets_the_task(tasks: Tasks, elsewhere: Elsewhere, poster: str) -> None:
    task = await tasks.open(poster)
    happened = funded(task["id"], poster_id=poster)

    await elsewhere.emit(happened)
    (body,) = await eventually(lambda: emitted(tasks, "tasks.task.assigned"))

    assigned = (await tasks.act(new_id("user"), TASK, id=task["id"]))["task"]
    assert assigned == {
        **task,
        "tasker": {"id": happened.escrow.tasker_id},
        "status": "ASSIGNED",
        "version": 3,
        "updatedAt": assigned["updatedAt"],
    }
    assert body["bid_id"] == happened.escrow.bid_id
    assert (body["task"]["status"], body["task"]["tasker_id"]) == ("ASSIGNED", happened.escrow.tasker_id)
    assert (await tasks.state())[2] == []


async def test_a_task_that_is_taken_or_over_is_not_assigned(tasks: Tasks, elsewhere: Elsewhere, poster: str) -> None:
    impossible = [status for status in Status if (status, Command.ASSIGN) not in TRANSITIONS]
    happened = []
    for status in impossible:
        task = await tasks.open(poster)
        await tasks.set(task["id"], status=status.value)
        happened.append(funded(task["id"], poster_id=poster))
    before = (await tasks.state())[0]

    await elsewhere.emit(*happened)
    await eventually(lambda: _count(tasks, "tasks.task.assignment_rejected", len(impossible)))

    bodies = {body["bid_id"]: body for body in await emitted(tasks, "tasks.task.assignment_rejected")}
    for event, status in zip(happened, impossible, strict=True):
        body = bodies[event.escrow.bid_id]
        assert (body["task"]["status"], body["tasker_id"]) == (status, event.escrow.tasker_id)
        assert body["reason"]
    assert (await tasks.state())[0] == before


async def test_the_same_money_has_one_effect(tasks: Tasks, elsewhere: Elsewhere, poster: str) -> None:
    task = await tasks.open(poster)
    first, second = funded(task["id"], poster_id=poster), funded(task["id"], poster_id=poster)

    # The same money under another event id, as after a replay that outlived the inbox.
    await elsewhere.emit(first, first, second, first)
    await eventually(lambda: _handled(tasks, 4))

    steps = ["tasks.task.created", "tasks.task.published", "tasks.task.assigned", "tasks.task.assignment_rejected"]
    assert await tasks.event_types() == steps
    (rejected,) = await emitted(tasks, "tasks.task.assignment_rejected")
    assert rejected["bid_id"] == second.escrow.bid_id
    assert (await tasks.act(poster, TASK, id=task["id"]))["task"]["tasker"] == {"id": first.escrow.tasker_id}


async def test_an_assigned_task_can_be_called_off_and_not_assigned_again(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    first, second = (factories.escrow_snapshot(task_id=task["id"]) for _ in range(2))

    async with tasks.database.transaction() as session:
        await actions.assignment.assign_task(session, first)
    await tasks.act(poster, CANCEL, input={"taskId": task["id"], "reason": "Done it myself"})
    async with tasks.database.transaction() as session:
        await actions.assignment.assign_task(session, second)

    (rejected,) = await emitted(tasks, "tasks.task.assignment_rejected")
    assert rejected["task"]["cancelled_reason"] == "Done it myself"
    assert rejected["reason"] == "The task is cancelled already."


async def test_money_for_an_unknown_task_becomes_a_dead_letter_and_the_rest_goes_on(
    tasks: Tasks, elsewhere: Elsewhere, poster: str
) -> None:
    task = await tasks.open(poster)

    await elsewhere.emit(funded(new_id("task")), funded(task["id"], poster_id=poster))

    await eventually(lambda: emitted(tasks, "tasks.task.assigned"))


async def _count(tasks: Tasks, event_type: str, count: int) -> bool:
    return len(await emitted(tasks, event_type)) == count


async def _handled(tasks: Tasks, count: int) -> bool:
    return await handled(tasks) == count


async def test_whose_a_place_is_and_that_it_is_no_more_is_known(
    tasks: Tasks, elsewhere: Elsewhere, poster: str
) -> None:
    """Also if its beginning comes once more."""
    place = {"place_id": new_id("place"), "owner_id": poster}

    await elsewhere.emit(events.PlaceCreated(**place), events.PlaceDeleted(**place))
    await eventually(lambda: _copies(tasks, place["place_id"], is_deleted=True))
    async with tasks.database.transaction() as session:
        await actions.places.copy_place(session, **place, is_deleted=False, seq=1)

    assert await _copies(tasks, place["place_id"], is_deleted=True)


async def _copies(tasks: Tasks, place_id: str, *, is_deleted: bool) -> bool:
    found = "SELECT id FROM places WHERE id = :id AND is_deleted = :is_deleted"
    return bool(await sql(tasks.database, found, id=place_id, is_deleted=is_deleted))
