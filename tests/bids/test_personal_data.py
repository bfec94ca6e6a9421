"""What bids hands out of a person."""

from shared import events
from shared.ids import new_id
from tests.bids.conftest import DECLINE, INVITE, MESSAGE, SHORTLIST, Bids, counter
from tests.conftest import Elsewhere
from tests.support.passes import erased_at_each_pass
from tests.support.redelivery import deliver_twice
from tests.support.sealed import Export

LEFT_OUT = {
    "blocks.blocked_id": "Nobody is told who blocked them.",
    "idempotency_keys.input_hash": "Only recognises a request that comes again.",
}


async def test_an_export_holds_ones_own_words_and_nobody_elses(bids: Bids, elsewhere: Elsewhere) -> None:
    poster, tasker = new_id("user"), new_id("user")
    task, other = await bids.task(poster_id=poster, title="Paint the fence"), await bids.task()
    mine = await bids.place(task, tasker, message=MESSAGE)
    theirs = await bids.place(task, message="I am somebody else and would do this as well.")
    posted = await bids.task(poster_id=tasker, title="Mend my roof")
    offered = await bids.place(posted, message="I mend roofs, and I am somebody else.")
    await bids.place(other)
    countered = await counter(bids, poster, mine, "100", message="I am the poster and it is half in the shade.")
    await counter(bids, tasker, countered, "130", message="I bring the ladder.")
    await bids.act(poster, SHORTLIST, input={"bidId": mine["id"]})
    invited = await bids.tasker()
    given = {"taskId": posted.id, "taskerId": invited, "message": "You did well last year."}
    await bids.act(tasker, INVITE, input=given)
    export = Export(tasker)

    await deliver_twice(elsewhere, "bids", export.request)

    documents = export.open(await bids.bodies("bids.export.sealed"))
    by_part = {(each["table"], each["person"]): each["rows"] for each in documents[:-1]}
    assert by_part.keys() == {
        ("bids", "tasker_id"), ("bids", "poster_id"), ("tasks", "poster_id"), ("offers", "author_id"),
        ("offers", "recipient_id"), ("invitations", "poster_id"),
    }  # fmt: skip
    (own,) = by_part["bids", "tasker_id"]
    assert (own["id"], own["message"], own["amount_minor"]) == (mine["id"], MESSAGE, 15_000)
    # The poster's mark is the poster's.
    assert "shortlisted_at" not in own
    assert [row["message"] for row in by_part["offers", "author_id"]] == ["I bring the ladder."]
    assert [(row["amount_minor"], "message" in row) for row in by_part["offers", "recipient_id"]] == [(10_000, False)]
    assert [row["message"] for row in by_part["invitations", "poster_id"]] == ["You did well last year."]
    (got,) = by_part["bids", "poster_id"]
    assert got["id"] == offered["id"]
    assert "message" not in got
    assert [row["title"] for row in by_part["tasks", "poster_id"]] == ["Mend my roof"]
    counts = {
        "bids.tasker_id": 1, "bids.poster_id": 1, "tasks.poster_id": 1, "offers.author_id": 1,
        "offers.recipient_id": 1, "invitations.poster_id": 1,
    }  # fmt: skip
    assert documents[-1] == {"rows": counts, "left_out": LEFT_OUT}
    assert theirs["id"] not in str(documents)


async def test_much_is_handed_out_in_parts(bids: Bids, elsewhere: Elsewhere) -> None:
    tasker = new_id("user")
    for _ in range(60):
        await bids.place(await bids.task(), tasker, message="word " * 250)
    export = Export(tasker)

    await deliver_twice(elsewhere, "bids", export.request)

    bodies = await bids.bodies("bids.export.sealed")
    documents = export.open(bodies)
    assert len(documents) > 3
    assert all(len(body["sealed"]) < 60_000 for body in bodies)
    assert sum(len(each["rows"]) for each in documents[:-1]) == 60
    assert documents[-1]["rows"] == {"bids.tasker_id": 60}


async def test_the_words_of_somebody_who_left_are_gone_and_their_bids_withdrawn(
    bids: Bids, elsewhere: Elsewhere
) -> None:
    person = new_id("user")
    words = "A marked message of the one who is going to leave."
    task, other, own = await bids.task(), await bids.task(), await bids.task(poster_id=person, title="A marked title")
    pending = await bids.place(task, person, message=words)
    awarded = await bids.place(other, person, message=words)
    await bids.sql("UPDATE bids SET status = 'AWARDED' WHERE id = :id RETURNING 1", id=awarded["id"])
    theirs = await bids.place(own)
    kept = await bids.place(task)
    await counter(bids, task.poster_id, pending, "100")
    countered = await counter(bids, person, {**pending, "version": 2}, "120", message="A marked offer")
    await counter(bids, task.poster_id, countered, "110", message="Mine stays.")
    await counter(bids, person, theirs, "90", message="A marked offer to somebody else")
    given = {"taskId": own.id, "taskerId": await bids.tasker(), "message": "A marked invitation"}
    assert (await bids.act(person, INVITE, input=given))["inviteToBid"]["userErrors"] == []
    declined = {"bidId": theirs["id"], "reason": "OTHER", "message": "A marked reason"}
    assert (await bids.act(person, DECLINE, input=declined))["declineBid"]["userErrors"] == []

    await deliver_twice(elsewhere, "bids", events.UserErased(user_id=person))

    assert await bids.statuses() == {
        pending["id"]: "WITHDRAWN",
        awarded["id"]: "AWARDED",
        theirs["id"]: "DECLINED",
        kept["id"]: "PENDING",
    }
    rows = dict(await bids.sql("SELECT id, message FROM bids"))
    assert [rows[bid["id"]] for bid in (pending, awarded)] == ["[deleted]", "[deleted]"]
    assert rows[kept["id"]] == MESSAGE
    everything = [
        *await bids.sql("SELECT CAST(body AS text) FROM outbox"),
        *await bids.sql("SELECT CAST(t AS text) FROM tasks AS t"),
        *await bids.sql("SELECT CAST(b AS text) FROM bids AS b"),
        *await bids.sql("SELECT CAST(o AS text) FROM offers AS o"),
        *await bids.sql("SELECT CAST(i AS text) FROM invitations AS i"),
    ]
    assert [row for row in everything if "marked" in str(row)] == []
    # What others wrote stays, and so does that the bid was negotiated.
    assert await bids.sql("SELECT message FROM offers WHERE message IS NOT NULL") == [("Mine stays.",)]
    assert len(await bids.sql("SELECT 1 FROM offers")) == 4
    # The poster of the task hears of it by the same event as of any withdrawn bid.
    assert [body["bid"]["id"] for body in await bids.bodies("bids.bid.withdrawn")] == [pending["id"]]


async def test_what_comes_later_is_erased_as_well(bids: Bids, elsewhere: Elsewhere) -> None:
    person = new_id("user")
    await bids.place(await bids.task(), person)
    await deliver_twice(elsewhere, "bids", events.UserErased(user_id=person))

    async def comes_back() -> None:
        await bids.sql("UPDATE bids SET message = 'A marked message' RETURNING 1")

    async def is_gone() -> bool:
        return await bids.sql("SELECT message FROM bids") == [("[deleted]",)]

    await erased_at_each_pass(comes_back, is_gone)
