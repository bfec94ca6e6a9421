"""What tasks hands out of a person."""

from datetime import timedelta

from sqlalchemy import text

from shared import clock, events
from shared.ids import new_id
from tests.conftest import Elsewhere
from tests.support.messaging import eventually
from tests.support.passes import erased_at_each_pass
from tests.support.redelivery import deliver_twice
from tests.support.sealed import Export
from tests.tasks.conftest import TASK, Tasks


async def test_an_export_holds_what_one_wrote(tasks: Tasks, elsewhere: Elsewhere) -> None:
    person, other = new_id("user"), new_id("user")
    draft = await tasks.draft(person, title="A draft of mine")
    posted = await tasks.open(person, description="Ring at Soi 4, number 11, for the key.")
    taken = await tasks.open(other, title="Their task, which I do")
    await tasks.set(taken["id"], tasker_id=person, status="ASSIGNED")
    await tasks.open(other)
    export = Export(person)

    await deliver_twice(elsewhere, "tasks", export.request)

    async with tasks.database.transaction() as session:
        found = "SELECT body FROM outbox WHERE type = 'tasks.export.sealed' ORDER BY position"
        bodies = list((await session.scalars(text(found))).all())
    documents = export.open(bodies)
    by_part = {(each["table"], each["person"]): each["rows"] for each in documents[:-1]}
    assert {row["id"]: row["title"] for row in by_part["tasks", "poster_id"]} == {
        draft["id"]: "A draft of mine",
        posted["id"]: posted["title"],
    }
    assert "Ring at Soi 4, number 11, for the key." in [row["description"] for row in by_part["tasks", "poster_id"]]
    # The other one's words are theirs.
    (done,) = by_part["tasks", "tasker_id"]
    assert done["id"] == taken["id"]
    assert not {"title", "description"} & done.keys()
    assert documents[-1]["rows"] == {"tasks.poster_id": 2, "tasks.tasker_id": 1, "task_steps.actor_id": 3}


async def test_the_words_of_somebody_who_left_are_gone_and_their_tasks_called_off(
    tasks: Tasks, elsewhere: Elsewhere
) -> None:
    person, other = new_id("user"), new_id("user")
    words = {"title": "Marked title of a task", "description": "A marked description, with an address in it."}
    posted = await tasks.open(person, **words)
    draft = await tasks.draft(person, **words)
    given = await tasks.open(person, **words)
    await tasks.set(given["id"], tasker_id=other, status="COMPLETED")
    in_flight = await tasks.open(other)
    await tasks.set(in_flight["id"], tasker_id=person, status="ASSIGNED")
    untouched = await tasks.open(other)

    await deliver_twice(elsewhere, "tasks", events.UserErased(user_id=person))

    async with tasks.database.transaction() as session:
        rows = (await session.execute(text("SELECT id, title, description, status FROM tasks"))).all()
        log = (await session.scalars(text("SELECT CAST(body AS text) FROM outbox"))).all()
        cancelled = (
            await session.execute(
                text("SELECT body #>> '{task,id}', body #>> '{reason}' FROM outbox WHERE type = 'tasks.task.cancelled'")
            )
        ).all()
    gone = ("[deleted]", "[deleted]")
    assert {row[0]: tuple(row[1:]) for row in rows} == {
        posted["id"]: (*gone, "CANCELLED"),
        draft["id"]: (*gone, "CANCELLED"),
        # The heading of what the tasker did is their record.
        given["id"]: ("Marked title of a task", "[deleted]", "COMPLETED"),
        in_flight["id"]: (in_flight["title"], in_flight["description"], "CANCELLED"),
        untouched["id"]: (untouched["title"], untouched["description"], "OPEN"),
    }
    assert [body for body in log if "arked" in body] == []
    assert {row[0]: row[1] for row in cancelled} == {
        posted["id"]: "The poster has left.",
        draft["id"]: "The poster has left.",
        in_flight["id"]: "The tasker has left.",
    }


async def test_what_comes_later_is_erased_as_well(tasks: Tasks, poster: str, elsewhere: Elsewhere) -> None:
    task = await tasks.draft(poster)
    await deliver_twice(elsewhere, "tasks", events.UserErased(user_id=poster))

    async def comes_back() -> None:
        await tasks.set(task["id"], description="A marked description")

    async def is_gone() -> bool:
        async with tasks.database.transaction() as session:
            return await session.scalar(text("SELECT description FROM tasks")) == "[deleted]"

    await erased_at_each_pass(comes_back, is_gone)


async def test_what_somebody_got_who_was_leaving_is_called_off_a_minute_later(
    tasks: Tasks, poster: str, elsewhere: Elsewhere
) -> None:
    tasker = new_id("user")
    task = await tasks.open(poster)
    await deliver_twice(elsewhere, "tasks", events.UserErased(user_id=tasker))
    # The acceptance of their bid was on its way.
    assert (await tasks.assign(poster, tasker, task["id"]))["status"] == "ASSIGNED"

    async def called_off() -> bool:
        return bool((await tasks.act(poster, TASK, id=task["id"]))["task"]["status"] == "CANCELLED")

    with clock.offset(timedelta(minutes=1, seconds=1)):
        await eventually(called_off)
    (told,) = await tasks.told("tasks.task.cancelled")
    assert (told["task"]["id"], told["reason"]) == (task["id"], "The tasker has left.")
