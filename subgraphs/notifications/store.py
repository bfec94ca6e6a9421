"""All SQL of notifications."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Update, bindparam, func, inspect, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.notifications import models
from subgraphs.notifications.rules import Category

Notification = models.Notification
NEWEST = Order("notifications.newest", col(Notification.id), descending=True)
_columns = select(*columns_of(Notification))
_about = inspect(Notification).local_table.c.about_ids


async def add_notification(session: AsyncSession, notification: models.Notification) -> bool:
    """False, and nothing added, if the person was told about the event already."""
    statement = (
        insert(Notification)
        .values(**notification.model_dump())
        .on_conflict_do_nothing(index_elements=["user_id", "event_id"])
        .returning(col(Notification.id))
    )
    return await session.scalar(statement) is not None


async def mark_read(
    session: AsyncSession, user_id: str, notification_ids: Sequence[str], read_at: datetime
) -> Sequence[models.Notification]:
    """Marks those of the user's notifications that are unread; answers them, oldest first."""
    chosen = any_of(col(Notification.id), notification_ids)
    statement = _marking(user_id, chosen).values(read_at=read_at).returning(Notification)
    return sorted((await session.scalars(statement)).all(), key=lambda each: each.id)


async def mark_all_read(session: AsyncSession, user_id: str, until: datetime, read_at: datetime) -> int:
    """Marks the user's unread notifications sent until then; answers how many there were."""
    chosen = col(Notification.created_at) <= until
    statement = _marking(user_id, chosen).values(read_at=read_at).returning(col(Notification.id))
    return len((await session.scalars(statement)).all())


def _marking(user_id: str, chosen: ColumnElement[bool]) -> Update:
    """An update of those of the user's notifications that are chosen and unread.

    It locks them in the order of their ids: two that overlap would deadlock in the orders of two indexes.
    """
    unread = (
        select(col(Notification.id))
        .where(col(Notification.user_id) == user_id, col(Notification.read_at).is_(None), chosen)
        .order_by(col(Notification.id))
        .with_for_update()
    )
    return update(Notification).where(col(Notification.id).in_(unread))


async def lock_told_about(session: AsyncSession, person_id: str, but: str) -> Sequence[models.Notification]:
    """What others were told about somebody and does not say `but` instead, locked in the order of their ids."""
    statement = (
        select(Notification)
        .where(_about.op("@>")(bindparam(None, [person_id], _about.type)), col(Notification.body) != but)
        .order_by(col(Notification.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def mark_erased(session: AsyncSession, user_id: str, name: str) -> None:
    """Remembers that a user has left, whatever else comes about them."""
    statement = insert(models.User).values(id=user_id, display_name=name, erased=True)
    changed = {"display_name": name, "erased": True}
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))


async def get_erased(session: AsyncSession, user_ids: Sequence[str]) -> set[str]:
    """Those of the users who have left."""
    statement = select(col(models.User.id)).where(any_of(col(models.User.id), user_ids), col(models.User.erased))
    return set(await session.scalars(statement))


async def save_user(session: AsyncSession, user_id: str, display_name: str) -> None:
    """Writes the local copy of a user's name, unless they have left."""
    statement = insert(models.User).values(id=user_id, display_name=display_name)
    changed = statement.on_conflict_do_update(
        index_elements=["id"], set_={"display_name": display_name}, where=col(models.User.erased).is_(False)
    )
    await session.execute(changed)


async def save_task(session: AsyncSession, task_id: str, poster_id: str, title: str) -> None:
    """Writes the local copy of a task's title."""
    values = {"poster_id": poster_id, "title": title}
    statement = insert(models.Task).values(id=task_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


async def get_names(session: AsyncSession, user_ids: Sequence[str]) -> Mapping[str, str]:
    """The display names of those of the users that are known."""
    rows = await session.scalars(select(models.User).where(any_of(col(models.User.id), user_ids)))
    return {user.id: user.display_name for user in rows}


async def get_title(session: AsyncSession, task_id: str) -> str | None:
    task = await session.get(models.Task, task_id)
    return task.title if task else None


async def list_notifications(
    database: Database, user_id: str, category: Category | None, unread: bool, window: Window
) -> Page[models.Notification]:
    """A page of a person's notifications."""
    statement = _columns.where(col(Notification.user_id) == user_id)
    if category is not None:
        statement = statement.where(col(Notification.category) == category)
    if unread:
        statement = statement.where(col(Notification.read_at).is_(None))
    return await fetch_page(database, Notification, statement, window)


async def load_notifications(database: Database, notification_ids: Sequence[str]) -> Sequence[models.Notification]:
    return await database.rows(Notification, _columns.where(any_of(col(Notification.id), notification_ids)))


async def count_unread(database: Database, user_id: str) -> int:
    """How many of a person's notifications are unread."""
    statement = select(func.count().label("unread")).where(
        col(Notification.user_id) == user_id, col(Notification.read_at).is_(None)
    )
    rows = await database.fetch(statement)
    return int(rows[0].unread)
