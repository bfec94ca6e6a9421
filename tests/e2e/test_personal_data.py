"""Where personal data is while somebody is there, and once they have left: what they leave is looked for everywhere."""

import asyncio
import importlib
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import httpx
import pytest

from deploy.local import routers
from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from shared import clock
from shared.config import Settings
from shared.privacy.personal_data import PLATFORM
from tests.e2e import failing, search
from tests.e2e import marked as life
from tests.e2e.collector import Collector
from tests.e2e.marked import ERASE, Marked
from tests.e2e.observing import EXPORTED_WITHIN
from tests.e2e.people import Person, become_admin, eventually, new_email, new_password
from tests.e2e.search import ANSWERED
from tests.support.loopback import NO_TLS

pytestmark = pytest.mark.e2e

Places = Mapping[str, set[str]]


_USER_EVENTS = {"users.outbox.body", "topic users.user"}
_TASK_EVENTS = {"tasks.outbox.body", "topic tasks.task"}
_BID_EVENTS = {"bids.outbox.body", "topic bids.bid"}
_TOLD = {"notifications.notifications.body", "notifications.outbox.body", "topic notifications.notification"}
_TITLE = {
    *("tasks.tasks.title", "tasks.tasks.search", "bids.tasks.title", "notifications.tasks.title"),
    *("locations.tasks.title", "locations.tasks.search", "payments.task_titles.title"),
    *_TASK_EVENTS,
}
_REQUIREMENT = {"tasks.tasks.requirements", *_TASK_EVENTS}
_DESCRIPTION = {"tasks.tasks.description", "tasks.tasks.search", "locations.tasks.search", *_TASK_EVENTS}
_LETTER = {"topic users.user.dlq"}

WHILE_THERE: Places = {
    # Contact data is in its own column and nowhere else, in no event above all.
    "e-mail": {"users.users.email"},
    "phone": {"users.users.phone"},
    "street": {"locations.places.address"},
    "user agent": {"users.sessions.user_agent"},
    # What everybody sees goes with events to those who show it; a dead letter is the event as it was.
    "display name": {
        *("users.users.display_name", "notifications.users.display_name", "payments.people.display_name"),
        *_USER_EVENTS,
        *_LETTER,
        *_TOLD,
    },
    "bio": _USER_EVENTS,
    "bio of a dead letter": {"users.users.bio", *_USER_EVENTS, *_LETTER},
    "avatar": {"users.users.avatar_url", *_USER_EVENTS, *_LETTER},
    "skill": {"users.users.skills", *_USER_EVENTS, *_LETTER},
    # What the person wrote about their work, where it is shown.
    "title of the open task": {*_TITLE, *_TOLD},
    "title of the task called off": _TITLE,
    "title of the task given": {*_TITLE, *_TOLD},
    "description of the open task": _DESCRIPTION,
    "description of the task called off": _DESCRIPTION,
    "description of the task given": _DESCRIPTION,
    "requirement of the open task": _REQUIREMENT,
    "requirement of the task called off": _REQUIREMENT,
    "requirement of the task given": _REQUIREMENT,
    "reason to call off": {"tasks.tasks.cancelled_reason", *_TASK_EVENTS},
    "message of a bid": {"bids.bids.message", *_BID_EVENTS},
    "reason to decline": {"bids.bids.decline_message", *_BID_EVENTS, *_TOLD},
    "message of a counter-offer": {"bids.offers.message", *_BID_EVENTS, *_TOLD},
    "message of an invitation": {"bids.invitations.message", *_BID_EVENTS, *_TOLD},
    # What an admin says of them for the record.
    "reason to remove a second factor": _USER_EVENTS,
    # For the eyes of few, and in no event.
    "text of a report": {"users.reports.text"},
    "note of the rejection": {"users.identity_verifications.rejection_note"},
    # A client's own choice, and kept for a day.
    "key of the sign-up": {"users.idempotency_keys.key"},
    "key of the document": {"users.idempotency_keys.key"},
    "key of the card": {"payments.idempotency_keys.key"},
    "key of the place": {"locations.idempotency_keys.key"},
    "key of the report": {"users.idempotency_keys.key"},
    "key of the open task": {"tasks.idempotency_keys.key"},
    "key of the task called off": {"tasks.idempotency_keys.key"},
    "key of the task given": {"tasks.idempotency_keys.key"},
    # The test wrote it there itself; the letter is the message as it was, and its headers say nothing of it.
    "text of a malformed message": {"topic users.user", *_LETTER},
    # A page's path and the names in a document are of a program: nobody writes what is theirs there.
    "path that is none": {"log access.log"},
    "name that a client chose": {ANSWERED},
}
"""Where each text is that a person left; it is nowhere else, and what is not named here is nowhere."""

BEHIND_HIVE_ROUTER: Places = {
    "name that a client chose": {ANSWERED, "log router.log", "spans"},
    "value over a WebSocket": {ANSWERED},
}
"""What is different there: operations are named in its log and spans, and no plugin is asked about such an error."""

KEPT: Places = {"title of the task given": {"tasks.tasks.title", "tasks.tasks.search"}}
"""What stays of somebody who left, as the record of whom they gave the work to."""


@dataclass
class Found:
    """Where the texts of each person were, behind each router."""

    before: dict[str, Places]
    after: dict[str, Places]
    since_they_left: dict[str, Places]
    """Of topics what was published after they had left."""
    waiting_mails: tuple[int, int]
    """How many mails to them waited before and after."""
    nowhere: set[str]
    """The names of texts that were found nowhere."""


@pytest.fixture(scope="module")
def found(stack: Stack, collector: Collector) -> Found:
    return asyncio.run(_live_and_leave(stack, collector))


def test_personal_data_is_where_it_must_be_and_nowhere_else(found: Found) -> None:
    for router, seen in found.before.items():
        assert seen == {**WHILE_THERE, **_of(BEHIND_HIVE_ROUTER, router)}
    # What was looked for and is nowhere: secrets, and what was refused.
    assert {
        "password", "new password", "wrong password", "forged token", "first accessToken 0", "first accessToken 1",
        "first refreshToken 0", "second refreshToken 0", "secret of one-time codes", "recovery code 0", "challenge",
        "secret that was lost", "third accessToken 0", "third refreshToken 0",
        "verification code", "reset code", "code of a refused mail", "code of a mail that waits", "document's number",
        "document's number as typed", "full name", "phone as typed", "referer", "cookie", "address",
        "value of the wrong type", "literal in a document", "in no JSON", "no message", "query of an address",
        "text of a failed report", "client secret of the card",
    } <= found.nowhere  # fmt: skip


def test_of_somebody_who_left_only_what_is_promised_remains(found: Found) -> None:
    for router, seen in found.after.items():
        gone = {
            what: {place for place in where if not place.startswith(_DATABASES)} | KEPT.get(what, set())
            for what, where in {**WHILE_THERE, **_of(BEHIND_HIVE_ROUTER, router)}.items()
        }
        assert seen == {what: where for what, where in gone.items() if where}
    assert found.waiting_mails == (len(found.before), 0)


def test_what_is_published_after_somebody_left_holds_nothing_of_them(found: Found) -> None:
    topics = {
        (what, place)
        for seen in found.since_they_left.values()
        for what, where in seen.items()
        for place in where
        # What was on its way to be told may name them until notifications hears that they left.
        if place.startswith("topic ") and place != "topic notifications.notification"
    }
    assert topics == set()


async def test_no_topic_keeps_what_it_has_for_longer_than_promised(stack: Stack, found: Found) -> None:
    kept = await search.retention(stack)

    assert {"users.user", "users.user.dlq", "tasks.task", "bids.bid", "notifications.notification"} <= kept.keys()
    days = Settings.model_fields["stream_retention_days"].default
    assert set(kept.values()) == {("delete", str(days * 86_400_000))}


def test_every_column_that_may_hold_something_is_declared_as_personal() -> None:
    personal = {
        f"{name}.{held.table.name}.{column}"
        for name in built_subgraphs()
        for held in (*importlib.import_module(f"subgraphs.{name}.personal_data").HELD, *PLATFORM)
        for column in held.personal
    }
    # The log of events, whose texts are declared beside the events, and what is made of two declared columns.
    beside = {f"{name}.outbox.body" for name in built_subgraphs()} | {"tasks.tasks.search"}
    columns = {place for where in WHILE_THERE.values() for place in where if place.startswith(_DATABASES)}
    assert columns - beside <= personal
    assert {place for where in KEPT.values() for place in where} <= columns


_DATABASES = tuple(f"{name}." for name in built_subgraphs())


def _of(places: Places, router: str) -> Places:
    return places if router == routers.HIVE_ROUTER else {}


async def _live_and_leave(stack: Stack, collector: Collector) -> Found:
    edges = stack.edges.values()
    begun = clock.now()
    async with asyncio.timeout(300), AsyncExitStack() as entered:
        people = [await entered.enter_async_context(Marked(edge)) for edge in edges]
        others = [await entered.enter_async_context(Person(edge, "Olga")) for edge in edges]
        admins = [await entered.enter_async_context(Person(edge, "Ada")) for edge in edges]
        for each in (*others, *admins):
            await each.sign_up(new_email(), new_password(), ["POSTER", "TASKER"])
        for each in admins:
            await become_admin(stack, each)
        # Whose search finds a task is told its title: nobody's who was here before.
        await _rows(stack, "locations", "DELETE FROM saved_searches")
        everybody = [*people, *others, *admins]
        await asyncio.gather(*(_live(stack, *each) for each in zip(people, others, admins, strict=True)))
        await _settled(stack, begun)
        await failing.fail(stack, people, others)
        async with failing.refusing_mail_server(stack) as answers:
            await failing.be_written_to(stack, people, answers)
            await _all_exported(stack, collector)
            waiting = await _waiting_mails(stack, people)
            before = await _look(stack, collector, people, everybody)
            offsets, left_at = await search.offsets(stack), clock.now()
            for each in people:
                confirmed = {"password": each.password, "code": each.recovery_codes.pop()}
                assert (await each.call(ERASE, input=confirmed))["user"] == {"status": "ERASED"}
            await _settled(stack, left_at)
            await _erased_once_more(stack, people)
            after = await _look(stack, collector, people, everybody)
            since = await _look(stack, collector, people, everybody, offsets)
            waiting_after = await _waiting_mails(stack, people)
        names = {what for each in people for what in each.marks}
        return Found(
            before, after, since, (waiting, waiting_after), names - {w for seen in before.values() for w in seen}
        )


async def _live(stack: Stack, each: Marked, other: Person, admin: Person) -> None:
    await life.sign_up(stack, each)
    await life.lose_factor(each, admin)
    await life.secure(stack, each)
    await life.identify(each, admin)
    await life.give_card(each, stack.url("sandbox"))
    await life.deal(each, other)
    await life.export(each)
    await life.err(stack, each)


async def _waiting_mails(stack: Stack, people: list[Marked]) -> int:
    ids = [each.user_id for each in people]
    return len(await _rows(stack, "users", "SELECT FROM mails WHERE user_id = ANY($1)", ids))


async def _all_exported(stack: Stack, collector: Collector) -> None:
    """Waits until what was recorded of everything so far has been exported: spans leave in order."""
    doors = {name: stack.url(name, "/graphql") for name in built_subgraphs()}
    if routers.HIVE_ROUTER in stack.edges:
        doors["router"] = f"{stack.edges[routers.HIVE_ROUTER]}/graphql"
    traces = {name: secrets.token_hex(16) for name in doors}
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        for name, url in doors.items():
            headers = {"traceparent": f"00-{traces[name]}-{secrets.token_hex(8)}-01"}
            await client.post(url, json={"query": "{ __typename }"}, headers=headers)
    await eventually(
        lambda: all(name in {span.service for span in collector.trace(trace)} for name, trace in traces.items()),
        EXPORTED_WITHIN,
    )


async def _settled(stack: Stack, since: datetime) -> None:
    """Waits until every event from then on has been handled by whom it concerns."""

    async def settled() -> bool:
        events = [
            row for name in built_subgraphs() for row in await _rows(stack, name, "SELECT event_id, type FROM outbox"
            " WHERE occurred_at >= $1", since)
        ]  # fmt: skip
        for name in built_subgraphs():
            consumers = importlib.import_module(f"subgraphs.{name}.consumers")
            handled = {row["event_id"] for row in await _rows(stack, name, "SELECT event_id FROM inbox")}
            types = consumers.handlers.by_type().keys()
            if not {event["event_id"] for event in events if event["type"] in types} <= handled:
                return False
        return True

    await eventually(settled, 60)


async def _erased_once_more(stack: Stack, people: list[Marked]) -> None:
    """Has the second pass done, a minute early: what was on its way while they left goes only with it."""
    theirs = "kind = 'erasure_settled' AND subject_id = ANY($1)"
    ids = [each.user_id for each in people]

    async def erased() -> bool:
        return not any(
            [await _rows(stack, name, f"SELECT FROM deadlines WHERE {theirs}", ids) for name in built_subgraphs()]
        )

    for name in built_subgraphs():
        await _rows(stack, name, f"UPDATE deadlines SET due_at = now() WHERE {theirs}", ids)
    await eventually(erased, 60)


async def _rows(stack: Stack, subgraph: str, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.database_url(subgraph).replace("+asyncpg", ""))
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement, *values)
        return found
    finally:
        await connection.close()


async def _look(
    stack: Stack,
    collector: Collector,
    people: list[Marked],
    everybody: list[Person],
    since: search.Offsets | None = None,
) -> dict[str, Places]:
    """The places of each person's texts, by the router in front of them."""
    texts = {f"{each.edge} {what}": text for each in people for what, text in each.marks.items()}
    received = [body for each in everybody for body in each.received]
    found = await search.find(texts, search.everything(stack, collector, received, since))
    return {
        router: {what: where for what in each.marks if (where := found[f"{each.edge} {what}"])}
        for router, each in zip(stack.edges, people, strict=True)
    }
