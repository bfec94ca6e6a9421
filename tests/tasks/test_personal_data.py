"""What tasks hands out of a person."""

from sqlalchemy import text

from shared.ids import new_id
from tests.conftest import Elsewhere
from tests.redelivery import deliver_twice
from tests.sealed import Export
from tests.tasks.conftest import Tasks


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
    assert documents[-1]["rows"] == {"tasks.poster_id": 2, "tasks.tasker_id": 1}
