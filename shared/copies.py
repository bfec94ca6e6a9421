"""Local copies of what other subgraphs tell: who is suspended, who blocked whom, and what has not come yet."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TypeVar

import structlog
from sqlalchemy import Table, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from shared import background
from shared.database.db import Database, any_of
from shared.database.locks import lock
from shared.database.models import bigint_field, key_field
from shared.errors import InteractionBlocked, NotFound, ServiceUnavailable
from shared.privacy.personal_data import Held, table_of

log = structlog.get_logger(__name__)

R = TypeVar("R")

PATIENCE_SECONDS = 1.0
"""How long a copy that is not there is waited for; usually it comes within 50 milliseconds."""
MOST_WAITING = 100
"""How many requests of one process wait at once; the next one is answered without."""
MOST_WAITING_PER_CALLER = 5
_LOOK_SECONDS = 0.05


class NotCopied(NotFound):
    """An id of the right kind that the local copy does not know: it may not have come yet.

    What an action raises where it looks for a copy, before it has done anything. It is run again once the copy is
    there; else this is the answer.
    """

    def __init__(self, message: str, copy: type[SQLModel], copy_id: str, *, field: tuple[str, ...]) -> None:
        super().__init__(message, field=field)
        self.table = table_of(copy)
        self.copy_id = copy_id


class Arrivals:
    """The requests of one process that wait for copies. They hold neither a connection nor a transaction.

    The consumer of this process says what it has handled; for what another replica has handled all that is waited
    for is looked up now and then, by one statement a table. The age of an id tells nothing: of what was a draft for
    years others hear as late as of what is new.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[tuple[Table, str], set[asyncio.Event]] = {}
        self._callers: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._callers.total()

    async def awaited(self, caller: str, attempt: Callable[[], Awaitable[R]]) -> R:
        """What `attempt` answers, which is made again when the copy that it misses has come.

        Raises NotCopied after a second, at once if too many wait already.
        """
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                return await attempt()
            except NotCopied as missing:
                if not await self._comes(caller, (missing.table, missing.copy_id), until):
                    raise

    def told(self, stream: str) -> None:
        """An event of this stream is handled: whoever waits for what it is about looks again."""
        copy_id = stream.partition(":")[2]
        self._wake(key for key in self._waiting if key[1] == copy_id)

    async def stop(self) -> None:
        """Ends the looking; whoever still waits is answered in time."""
        if self._looking is not None:
            await background.end(self._looking)

    async def start(self) -> None:
        """Nothing is looked for until somebody waits."""

    async def _comes(self, caller: str, key: tuple[Table, str], until: float) -> bool:
        if self.waiting >= MOST_WAITING or self._callers[caller] >= MOST_WAITING_PER_CALLER:
            return False
        come = asyncio.Event()
        self._callers[caller] += 1
        self._waiting.setdefault(key, set()).add(come)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="arrivals of copies")
        try:
            async with asyncio.timeout_at(until):
                await come.wait()
        except TimeoutError:
            return False
        finally:
            self._callers -= Counter((caller,))
            self._waiting[key].discard(come)
            if not self._waiting[key]:
                del self._waiting[key]
        return True

    async def _look(self) -> None:
        while self._waiting:
            try:
                for table in {table for table, _ in self._waiting}:
                    (key,) = table.primary_key
                    ids = [copy_id for other, copy_id in self._waiting if other is table]
                    found = await self._database.fetch(select(key).where(any_of(key, ids)))
                    self._wake((table, str(copy_id)) for (copy_id,) in found)
            except ServiceUnavailable as error:
                log.warning("arrivals of copies not looked for", error=error.message)
            await asyncio.sleep(_LOOK_SECONDS)

    def _wake(self, keys: Iterable[tuple[Table, str]]) -> None:
        for come in [come for key in keys for come in self._waiting.get(key, ())]:
            come.set()


class SuspensionCopy(SQLModel):
    """The local copy of who is suspended, fed by `users.user.suspended` and `reinstated`.

    Of a suspension that was lifted the row stays with `is_suspended` false, so that an older event that
    comes later changes nothing: `seq` is the place of the newest one in the user's stream.
    """

    __tablename__ = "suspensions"

    user_id: str = key_field(primary_key=True)
    is_suspended: bool
    seq: int = bigint_field()


class BlockCopy(SQLModel):
    """The local copy of a block, fed by `users.user.blocked` and `unblocked`.

    One that was taken back stays with `is_blocked` false, so that an older event that comes later changes
    nothing: `seq` is the place of the newest one in the stream of the blocker.
    """

    __tablename__ = "blocks"

    blocker_id: str = key_field(primary_key=True)
    blocked_id: str = key_field(primary_key=True)
    is_blocked: bool
    seq: int = bigint_field()


def held_suspension(model: type[SuspensionCopy]) -> Held:
    """What is personal of a subgraph's copy of suspensions."""
    return Held(table_of(model), people=("user_id",), plain=("is_suspended", "seq"), deleted_with=("user_id",))


def held_block(model: type[BlockCopy]) -> Held:
    """What is personal of a subgraph's copy of blocks."""
    return Held(
        table_of(model),
        people=("blocker_id",),
        unseen={"blocked_id": "Nobody is told who blocked them."},
        plain=("is_blocked", "seq"),
        deleted_with=("blocker_id", "blocked_id"),
    )


async def save_newer(session: AsyncSession, row: SQLModel) -> bool:
    """Writes a row in place of the one with its key, unless that is newer or the same. Whether it was written.

    Which is newer says `seq`, the place of the event in its stream: one that comes again after newer ones, as a
    replayed dead letter does, changes nothing.
    """
    table, values = table_of(type(row)), row.model_dump()
    statement = insert(table).values(**values)
    newer = statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_=values, where=table.c.seq < statement.excluded.seq
    )
    return await session.scalar(newer.returning(table.c.seq)) is not None


async def list_suspended(
    session: AsyncSession, model: type[SuspensionCopy], user_ids: Sequence[str]
) -> Collection[str]:
    """Which of these people are suspended."""
    statement = select(col(model.user_id)).where(any_of(col(model.user_id), user_ids), col(model.is_suspended))
    return (await session.scalars(statement)).all()


async def save_block(session: AsyncSession, block: BlockCopy) -> None:
    """Takes over a block or its end. Locks the pair against what `check_not_blocked` lets pass."""
    await lock_pair(session, block.blocker_id, block.blocked_id)
    await save_newer(session, block)


async def check_not_blocked(
    session: AsyncSession, model: type[BlockCopy], one_id: str, other_id: str, *, field: tuple[str, ...]
) -> None:
    """Raises InteractionBlocked if either of two people has blocked the other; else none does in this transaction."""
    await lock_pair(session, one_id, other_id, shared=True)
    # A statement of its own: one alone would look with a snapshot older than its lock.
    if await is_blocked(session, model, one_id, other_id):
        raise InteractionBlocked("You two cannot deal with each other here.", field=field)


async def lock_pair(session: AsyncSession, one_id: str, other_id: str, *, shared: bool = False) -> None:
    """Holds what may happen between two people until the transaction ends: `shared` against new blocks.

    A lock by name, since a block that does not exist yet has no row to lock.
    """
    await lock(session, "pair", *sorted((one_id, other_id)), shared=shared)


async def is_blocked(session: AsyncSession, model: type[BlockCopy], one_id: str, other_id: str) -> bool:
    """Whether either of two people has blocked the other; hold the pair's lock."""
    pairs = [(one_id, other_id), (other_id, one_id)]
    statement = select(col(model.seq)).where(
        tuple_(col(model.blocker_id), col(model.blocked_id)).in_(pairs), col(model.is_blocked)
    )
    return (await session.scalars(statement.limit(1))).first() is not None
