"""What breaks, and what nobody loses by it: subscribers resume, writes are whole, the rest goes on."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from deploy.demo import live
from deploy.demo.live import Data, Refused, SignedOut
from deploy.demo.provider import give_card
from deploy.local import routers, secret_files
from deploy.local.layout import REPOSITORY, built_subgraphs
from deploy.local.stack import Stack
from shared import events
from supergraph.router import command
from tests.e2e.acceptance import Provider, acceptance
from tests.e2e.negotiation import UNREACHABLE, Negotiation, negotiation
from tests.e2e.people import (
    ACCEPT_BID,
    BID_EVENTS,
    NOTIFICATION_EVENTS,
    PLACE_BID,
    UPDATE_BID,
    Person,
    codes,
    euro,
    eventually,
    first,
    mutation,
    newcomer,
    person,
    viewing,
)
from tests.support.loopback import NO_TLS, free_port

# The first test waits for the whole system to start.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SUBGRAPH_TIMEOUT_SECONDS = 10
BROKER_OUTAGE_SECONDS = 20
# What a router says for a subgraph that does not answer; supergraph/README.md lists them.
UNAVAILABLE = {
    "SERVICE_UNAVAILABLE",
    "SUBREQUEST_HTTP_ERROR",
    "SUBGRAPH_REQUEST_TIMEOUT",
    "SUBGRAPH_CIRCUIT_BREAKER_REJECTED",
}


@pytest.fixture(autouse=True)
async def _whole_again(stack: Stack) -> AsyncIterator[None]:
    """After each test everything is up, and no router remembers that something was not."""
    yield
    await stack.ready()
    for edge in stack.edges.values():
        async with httpx.AsyncClient(base_url=edge, timeout=20, verify=NO_TLS) as client:
            await eventually(partial(serves, client), 30)


async def serves(client: httpx.AsyncClient) -> bool:
    query = "{ categories { id } tasks(first: 1) { nodes { id bidCount poster { displayName } } } }"
    return "errors" not in (await client.post("/graphql", json={"query": query})).json()


# --- subscribers get every event exactly once, in order ---


async def kill(stack: Stack, *names: str) -> None:
    await asyncio.gather(*map(stack.kill, names))
    await stack.ready(*names)


def router_names(stack: Stack) -> list[str]:
    return [stack.router(kind) for kind in stack.edges]


async def bids_is_killed(stack: Stack) -> None:
    await kill(stack, "bids")


async def bids_is_restarted(stack: Stack) -> None:
    await stack.restart("bids")


async def routers_are_killed(stack: Stack) -> None:
    await kill(stack, *router_names(stack))


async def routers_are_restarted(stack: Stack) -> None:
    await asyncio.gather(*map(stack.restart, router_names(stack)))


async def edges_are_killed(stack: Stack) -> None:
    await kill(stack, *(name for name, _ in zip(("edge", "edge-2"), stack.edges, strict=False)))


async def kafka_is_killed(stack: Stack) -> None:
    await kill(stack, "kafka")


async def redis_is_killed(stack: Stack) -> None:
    await kill(stack, "redis")


async def postgres_is_killed(stack: Stack) -> None:
    await kill(stack, "postgres")


FAULTS: dict[Callable[[Stack], Awaitable[None]], set[str]] = {
    # What writes may be answered with meanwhile.
    bids_is_killed: UNAVAILABLE,
    bids_is_restarted: UNAVAILABLE,
    routers_are_killed: {UNREACHABLE, "SERVICE_UNAVAILABLE", "NO_SUPERGRAPH_AVAILABLE"},
    routers_are_restarted: {UNREACHABLE, "SERVICE_UNAVAILABLE", "NO_SUPERGRAPH_AVAILABLE"},
    edges_are_killed: {UNREACHABLE},
    kafka_is_killed: set(),
    redis_is_killed: set(),
    postgres_is_killed: {"SERVICE_UNAVAILABLE"},
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_subscribers_see_every_change_once_although(
    stack: Stack, fault: Callable[[Stack], Awaitable[None]]
) -> None:
    async with negotiation(stack) as deal:
        await fault(stack)

        await deal.goes_on()
    assert deal.refusals <= FAULTS[fault]


async def test_a_client_that_is_killed_goes_on_where_it_was(stack: Stack) -> None:
    async with negotiation(stack) as deal:
        before = {edge: await printed_until_killed(edge, deal, events=5) for edge in stack.edges.values()}
        for edge, printed in before.items():
            last = printed[-1]["seq"]
            async with viewing(deal.followed_at(edge, after=last)) as view:
                await view.shows(3)
                assert view.events[0]["previousSeq"] == last
                together = printed + view.events
                assert [event["seq"] for event in together] == list(range(1, len(together) + 1))


async def printed_until_killed(edge: str, deal: Negotiation, events: int) -> list[Data]:
    """What a client in a process of its own saw before SIGKILL."""
    arguments = (websocket(edge), await deal.paula.token(), deal.task_id, "0")
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.subscriber", *arguments, cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    assert client.stdout is not None
    lines = [await client.stdout.readline() for _ in range(events)]
    client.kill()
    # What it has printed is what its user has seen.
    lines += (await client.stdout.read()).splitlines()
    await client.wait()
    return [json.loads(line) for line in lines]


async def test_a_subscription_survives_its_token(stack: Stack) -> None:
    async with negotiation(stack) as deal:
        short = short_token(stack, deal.paula, seconds=3)
        asked: list[str] = []

        async def token_source(refused: str = "") -> str:
            asked.append(refused)
            return await deal.paula.token() if refused else short

        for edge in stack.edges.values():
            variables = {"taskId": deal.task_id}
            await deal.watched_by(live.follow(websocket(edge), token_source, BID_EVENTS, variables, after=0))
        await eventually(lambda: asked.count(short) == len(stack.edges))
        await deal.goes_on()

    assert set(asked) == {"", short}


def short_token(stack: Stack, who: Person, seconds: float) -> str:
    """An access token as `users` signs them, that expires soon."""
    (key, *_) = json.loads(secret_files.signing_keys(stack.instance).read_text())["keys"]
    claims = jwt.decode(who.session["accessToken"], options={"verify_signature": False})
    claims["exp"] = int(time.time() + seconds)
    return jwt.encode(claims, jwt.PyJWK(key), algorithm="EdDSA", headers={"kid": key["kid"]})


async def test_a_session_that_ends_takes_its_subscriptions_along(stack: Stack) -> None:
    async with newcomer(first_edge(stack), "Lena", "POSTER") as lena, AsyncExitStack() as entered:
        views = [
            await entered.enter_async_context(viewing(lena.at(edge).follow(NOTIFICATION_EVENTS)))
            for edge in stack.edges.values()
        ]
        for view in views:
            await view.shows(1)

        ended = await lena.call("mutation { logOut(input: {}) { session { endedAt } userErrors { code } } }")

        assert ended["session"]["endedAt"]
        await eventually(lambda: all(isinstance(view.failure, SignedOut) for view in views), 15)


async def test_what_cannot_be_followed_is_said_and_not_tried_again(edge: str, stack: Stack) -> None:
    async with person(edge, "Paula", "POSTER") as paula, person(edge, "Tom", "TASKER") as tom:
        task_id = await paula.post_task()
        await tom.place_bid(task_id, "10.00")
        variables = {"taskId": task_id}

        with pytest.raises(Refused) as ahead:
            await first(paula.follow(BID_EVENTS, variables, after=2))
        with pytest.raises(Refused) as malformed:
            await first(paula.follow(BID_EVENTS, {"taskId": "bid_1"}, after=0))
        await forget(stack, f"task:{task_id}")
        with pytest.raises(Refused) as expired:
            await first(paula.follow(BID_EVENTS, variables, after=0))

    assert ahead.value.codes == ["BAD_REQUEST"]
    assert malformed.value.codes == ["INVALID_ID"]
    assert expired.value.codes == ["CURSOR_EXPIRED"]


async def forget(stack: Stack, stream: str) -> None:
    """Deletes the log of a stream in `bids`, as happens after 30 days."""
    connection = await asyncpg.connect(stack.database_url("bids").replace("+asyncpg", ""))
    await connection.execute("DELETE FROM outbox WHERE stream = $1", stream)
    await connection.close()


async def test_a_slow_reader_gets_what_routers_did_not_keep_for_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More events than fit between the subgraph and a client that does not read.

    Past the edge and with small buffers, since on some machines the kernel alone keeps tens of megabytes.
    tests/demo shows what the client does about an event that was dropped on the way.
    """
    count = 14_000
    monkeypatch.setattr(live, "connect", connect_with_small_buffers)
    async with newcomer(first_edge(stack), "Sloane", "POSTER") as sloane, AsyncExitStack() as entered:
        readers = {kind: SlowReader(sloane, stack.websocket_url(stack.router(kind))) for kind in stack.edges}
        for reader in readers.values():
            await entered.enter_async_context(aclosing(reader.events))
            await reader.read(1)
        await notify(stack, sloane.user_id, count, body="x" * 1_500)
        # Others are served meanwhile: this one over the same connection between router and subgraph.
        somebody = sloane.at(stack.edges[routers.EMBEDDED])
        async with viewing(somebody.follow(NOTIFICATION_EVENTS, after=1)) as quick:
            await quick.shows(count, 120)

        await asyncio.gather(*(reader.read(count) for reader in readers.values()))

    for reader in readers.values():
        assert reader.seen[0]["notification"]["title"] == "Welcome to Service Exchange"
        assert [event["seq"] for event in reader.seen] == list(range(1, count + 2))
        assert [event["notification"]["title"] for event in reader.seen[1:]] == [f"Number {n}" for n in range(count)]
        assert quick.events == reader.seen[1:]
    # Hive Router stops reading for such a client, and usually keeps its connection.
    assert readers[routers.EMBEDDED].connections > 1, "it lagged by too little to show anything"


class SlowReader:
    """Somebody's inbox, read only when the test says so."""

    def __init__(self, who: Person, url: str) -> None:
        self.seen: list[Data] = []
        self.connections = 0
        self._who = who
        self.events = live.follow(url, self._token, NOTIFICATION_EVENTS, {}, after=0)

    async def read(self, count: int) -> None:
        for _ in range(count):
            self.seen.append(await anext(self.events))

    async def _token(self, refused: str = "") -> str:
        self.connections += 1
        return await self._who.token(refused)


def connect_with_small_buffers(url: str, subprotocols: Sequence[Subprotocol], proxy: None) -> connect:
    address = urlsplit(url)
    connection = socket.socket()
    # Before it connects, since the window is agreed then.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.connect((address.hostname, address.port))
    return connect(url, sock=connection, subprotocols=subprotocols, proxy=proxy)


async def notify(stack: Stack, user_id: str, count: int, body: str) -> None:
    """Puts notifications into the stream of somebody who has one, as `notifications` would, but at once."""
    snapshot = events.NotificationSnapshot(
        id="notification_0", user_id=user_id, category="ACCOUNT", title="", body=body, created_at=datetime.now(UTC)
    )
    event = events.NotificationCreated(notification=snapshot)
    connection = await asyncpg.connect(stack.database_url("notifications").replace("+asyncpg", ""))
    async with connection.transaction():
        head = await connection.fetchval(
            "UPDATE streams SET head = head + $2 WHERE stream = $1 RETURNING head", event.stream, count
        )
        await connection.execute(
            """
            INSERT INTO outbox (stream, seq, event_id, type, topic, body, occurred_at)
            SELECT $1, $2::bigint + n, gen_random_uuid(), $3, $4,
                   jsonb_set($5::jsonb, '{notification,title}', to_jsonb('Number ' || n - 1)), now()
            FROM generate_series(1, $6::int) AS n ORDER BY n
            """,
            *(event.stream, head - count, event.type, event.topic, event.model_dump_json(), count),
        )
        await connection.execute("SELECT pg_notify('outbox', '')")
    await connection.close()


async def test_a_new_supergraph_is_taken_up_while_somebody_watches(stack: Stack, tmp_path: Path) -> None:
    """Behind routers of their own, since the supergraph of the others is the repository's."""
    supergraph = tmp_path / "supergraph.graphql"
    supergraph.write_text(command.SUPERGRAPH.read_text())
    known, changed = "Counts the bid's changes", "Counts how often the bid changed"
    assert known in supergraph.read_text()

    with ExitStack() as started:
        addresses = [started.enter_context(own_router(stack, kind, supergraph, tmp_path)) for kind in stack.edges]
        async with negotiation(stack) as deal:
            for address in addresses:
                await eventually(partial(describes, address, known), 30)
                await deal.watched_by(deal.followed_at(address))
            await deal.goes_on()

            # In place, as the composer writes it.
            supergraph.write_text(supergraph.read_text().replace(known, changed))
            for address in addresses:
                await eventually(partial(describes, address, changed), 30)
            await deal.goes_on()


async def describes(address: str, text: str) -> bool:
    """Whether the router there serves a supergraph with this text."""
    query = '{ __type(name: "Bid") { fields { description } } }'
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        try:
            return text in (await client.post(f"{address}/graphql", json={"query": query})).text
        except httpx.TransportError:
            return False


@contextmanager
def own_router(stack: Stack, kind: str, supergraph: Path, folder: Path) -> Iterator[str]:
    """A router beside those of the stack, with a supergraph file of its own. Gives its address."""
    port, metrics_port = free_port(), free_port()
    is_hive = kind == routers.HIVE_ROUTER
    argv, env = command.command(
        "hive-router" if is_hive else "embedded",
        port=port,
        metrics_port=metrics_port,
        subgraph_urls={name: stack.url(name, "/graphql") for name in built_subgraphs()},
        run_directory=folder,
        supergraph=supergraph,
        environment="development",
        binary=routers.hive_router_binary() if is_hive else None,
    )
    with (folder / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(argv, env={**os.environ, **env}, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


# --- outages ---


async def test_without_kafka_writes_go_on_and_events_arrive(stack: Stack) -> None:
    async with newcomer(first_edge(stack), "Petra", "POSTER") as petra:
        async with negotiation(stack, petra) as deal:
            down_since = time.monotonic()
            await stack.stop("kafka")
            # Subscriptions go on from the log.
            while time.monotonic() < down_since + BROKER_OUTAGE_SECONDS:
                await deal.goes_on()
            read = await petra.answer("query ($id: ID!) { task(id: $id) { status bidCount } }", id=deal.task_id)
            assert read == {"data": {"task": {"status": "OPEN", "bidCount": 1}}}
            await stack.start_again("kafka")
            await deal.goes_on()
        assert deal.refusals == set()

        # What others make of the events is made up for, once each.
        changes = await deal.version() - 1
        async with viewing(petra.follow(NOTIFICATION_EVENTS)) as inbox:
            await inbox.shows(2 + changes, 60)
            await petra.call(mutation("markAllRead", "count"), input={})
            await inbox.shows(3 + changes)
        assert inbox.types == ["CREATED"] * (2 + changes) + ["ALL_READ"]
        titles = [event["notification"]["title"] for event in inbox.events[:-1]]
        assert sorted(titles) == ["Bid changed"] * changes + ["New bid", "Welcome to Service Exchange"]


async def test_without_redis_everything_goes_on(stack: Stack) -> None:
    async with negotiation(stack) as deal:
        await stack.stop("redis")
        async with newcomer(first_edge(stack), "Remy", "TASKER") as remy:
            assert await remy.call("{ me { displayName } }") == {"displayName": "Remy"}
            bid = await remy.place_bid(await deal.paula.post_task(), "50.00")
            await give_card(deal.paula.call, stack.url("sandbox"))
            assert (await deal.paula.accept_bid(bid))["status"] == "ACCEPTED"
        await deal.goes_on()
        await stack.start_again("redis")
    assert deal.refusals == set()


async def test_without_postgres_writes_are_refused_whole_and_come_back_by_themselves(stack: Stack) -> None:
    async with negotiation(stack) as deal:
        await stack.stop("postgres")
        for edge in stack.edges.values():
            async with deal.tom.at(edge) as tom:
                change = {"bidId": deal.bid_id, "amount": euro("7.00")}
                written = await tom.answer(UPDATE_BID, input=change)
                read = await tom.answer("{ myTasks(as: POSTER) { nodes { id } } unreadCount }")
            assert (written["data"], codes(written)) == (None, {"SERVICE_UNAVAILABLE"})
            assert read["data"] == {"myTasks": None, "unreadCount": None}
            assert codes(read) == {"SERVICE_UNAVAILABLE"}
        await stack.start_again("postgres")
        # The first write counts already, here through `tasks`.
        await deal.paula.post_task()
        await deal.goes_on()
    assert deal.refusals == {"SERVICE_UNAVAILABLE"}


OWN_AND_FOREIGN = """query ($id: ID!) {
    task(id: $id) { id title poster { id displayName } bidCount bids { nodes { id } } myBid { id } } }"""


async def test_a_subgraph_that_is_down_costs_its_fields_and_no_more_than_its_timeout(stack: Stack) -> None:
    async with person(first_edge(stack), "Paula", "POSTER") as paula, AsyncExitStack() as entered:
        task_id = await paula.post_task()
        at_edges = [await entered.enter_async_context(paula.at(edge)) for edge in stack.edges.values()]

        async def reads() -> float:
            """Everybody reads the task at once, and gets all but what `bids` knows. Returns the longest time."""
            started = time.monotonic()
            answers = await asyncio.gather(*(somebody.answer(OWN_AND_FOREIGN, id=task_id) for somebody in at_edges))
            for answer in answers:
                assert answer["data"] == {
                    "task": {
                        "id": task_id,
                        "title": "Paint the garden fence",
                        "poster": {"id": paula.user_id, "displayName": "Paula"},
                        "bidCount": None,
                        "bids": None,
                        "myBid": None,
                    }
                }
                assert codes(answer) <= UNAVAILABLE
                assert codes(answer)
            return time.monotonic() - started

        stack.send("bids", signal.SIGSTOP)
        try:
            assert await reads() < SUBGRAPH_TIMEOUT_SECONDS + 3
        finally:
            stack.send("bids", signal.SIGCONT)
        await stack.stop("bids")
        assert await reads() < 3
        for somebody in at_edges:
            placed = await somebody.answer(PLACE_BID, input={"taskId": task_id, "amount": euro("5.00"), "message": ""})
            assert placed["data"] is None
            assert codes(placed) <= UNAVAILABLE
        await stack.start_again("bids")


# --- the price of an accepted bid is taken once ---


async def test_what_was_charged_as_payments_died_is_held_and_not_charged_again(stack: Stack) -> None:
    """The provider has the money, its answer never comes, and neither does its webhook for a while."""
    async with acceptance(stack, card="answer_lost") as deal:
        await deal.provider.sends_webhooks("late", seconds=10)
        await deal.accept()

        async def is_charged() -> bool:
            return bool(await deal.provider.charged(deal.task_ids[0]))

        await eventually(is_charged)
        await kill(stack, "payments")
        await deal.provider.sends_webhooks("on-time")


async def test_without_the_provider_an_acceptance_waits_for_it(stack: Stack) -> None:
    async with acceptance(stack) as deal:
        await stack.stop("sandbox")
        await deal.accept()
        await deal.shows("OPENED")
        await stack.start_again("sandbox")


async def test_what_is_paid_is_assigned_once_whoever_dies_between(stack: Stack) -> None:
    async with acceptance(stack) as deal:
        await stack.stop("tasks")
        await deal.accept()
        await deal.shows("OPENED", "FUNDED")
        await kill(stack, "payments", "kafka")
        await stack.start_again("tasks")
        await stack.kill("tasks")


async def test_of_acceptances_none_is_lost_or_paid_twice_although_everything_dies(stack: Stack) -> None:
    async with acceptance(stack, count=4) as deal:
        accepting = asyncio.create_task(deal.accept())
        await deal.money[0].shows(1)
        await kill(stack, "bids", "payments", "tasks", "sandbox", "postgres", *router_names(stack))
        await accepting


# --- everybody at once ---


async def test_of_a_hundred_acceptances_at_once_one_wins(stack: Stack) -> None:
    first = first_edge(stack)
    async with AsyncExitStack() as entered:
        paula, *taskers = [
            await entered.enter_async_context(person(first, name, role))
            for name, role in (("Paula", "POSTER"), ("Tom", "TASKER"), ("Tina", "TASKER"), ("Theo", "TASKER"))
        ]
        task_id = await paula.post_task()
        bids = [await tasker.place_bid(task_id, "100.00") for tasker in taskers]
        await give_card(paula.call, stack.url("sandbox"))
        at_edges = [await entered.enter_async_context(paula.at(edge)) for edge in stack.edges.values()]

        answers = await asyncio.gather(
            *(
                at_edges[number % len(at_edges)].answer(
                    ACCEPT_BID, input={"bidId": bids[number % len(bids)]["id"], "expectedVersion": 1}
                )
                for number in range(100)
            )
        )

        payloads = [answer["data"]["acceptBid"] for answer in answers]
        # Who sends the acceptance that won again is answered as if it were done now.
        (won,) = {payload["bid"]["id"]: payload for payload in payloads if payload["bid"]}.values()
        of_it = [
            payload for number, payload in enumerate(payloads) if bids[number % len(bids)]["id"] == won["bid"]["id"]
        ]
        assert all(payload["bid"] and payload["userErrors"] == [] for payload in of_it)
        lost = [payload for payload in payloads if payload not in of_it]
        refused = {"bid": None, "userErrors": [{"code": "TASK_ALREADY_TAKEN", "field": ["bidId"]}]}
        assert lost == [refused] * (100 - len(of_it))

        async with viewing(paula.follow(BID_EVENTS, {"taskId": task_id})) as view:
            await view.shows(7)
        assert view.types == ["PLACED"] * 3 + ["ACCEPTED", "AWARDED", "DECLINED", "DECLINED"]
        assert {event["bid"]["id"] for event in view.events[3:5]} == {won["bid"]["id"]}
        task = await paula.call("query ($id: ID!) { task(id: $id) { status tasker { id } } }", id=task_id)
        assert task == {"status": "ASSIGNED", "tasker": won["bid"]["tasker"]}
        assert await Provider(stack).charged(task_id) == [10_000]


def first_edge(stack: Stack) -> str:
    return next(iter(stack.edges.values()))


def websocket(edge: str) -> str:
    return f"{edge.replace('http', 'ws', 1)}/graphql"
