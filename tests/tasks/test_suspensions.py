"""The tasks of somebody who is suspended: not found, still there, and found again afterwards."""

from typing import Any

from shared import events
from shared.ids import new_id
from subgraphs.tasks import actions
from tests.conftest import Elsewhere
from tests.support.messaging import sql
from tests.support.redelivery import deliver, deliver_twice
from tests.tasks.conftest import TASK, Tasks

SEARCH = "query($filter: TaskFilter) { tasks(filter: $filter) { totalCount nodes { id } } }"
MINE = "{ myTasks(as: POSTER) { nodes { id } } }"


async def found(tasks: Tasks, **filter: Any) -> list[str]:
    """What somebody else finds."""
    page = (await tasks.act(new_id("user"), SEARCH, filter=filter))["tasks"]
    assert page["totalCount"] == len(page["nodes"])
    return [node["id"] for node in page["nodes"]]


def suspended(user_id: str) -> events.UserSuspended:
    return events.UserSuspended(user_id=user_id, reason="Asked for money outside.", by=new_id("user"))


async def test_no_search_finds_the_tasks_of_a_suspended_poster_until_they_are_back(
    tasks: Tasks, poster: str, elsewhere: Elsewhere
) -> None:
    theirs, other = await tasks.open(poster), await tasks.open(new_id("user"))
    assert await found(tasks) == [other["id"], theirs["id"]]

    await deliver_twice(elsewhere, "tasks", suspended(poster))

    assert await found(tasks) == [other["id"]]
    for wanted in ({"text": "fence"}, {"status": "OPEN"}):
        assert await found(tasks, **wanted) == [other["id"]]
    assert await found(tasks, posterId=poster, status=None) == []
    # Whoever knows it, such as its bidders, can read it; nothing was called off.
    shown = (await tasks.act(new_id("user"), TASK, id=theirs["id"]))["task"]
    assert shown == theirs
    assert (await tasks.act(poster, MINE))["myTasks"]["nodes"] == [{"id": theirs["id"]}]

    await deliver_twice(elsewhere, "tasks", events.UserReinstated(user_id=poster))
    assert await found(tasks) == [other["id"], theirs["id"]]


async def test_an_old_suspension_that_comes_later_changes_nothing(
    tasks: Tasks, poster: str, elsewhere: Elsewhere
) -> None:
    task = await tasks.open(poster)
    await deliver(elsewhere, "tasks", suspended(poster), events.UserReinstated(user_id=poster))

    # A dead letter that is replayed under a new event id.
    async with tasks.database.transaction() as session:
        await actions.people.copy_suspension(session, poster, is_suspended=True, seq=1)

    assert await found(tasks) == [task["id"]]


async def test_nothing_of_a_suspension_is_left_of_who_is_erased(
    tasks: Tasks, poster: str, elsewhere: Elsewhere
) -> None:
    await deliver_twice(elsewhere, "tasks", suspended(poster), events.UserErased(user_id=poster))
    assert await sql(tasks.database, "SELECT * FROM suspensions") == []
