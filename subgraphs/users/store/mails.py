"""SQL of mails that are to be sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, unlocked
from shared.deadlines.due import look_after_commit
from subgraphs.users import models
from subgraphs.users.rules.mails import Template

Mail = models.Mail


async def add_mail(session: AsyncSession, mail: models.Mail) -> None:
    await session.execute(insert(Mail).values(**mail.model_dump()))
    look_after_commit(session, mail.due_at)


async def claim_mail(session: AsyncSession, now: datetime, until: datetime) -> models.Mail | None:
    """The mail that has been due longest, from now on nobody else's until `until`; counts the attempt."""
    due = select(col(Mail.id)).where(col(Mail.due_at) <= now).order_by(col(Mail.due_at)).limit(1)
    statement = (
        update(Mail)
        .where(col(Mail.id).in_(unlocked(due)))
        .values(due_at=until, attempts=col(Mail.attempts) + 1)
        .returning(Mail)
    )
    return cast("models.Mail | None", await session.scalar(statement, execution_options={"populate_existing": True}))


async def address_mail(session: AsyncSession, mail: models.Mail, user_id: str, content: bytes) -> bool:
    """Gives a claimed mail its account and content; False if it is somebody else's by now, or gone."""
    statement = update(Mail).where(*_claimed(mail)).values(user_id=user_id, content=content)
    return await session.scalar(statement.returning(col(Mail.id))) is not None


async def put_off_mail(session: AsyncSession, mail: models.Mail, due_at: datetime) -> None:
    """Has a claimed mail tried again at a time, unless it is somebody else's by now."""
    await session.execute(update(Mail).where(*_claimed(mail)).values(due_at=due_at))


async def delete_mail(session: AsyncSession, mail_id: str) -> None:
    await session.execute(delete(Mail).where(col(Mail.id) == mail_id))


async def delete_waiting(session: AsyncSession, user_id: str, template: Template) -> None:
    """Deletes an account's mails of a kind, which a newer one makes useless."""
    await session.execute(delete(Mail).where(col(Mail.user_id) == user_id, col(Mail.template) == template))


async def next_due(database: Database) -> datetime | None:
    """When a mail is due next."""
    ((due_at,),) = await database.fetch(select(func.min(col(Mail.due_at))))
    return cast("datetime | None", due_at)


def _claimed(mail: models.Mail) -> Sequence[ColumnElement[bool]]:
    # Each claim counts, so the number of attempts tells one claim from the next.
    return col(Mail.id) == mail.id, col(Mail.attempts) == mail.attempts
