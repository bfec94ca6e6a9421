"""Fixtures of all tests: real PostgreSQL, Redis and Kafka, and the whole system for tests/e2e."""

import asyncio
import gc
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import jwt
import pytest
import uvloop

from deploy.local.layout import tools_on_path
from deploy.local.stack import Stack
from shared import events
from shared.config import Settings
from shared.database.db import Database
from shared.messaging.outbox import Relay, emit
from tests.support import infrastructure
from tests.support.kept import Keeper
from tests.support.messaging import sql
from tests.support.serving import Served, application, serve

tools_on_path()

pytest_plugins = ("tests.support.order", "tests.support.report", "tests.support.sample")

# What a subgraph runs on; whatever else runs beside it asks for some of these.
_PARTS = frozenset({"database_url", "redis_url", "topic_prefix"})


class SettingsFor(Protocol):
    """Settings of a subgraph's process on the test infrastructure; keywords change single ones."""

    def __call__(self, subgraph: str, **changes: object) -> Settings: ...


class ServeSubgraph(Protocol):
    """Serves a subgraph with changed settings."""

    def __call__(self, subgraph: str, **changes: object) -> AbstractAsyncContextManager[Served]: ...


class AccessToken(Protocol):
    """An access token, as `users` would sign it."""

    def __call__(
        self,
        user_id: str,
        *,
        roles: tuple[str, ...] = ("POSTER", "TASKER"),
        scope: str = "marketplace",
        session_id: str = "session_01jdtest",
        expires_in: float = 900,
    ) -> str: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a plain test that asks for an asynchronous fixture.

    pytest-asyncio would begin another loop for it, and with it, for all tests after it, what the session shares.
    """
    for item in items:
        if not isinstance(item, pytest.Function) or item.get_closest_marker("asyncio"):
            continue
        for name, definitions in item._fixtureinfo.name2fixturedefs.items():
            fixture = definitions[-1].func
            if inspect.iscoroutinefunction(fixture) or inspect.isasyncgenfunction(fixture):
                raise pytest.UsageError(f"{item.nodeid} is to be `async def`, since its fixture {name} is")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spares collections of garbage the thousands of tests and all that they import, which stay to the end."""
    gc.collect()
    gc.freeze()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of production, for what runs within a test's process too."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole system, with an edge and each router that is installed, started once for all tests.

    `stack.edges` has their addresses. A test that takes a part of it down brings it back.
    """
    with infrastructure.whole_system() as running:
        yield running


@pytest.fixture(scope="session")
def test_infrastructure() -> Iterator[None]:
    """PostgreSQL, Redis and Kafka, for as long as this process needs them."""
    with infrastructure.start():
        yield


@pytest.fixture(scope="session")
def _databases(test_infrastructure: None) -> Iterator[dict[str, infrastructure.ScratchDatabase]]:
    yield {}
    infrastructure.drop_databases()


@pytest.fixture
def database_url(_databases: dict[str, infrastructure.ScratchDatabase]) -> Iterator[Callable[[str], str]]:
    """`database_url("bids")`: a database built by the migrations, emptied again after the test.

    `database_url("platform")` has the platform's tables alone.
    """
    used: dict[str, infrastructure.ScratchDatabase] = {}

    def address(subgraph: str) -> str:
        if subgraph not in _databases:
            _databases[subgraph] = infrastructure.create_database(subgraph)
        used[subgraph] = _databases[subgraph]
        return used[subgraph].url

    yield address
    infrastructure.clear(used.values())


@pytest.fixture(scope="session")
def _redis_database(test_infrastructure: None) -> Iterator[str]:
    with infrastructure.redis_database() as url:
        yield url


@pytest.fixture
def redis_url(_redis_database: str) -> str:
    """An empty Redis database of this test's own."""
    infrastructure.flush(_redis_database)
    return _redis_database


@pytest.fixture(scope="session")
def kafka_bootstrap(test_infrastructure: None) -> str:
    """The broker; shared, so names begin with `topic_prefix`."""
    return infrastructure.INSTANCE.address("kafka")


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test uses."""
    return infrastructure.topic_prefix()


@pytest.fixture
def settings_for(database_url: Callable[[str], str], redis_url: str, topic_prefix: str, tmp_path: Path) -> SettingsFor:
    """`settings_for("bids")`: those of a process on an empty database, Redis database and topics of the test's own."""

    def settings(subgraph: str, **changes: object) -> Settings:
        return infrastructure.settings(
            subgraph, database_url(subgraph), redis_url, topic_prefix, tmp_path / "files", changes
        )

    return settings


@pytest.fixture(scope="session")
async def _keeper(
    _databases: object, test_infrastructure: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Keeper]:
    with infrastructure.redis_database() as url:
        keeper = Keeper(url, tmp_path_factory.mktemp("kept") / "files")
        yield keeper
        await keeper.close()


@pytest.fixture
def serve_subgraph(request: pytest.FixtureRequest, _keeper: Keeper) -> ServeSubgraph:
    """The subgraph without data, running on from the test before where it can.

    A test that asks for a part of what a subgraph runs on, to bring in others, gets one of its own.
    """
    is_kept = _PARTS.isdisjoint(request.fixturenames)

    @asynccontextmanager
    async def start(subgraph: str, **changes: object) -> AsyncIterator[Served]:
        if is_kept:
            yield await _keeper.serve(subgraph, changes)
            return
        settings = request.getfixturevalue("settings_for")(subgraph, **changes)
        async with serve(application(subgraph, settings)) as served:
            yield served

    return start


@pytest.fixture
def access_token(test_infrastructure: None) -> AccessToken:
    def sign(
        user_id: str,
        *,
        roles: tuple[str, ...] = ("POSTER", "TASKER"),
        scope: str = "marketplace",
        session_id: str = "session_01jdtest",
        expires_in: float = 900,
    ) -> str:
        key = infrastructure.signing_key()
        claims = {
            "iss": "service-exchange",
            "aud": "service-exchange",
            "sub": user_id,
            "sid": session_id,
            "roles": list(roles),
            "scope": scope,
            "iat": int(time.time()),
            "exp": int(time.time() + expires_in),
        }
        return jwt.encode(claims, jwt.PyJWK(key), algorithm="EdDSA", headers={"kid": key["kid"]})

    return sign


class Elsewhere:
    """Another subgraph, which publishes events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def emit(self, *happened: events.Event) -> None:
        """Publishes each in a transaction of its own."""
        for event in happened:
            async with self._database.transaction() as session:
                await emit(session, event)

    async def repeat(self) -> None:
        """Publishes everything once more, like a relay that died before it noted what it had published."""
        published = "SELECT NOT EXISTS (SELECT FROM outbox WHERE published_at IS NULL)"
        while not (await sql(self._database, published))[0][0]:
            await asyncio.sleep(0.01)
        await sql(self._database, "UPDATE outbox SET published_at = NULL")
        await sql(self._database, "SELECT CAST(pg_notify('outbox', '') AS text)")


@pytest.fixture
async def elsewhere(settings_for: SettingsFor) -> AsyncIterator[Elsewhere]:
    settings = settings_for("platform")
    database = Database(settings)
    relay = Relay(database, settings)
    await relay.start()
    yield Elsewhere(database)
    await relay.stop()
    await database.close()
