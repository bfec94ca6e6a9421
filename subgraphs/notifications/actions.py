"""What can be done with notifications: one function per mutation and event.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.events import Envelope
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.privacy import erasure
from subgraphs.notifications import models, rules, store
from subgraphs.notifications.personal_data import HELD


async def notify(session: AsyncSession, envelope: Envelope[events.Event]) -> None:
    """Tells everybody whom an event concerns; nobody twice."""
    mentions = rules.mentions(envelope.event)
    people = await store.get_names(session, mentions.user_ids) if mentions.user_ids else {}
    title = await store.get_title(session, mentions.task_id) if mentions.task_id else None
    names = rules.Names(people, {mentions.task_id: title} if mentions.task_id and title else {})
    # In the order of their streams, as `emit` asks for.
    messages = sorted(rules.messages(envelope.event, names), key=lambda each: each.user_id)
    concerned = rules.people(envelope.event)
    gone = (
        await store.get_erased(session, sorted(concerned | {each.user_id for each in messages})) if messages else set()
    )
    for message in messages:
        if message.user_id in gone:
            continue
        about = concerned - {message.user_id}
        notification = models.Notification(
            id=new_id("notification"),
            user_id=message.user_id,
            event_id=envelope.id,
            about_ids=sorted(about),
            category=message.category,
            title=message.title,
            body=rules.ABOUT_ERASED if about & gone else message.body,
            link=message.link,
            created_at=clock.now(),
            read_at=None,
        )
        if await store.add_notification(session, notification):
            await emit(session, events.NotificationCreated(notification=snapshot(notification)))


async def copy_user(session: AsyncSession, user_id: str, display_name: str) -> None:
    """Takes over a user's name."""
    await store.save_user(session, user_id, display_name)


async def forget_person(session: AsyncSession, person_id: str) -> None:
    """Erases somebody who left, also from what others were told about them."""
    told = await store.lock_told_about(session, person_id, but=rules.ABOUT_ERASED)
    for notification in told:
        notification.body = rules.ABOUT_ERASED
    if told:
        await erasure.rewrite(
            session,
            streams=sorted({f"user:{each.user_id}" for each in told}),
            key=("notification", "id"),
            keys=[each.id for each in told],
            path=("notification", "body"),
            to=rules.ABOUT_ERASED,
        )
    await store.mark_erased(session, person_id, events.DELETED_NAME)
    await erasure.erase(session, person_id, "notifications", HELD)


async def copy_task(session: AsyncSession, task: events.TaskSnapshot) -> None:
    """Takes over a task's title."""
    await store.save_task(session, task.id, task.poster_id, task.title)


async def mark_read(
    session: AsyncSession, actor: Actor, notification_ids: Sequence[str]
) -> Sequence[models.Notification]:
    """Marks one's own notifications as read; those that are not, or not one's own, are passed over.

    Raises InvalidInput for none or more than 100.
    """
    rules.check_marked(len(notification_ids))
    marked = await store.mark_read(session, actor.id, notification_ids, clock.now())
    for notification in marked:
        await emit(session, events.NotificationRead(notification=snapshot(notification)))
    return marked


async def mark_all_read(session: AsyncSession, actor: Actor, until: datetime | None) -> int:
    """Marks one's notifications sent until then (now, if None) as read; answers how many were not."""
    now = clock.now()
    # A client knows times to the millisecond, cut off: what it shows as sent then was sent up to one later.
    until = min(until.replace(microsecond=until.microsecond // 1000 * 1000 + 999), now) if until else now
    count = await store.mark_all_read(session, actor.id, until, now)
    if count:
        await emit(session, events.NotificationsAllRead(user_id=actor.id, read_at=until))
    return count


def snapshot(notification: models.Notification) -> events.NotificationSnapshot:
    """The notification as its events carry it."""
    return events.NotificationSnapshot(
        id=notification.id,
        user_id=notification.user_id,
        category=notification.category,
        title=notification.title,
        body=notification.body,
        link=notification.link,
        created_at=notification.created_at,
        read_at=notification.read_at,
    )
