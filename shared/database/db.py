"""PostgreSQL: transactions for writes, autocommit reads.

Reads run on an engine of their own in autocommit mode: a loader batch is one statement and one round
trip, without BEGIN and ROLLBACK around it. Both pools are small, since eight subgraphs with several
replicas share `max_connections`.
"""

from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeVar, cast

import asyncpg
import orjson
from sqlalchemy import ARRAY, ColumnElement, Row, Select, SQLColumnExpression, any_, bindparam, event, inspect, select
from sqlalchemy.engine import URL, AdaptedConnection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from shared.config import Settings
from shared.errors import ServiceUnavailable

Model = TypeVar("Model")
K = TypeVar("K")

_SETTINGS = "settings"
_WAKES = "wakes"

# SQLSTATE classes and codes after which the same request may succeed a moment later: connection
# exceptions, insufficient resources, operator intervention, serialization failure, deadlock, lock timeout.
_TRANSIENT_SQLSTATES = ("08", "53", "57", "40001", "40P01", "55P03")


def is_unavailable(error: BaseException) -> bool:
    """Whether the database could not serve at this moment, as opposed to refusing the statement."""
    if isinstance(error, PoolTimeout | InterfaceError | ConnectionError | TimeoutError):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, OperationalError):
            return True
        return is_unavailable(error.orig.__cause__ or error.orig) if error.orig else False
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_TRANSIENT_SQLSTATES)
    return isinstance(error, asyncpg.InterfaceError | OSError)


@asynccontextmanager
async def _unavailable_as_request_error() -> AsyncIterator[None]:
    try:
        yield
    except Exception as error:
        if is_unavailable(error):
            raise ServiceUnavailable("The database is not available at the moment; try again.") from error
        raise


class Database:
    """The database of one subgraph."""

    def __init__(self, settings: Settings) -> None:
        self._connect_timeout = settings.database_connect_timeout_seconds
        self.url: URL = make_url(settings.database_url.get_secret_value())
        self._writes = _engine(self.url, settings, settings.transaction_pool_size)
        self._reads = _engine(self.url, settings, settings.read_pool_size, isolation_level="AUTOCOMMIT")
        self.wakes: set[Callable[[], None]] = set()
        """What is called after the commit of a transaction that asked for it by `wake_after_commit`."""
        self._session = async_sessionmaker(self._writes, expire_on_commit=False, info={_SETTINGS: settings})

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends and rolled back when it raises.

        The only place that commits. Raises ServiceUnavailable when the database cannot be reached;
        a commit whose answer was lost raises it too, so whatever must not happen twice carries an
        idempotency key.
        """
        async with _unavailable_as_request_error(), self._session() as session:
            async with session.begin():
                try:
                    yield session
                except BaseException:
                    # A rollback expires all rows, also the current one that a VersionConflict answers with.
                    session.expunge_all()
                    raise
            if _WAKES in session.info:
                for wake in self.wakes:
                    wake()

    async def rows(
        self, model: type[Model], statement: Select[*tuple[object, ...]], parameters: Mapping[str, object] | None = None
    ) -> Sequence[Model]:
        """The rows of one autocommit statement; its columns must be named as attributes of `model`.

        They are named tuples, typed as the model that they stand for: loading through the ORM costs about
        three times as much CPU, and reading an attribute of a Core row ten times as much as one of a tuple.
        They are read-only and belong to no session.
        """
        rows = await self.fetch(statement, parameters)
        return cast("Sequence[Model]", list(map(_record(rows[0]._fields)._make, rows)) if rows else ())

    async def fetch(
        self, statement: Select[*tuple[object, ...]], parameters: Mapping[str, object] | None = None
    ) -> Sequence[Row[*tuple[object, ...]]]:
        """All rows of one autocommit statement.

        Tries a second time when the connection turns out to be dead: a pool that outlived a restart of
        the database is full of such, and the first failure empties it. A read can be repeated.
        """
        async with _unavailable_as_request_error():
            try:
                return await self._fetch_once(statement, parameters)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return await self._fetch_once(statement, parameters)

    async def _fetch_once(
        self, statement: Select[*tuple[object, ...]], parameters: Mapping[str, object] | None
    ) -> Sequence[Row[*tuple[object, ...]]]:
        async with self._reads.connect() as connection:
            return (await connection.execute(statement, parameters)).all()

    async def check(self) -> None:
        """Raises ServiceUnavailable unless the database answers."""
        async with _unavailable_as_request_error(), self._reads.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")

    def pools(self) -> dict[str, AsyncEngine]:
        """The engines by name, for metrics."""
        return {"transaction": self._writes, "read": self._reads}

    async def listen(self) -> asyncpg.Connection:
        """A plain asyncpg connection of the caller's own, for LISTEN and advisory locks held for long."""
        return await asyncpg.connect(
            host=self.url.host, port=self.url.port, user=self.url.username,
            password=self.url.password, database=self.url.database, timeout=self._connect_timeout,
        )  # fmt: skip

    async def close(self) -> None:
        await self._writes.dispose()
        await self._reads.dispose()


@cache
def _record(columns: tuple[str, ...]) -> Any:
    """A class of named tuples; there are as many as there are different lists of columns in the code."""
    return namedtuple("Record", columns)  # noqa: PYI024  # no types are known


def settings_of(session: AsyncSession) -> Settings:
    """The settings of the process that a transaction is of, for those who are given nothing else."""
    settings: Settings = session.info[_SETTINGS]
    return settings


def wake_after_commit(session: AsyncSession) -> None:
    """Has `Database.wakes` called once the transaction is committed; not if it is rolled back."""
    session.info[_WAKES] = True


def columns_of(model: type[SQLModel]) -> list[ColumnElement[object]]:
    """The columns of a model's table, for a select whose rows carry them all."""
    return list(inspect(model).columns)


def any_of(column: SQLColumnExpression[K], keys: Collection[K]) -> ColumnElement[bool]:
    """Whether the column is one of the keys: one array parameter, so that the statement's text, and with it
    its prepared plan, is the same for any number of keys."""
    key_type: TypeEngine[K] = next(iter(select(column).selected_columns)).type
    return column == any_(bindparam(None, list(keys), ARRAY(key_type)))


def unlocked(rows: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """What `rows` selects, locked, without what somebody else holds: for the statement that changes those rows.

    Evaluated once. PostgreSQL may join a subquery row by row and then evaluates it anew each time, without the rows
    that were changed so far: as one with a LIMIT it would lock more than that.
    """
    return select(rows.with_for_update(skip_locked=True).cte().prefix_with("MATERIALIZED"))


def _engine(url: URL, settings: Settings, size: int, isolation_level: str | None = None) -> AsyncEngine:
    options = {"isolation_level": isolation_level} if isolation_level else {}
    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        # Parameters are what people wrote; an exception's text goes to the log.
        hide_parameters=True,
        json_deserializer=orjson.loads,
        pool_timeout=settings.database_pool_timeout_seconds,
        pool_recycle=1800,
        connect_args={
            "timeout": settings.database_connect_timeout_seconds,
            "server_settings": {
                "application_name": f"exchange-{url.database}",
                "statement_timeout": str(int(settings.statement_timeout_seconds * 1000)),
                "lock_timeout": str(int(settings.statement_timeout_seconds * 1000)),
                "idle_in_transaction_session_timeout": "60000",
                "jit": "off",
            },
        },
        **options,
    )
    event.listen(engine.sync_engine, "checkout", _replace_closed)
    return engine


def _replace_closed(connection: DBAPIConnection, record: object, proxy: object) -> None:
    """Has the pool replace a connection that the server has closed, such as by a restart.

    asyncpg knows that without a round trip; otherwise the first write after a restart would fail.
    """
    driver_connection = cast("asyncpg.Connection", cast("AdaptedConnection", connection).driver_connection)
    if driver_connection.is_closed():
        raise DisconnectionError
