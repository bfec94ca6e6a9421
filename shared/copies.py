"""Local copies of what other subgraphs tell: of who is suspended, and of who blocked whom."""

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from shared.database.locks import lock
from shared.database.models import bigint_field, key_field
from shared.errors import InteractionBlocked
from shared.privacy.personal_data import Held, table_of


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
