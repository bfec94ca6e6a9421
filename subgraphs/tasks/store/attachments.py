"""SQL of attachments and of files that have to go."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of, unlocked
from subgraphs.tasks import models
from subgraphs.tasks.rules.attachments import Status

Attachment = models.Attachment
Discarded = models.DiscardedFile
_columns = select(*columns_of(Attachment))


async def get_attachment(session: AsyncSession, attachment_id: str) -> models.Attachment | None:
    return await session.get(Attachment, attachment_id)


async def lock_attachment(
    session: AsyncSession, attachment_id: str, *, skip_locked: bool = False
) -> models.Attachment | None:
    """An attachment, locked. None also for one that somebody else has locked, if `skip_locked`."""
    return await session.get(
        Attachment, attachment_id, with_for_update={"skip_locked": skip_locked}, populate_existing=True
    )


async def load_attachments(database: Database, attachment_ids: Sequence[str]) -> Sequence[models.Attachment]:
    return await database.rows(Attachment, _columns.where(any_of(col(Attachment.id), attachment_ids)))


async def find_attachment(database: Database, attachment_id: str) -> models.Attachment | None:
    """An attachment as it is now."""
    rows = await database.rows(Attachment, _columns.where(col(Attachment.id) == attachment_id))
    return rows[0] if rows else None


async def list_attachments(session: AsyncSession, task_id: str) -> Sequence[models.Attachment]:
    """All of a task, uploads included, the oldest first. The task's lock keeps others from adding some."""
    found = select(Attachment).where(col(Attachment.task_id) == task_id).order_by(col(Attachment.id))
    return (await session.scalars(found)).all()


async def list_attachments_of(session: AsyncSession, uploader_id: str) -> Sequence[str]:
    """The ids of all that somebody uploaded."""
    found = select(col(Attachment.id)).where(col(Attachment.uploader_id) == uploader_id)
    return (await session.scalars(found)).all()


async def list_uploads_of(session: AsyncSession, uploader_id: str) -> Sequence[str]:
    """The ids of all that somebody has begun to upload and that is not shown yet, sorted."""
    found = select(col(Attachment.id)).where(
        col(Attachment.uploader_id) == uploader_id, col(Attachment.status) != Status.READY
    )
    return (await session.scalars(found.order_by(col(Attachment.id)))).all()


async def claim_unchecked(
    session: AsyncSession, now: datetime, until: datetime, but_of: Collection[str]
) -> tuple[str, str] | None:
    """Takes the turn at a file that has come whole and that nobody looks at, of none of these people: its id and its
    uploader's. None if there is none."""
    found = (
        select(col(Attachment.id))
        .where(
            col(Attachment.status) == Status.CHECKING,
            col(Attachment.writer_until) < now,
            col(Attachment.uploader_id).not_in(but_of),
        )
        .order_by(col(Attachment.writer_until))
        .limit(1)
    )
    claimed = await session.execute(
        update(Attachment)
        .where(col(Attachment.id).in_(unlocked(found)))
        .values(writer_until=until)
        .returning(col(Attachment.id), col(Attachment.uploader_id))
    )
    row = claimed.one_or_none()
    return (row[0], row[1]) if row is not None else None


async def discard(session: AsyncSession, prefixes: Sequence[str], due_at: datetime) -> None:
    """Has everything below these prefixes deleted from the storage once this is committed."""
    if prefixes:
        rows = [{"prefix": each, "due_at": due_at, "deleted_once": False} for each in prefixes]
        await session.execute(insert(Discarded).values(rows).on_conflict_do_nothing())


async def delete_attachment(session: AsyncSession, attachment_id: str) -> None:
    await session.execute(delete(Attachment).where(col(Attachment.id) == attachment_id))


async def list_discarded(database: Database, now: datetime, limit: int) -> Sequence[models.DiscardedFile]:
    """What is due to go from the storage, the longest due first."""
    found = (
        select(*columns_of(Discarded)).where(col(Discarded.due_at) <= now).order_by(col(Discarded.due_at)).limit(limit)
    )
    return await database.rows(Discarded, found)


async def mark_deleted(session: AsyncSession, prefix: str, again_at: datetime) -> None:
    """Notes the first deletion of what is below a prefix, and forgets the prefix at the second."""
    await session.execute(delete(Discarded).where(col(Discarded.prefix) == prefix, col(Discarded.deleted_once)))
    again = {"due_at": again_at, "deleted_once": True}
    await session.execute(update(Discarded).where(col(Discarded.prefix) == prefix).values(**again))
