"""Telling people of tasks that their saved searches find.

In short transactions, each begun by a deadline, so that a task that thousands look for holds nothing up and nobody is
forgotten or told twice wherever a process dies: one notes whom the task is to be told to, others tell so many of them
each. A person is told of a task once, whatever becomes of it.
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.messaging.outbox import emit
from subgraphs.locations import store
from subgraphs.locations.rules.tasks import EXPIRED, OPEN, OVER
from subgraphs.locations.store.alerts import Matter

MATCHING = "task_matching"
ALERTING = "task_alerting"
FORGETTING = "alert_forgetting"
ALERTS_AT_ONCE = 200
REMEMBERED_FOR = timedelta(days=30)
"""How long it is known who was told of a task that has expired."""


async def follow(session: AsyncSession, task_id: str, before: Matter | None) -> None:
    """What a change of a task means for alerts; hold its lock.

    An open task is matched when it was not open or not there before, and when something is different that searches
    look at. Who was told of it is forgotten when it is over, and some time after it expired if it is not open again.
    """
    now = await store.alerts.get_matter(session, task_id)
    if now is None or now == before:
        return
    if now.status == OPEN:
        await look_for_searches(session, task_id)
    elif now.status == EXPIRED:
        await deadlines.schedule(session, FORGETTING, task_id, clock.now() + REMEMBERED_FOR)
    elif now.status in OVER:
        await store.alerts.forget(session, task_id)


async def look_for_searches(session: AsyncSession, task_id: str) -> None:
    """Has a task matched against all saved searches."""
    await deadlines.schedule(session, MATCHING, task_id, clock.now())


async def match_task(session: AsyncSession, task_id: str, due_at: datetime) -> None:
    """The deadline of a task that is to be matched: notes whom it is to be told to."""
    await store.alerts.find(session, task_id, clock.now())
    await deadlines.schedule(session, ALERTING, task_id, clock.now())


async def alert_some(session: AsyncSession, task_id: str, due_at: datetime) -> None:
    """The deadline of a task that people are to be told of: tells some of them, and comes again for the others.

    Whether they may hear of it is asked once more. Not under a lock of the task: whoever changes one waits here.
    """
    task = await store.tasks.get_task(session, task_id)
    if task is None:
        return
    if task.status != OPEN or task.is_hidden or (task.expires_at is not None and task.expires_at <= clock.now()):
        await store.alerts.drop_pending(session, task_id)
        return
    alerts = await store.alerts.take_pending(session, task_id, ALERTS_AT_ONCE)
    unwelcome = await store.alerts.list_unwelcome(session, task.poster_id, [alert.user_id for alert in alerts])
    for alert in alerts:
        if alert.user_id not in unwelcome:
            await emit(
                session,
                events.AlertMatched(
                    user_id=alert.user_id,
                    task_id=task_id,
                    poster_id=task.poster_id,
                    saved_search_id=alert.search_id,
                    is_near=alert.is_near,
                ),
            )
    if len(alerts) == ALERTS_AT_ONCE:
        await deadlines.schedule(session, ALERTING, task_id, clock.now())


async def forget_expired(session: AsyncSession, task_id: str, due_at: datetime) -> None:
    """The deadline of a task that expired a while ago: forgets who was told of it, unless it goes on."""
    task = await store.tasks.get_task(session, task_id)
    if task is not None and task.status == EXPIRED:
        await store.alerts.forget(session, task_id)


DEADLINES = {MATCHING: match_task, ALERTING: alert_some, FORGETTING: forget_expired}
"""The deadlines that alerts go by."""
