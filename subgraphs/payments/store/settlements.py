"""SQL of what is to be settled with the provider."""

from datetime import datetime

from sqlalchemy import ColumnElement, DateTime, bindparam, case, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, unlocked
from shared.deadlines.due import look_after_commit
from subgraphs.payments import models
from subgraphs.payments.rules.settlements import LEASE, LONG_LEASE, Kind

Settlement = models.Settlement
_key = col(Settlement.kind), col(Settlement.subject_id)
_NEXT = select(func.min(col(Settlement.due_at)), select(1).where(col(Settlement.kind) == Kind.BOOKS).exists())
_due = select(*_key).where(col(Settlement.due_at) <= bindparam("now")).order_by(col(Settlement.due_at)).limit(1)
_TIME = DateTime(timezone=True)
_CLAIM = (
    update(Settlement)
    .where(tuple_(*_key).in_(unlocked(_due)))
    .values(
        due_at=case(
            (col(Settlement.kind) == Kind.BOOKS, bindparam("much_later", type_=_TIME)),
            else_=bindparam("later", type_=_TIME),
        ),
        attempts=Settlement.attempts + 1,
    )
    .returning(*_key, col(Settlement.due_at), col(Settlement.attempts))
    .execution_options(synchronize_session=False)
)


async def schedule(session: AsyncSession, kind: Kind, subject_id: str, due_at: datetime) -> None:
    """Has something settled at this time, or earlier if it is to be already. Its tries are counted anew."""
    statement = insert(Settlement).values(kind=kind, subject_id=subject_id, due_at=due_at, attempts=0)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "subject_id"],
            set_={"due_at": func.least(Settlement.due_at, statement.excluded.due_at), "attempts": 0},
        )
    )
    look_after_commit(session, due_at)


async def next_due(database: Database) -> tuple[datetime | None, bool]:
    """When something is to be settled next, and whether the books are to be compared some day."""
    ((due_at, compares),) = await database.fetch(_NEXT)
    return (due_at if isinstance(due_at, datetime) else None), bool(compares)


async def claim(session: AsyncSession, now: datetime) -> models.Settlement | None:
    """What has been due longest, put off for its lease: whoever claims it has so long for it."""
    ends = {"now": now, "later": now + LEASE, "much_later": now + LONG_LEASE}
    row = (await session.execute(_CLAIM, ends)).one_or_none()
    return None if row is None else Settlement(kind=row[0], subject_id=row[1], due_at=row[2], attempts=row[3])


async def schedule_once(session: AsyncSession, kind: Kind, subject_id: str, due_at: datetime) -> None:
    """Has something settled at this time, unless it is to be already."""
    values = {"kind": kind, "subject_id": subject_id, "due_at": due_at, "attempts": 0}
    await session.execute(insert(Settlement).values(**values).on_conflict_do_nothing())


async def put_off(session: AsyncSession, claimed: models.Settlement, due_at: datetime) -> None:
    """Has it tried again at this time, unless it was scheduled anew meanwhile."""
    await session.execute(update(Settlement).where(*_is(claimed)).values(due_at=due_at))
    look_after_commit(session, due_at)


async def end(session: AsyncSession, claimed: models.Settlement) -> None:
    """It is settled, unless it was scheduled anew meanwhile."""
    await session.execute(delete(Settlement).where(*_is(claimed)))


def _is(claimed: models.Settlement) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Settlement.kind) == claimed.kind,
        col(Settlement.subject_id) == claimed.subject_id,
        col(Settlement.due_at) == claimed.due_at,
        col(Settlement.attempts) == claimed.attempts,
    )
