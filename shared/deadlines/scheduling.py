"""Deadlines: what must happen at a time unless it is called off, as rows of the subgraph's own database.

A deadline is written in the same transaction as what it watches and handled in one transaction with its
deletion, so it is neither forgotten nor handled twice, however many replicas run a worker.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter
from sqlalchemy import ARRAY, Text, bindparam, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.database import tables
from shared.database.db import Database, unlocked
from shared.deadlines.due import DueWorker, look_after_commit
from shared.faults import describe, stack
from shared.telemetry import span

log = structlog.get_logger(__name__)

HANDLED = Counter("exchange_deadlines_total", "Deadlines by outcome.", ("kind", "outcome"))

DeadlineHandler = Callable[[AsyncSession, str, datetime], Awaitable[None]]
"""Called with the transaction, the subject's id and the time that it was due (later after failures).

It finds the subject as it is now and decides again: the deadline says when to look, not what to do.
"""

_deadlines = tables.deadlines
_key = _deadlines.c.kind, _deadlines.c.subject_id


async def schedule(session: AsyncSession, kind: str, subject_id: str, due_at: datetime) -> None:
    """Sets the deadline of this kind for this subject, in place of an earlier one."""
    statement = insert(_deadlines).values(kind=kind, subject_id=subject_id, due_at=due_at, attempts=0)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "subject_id"],
            set_={"due_at": statement.excluded.due_at, "attempts": 0},
        )
    )
    look_after_commit(session, due_at)


async def cancel(session: AsyncSession, kind: str, subject_id: str) -> None:
    """Calls the deadline off, if there is one.

    One that a worker is handling at this moment is passed over: waiting for it would deadlock with a
    handler that waits for a row that the caller holds. The handler decides anew on what it then finds.
    """
    row = select(*_key).where(_deadlines.c.kind == kind, _deadlines.c.subject_id == subject_id)
    await session.execute(delete(_deadlines).where(tuple_(*_key).in_(unlocked(row))))


_kinds = bindparam("kinds", type_=ARRAY(Text))
_due = (
    select(*_key)
    .where(_deadlines.c.due_at <= bindparam("now"), _deadlines.c.kind == func.any(_kinds))
    .order_by(_deadlines.c.due_at)
    .limit(1)
)
# Deleted before the handler runs: it may schedule the same deadline anew.
_CLAIM = (
    delete(_deadlines)
    .where(tuple_(*_key).in_(unlocked(_due)))
    .returning(*_key, _deadlines.c.due_at, _deadlines.c.attempts)
)
_NEXT = select(func.min(_deadlines.c.due_at)).where(_deadlines.c.kind == func.any(_kinds))

_LONGEST_RETRY_SECONDS = 300


@dataclass(frozen=True, slots=True)
class _Claim:
    kind: str
    subject_id: str
    due_at: datetime
    attempts: int


class _HandlerFailed(Exception):
    """Takes claim and cause through the rollback of the transaction."""

    def __init__(self, claim: _Claim, cause: Exception) -> None:
        super().__init__(claim.kind)
        self.claim = claim
        self.cause = cause


class DeadlineWorker(DueWorker):
    """Handles what is due, in the order of due times; safe with any number of replicas."""

    name = "deadlines"

    def __init__(self, database: Database, handlers: Mapping[str, DeadlineHandler]) -> None:
        super().__init__(database)
        self._handlers = dict(handlers)
        self._kinds = sorted(handlers)

    async def next_due(self) -> datetime | None:
        ((due_at,),) = await self._database.fetch(_NEXT, {"kinds": self._kinds})
        return due_at if isinstance(due_at, datetime) else None

    async def handle_one(self) -> bool:
        """Handles the deadline that is due longest; answers whether there was one."""
        try:
            return await self._claim_and_handle()
        except _HandlerFailed as failed:
            # Also for a passing fault: were it tried again at once, it would hold up the others.
            await self._put_off(failed.claim, failed.cause)
            return True

    async def _claim_and_handle(self) -> bool:
        async with self._database.transaction() as session:
            with suppress_instrumentation():
                row = (await session.execute(_CLAIM, {"now": clock.now(), "kinds": self._kinds})).one_or_none()
            if row is None:
                return False
            claim = _Claim(*row)
            try:
                with span(f"deadline {claim.kind}"):
                    await self._handlers[claim.kind](session, claim.subject_id, claim.due_at)
            except Exception as error:
                raise _HandlerFailed(claim, error) from error
        HANDLED.labels(claim.kind, "done").inc()
        return True

    async def _put_off(self, claim: _Claim, cause: BaseException) -> None:
        delay = min(2**claim.attempts, _LONGEST_RETRY_SECONDS)
        log.error(
            "deadline failed; tried again later",
            kind=claim.kind, subject_id=claim.subject_id, attempts=claim.attempts + 1, retry_seconds=delay,
            error=describe(cause), stack=stack(cause),
        )  # fmt: skip
        HANDLED.labels(claim.kind, "failed").inc()
        async with self._database.transaction() as session:
            await session.execute(
                update(_deadlines)
                .where(
                    _deadlines.c.kind == claim.kind,
                    _deadlines.c.subject_id == claim.subject_id,
                    # Unless somebody rescheduled it meanwhile.
                    _deadlines.c.due_at == claim.due_at,
                )
                .values(due_at=clock.now() + timedelta(seconds=delay), attempts=claim.attempts + 1)
            )
