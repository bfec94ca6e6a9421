"""SQL of codes that went out by mail."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, unlocked
from subgraphs.users import models
from subgraphs.users.rules.mailed_codes import Purpose

MailedCode = models.MailedCode


async def put_code(session: AsyncSession, code: models.MailedCode) -> None:
    """Stores the code in place of the account's earlier one of this purpose."""
    statement = insert(MailedCode).values(**code.model_dump())
    replaced = {name: statement.excluded[name] for name in ("code_hash", "created_at", "expires_at")}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[col(MailedCode.user_id), col(MailedCode.purpose)], set_=replaced
        )
    )


async def find_owner(database: Database, code_hash: bytes, purpose: Purpose, now: datetime) -> str | None:
    """Whose code this is, if it can still be used."""
    for (user_id,) in await database.fetch(select(col(MailedCode.user_id)).where(*_usable(code_hash, purpose, now))):
        return cast("str", user_id)
    return None


async def take_code(session: AsyncSession, user_id: str, code_hash: bytes, purpose: Purpose, now: datetime) -> bool:
    """Deletes the code; False if it could not be used any more. Of many at once, one gets True."""
    statement = delete(MailedCode).where(col(MailedCode.user_id) == user_id, *_usable(code_hash, purpose, now))
    return await session.scalar(statement.returning(col(MailedCode.user_id))) is not None


async def delete_code(session: AsyncSession, user_id: str, purpose: Purpose) -> None:
    """Deletes an account's code of this purpose, if it has one."""
    mine = col(MailedCode.user_id) == user_id, col(MailedCode.purpose) == purpose
    await session.execute(delete(MailedCode).where(*mine))


async def forget_expired(session: AsyncSession, now: datetime, limit: int) -> int:
    """Deletes codes that have expired, but for those that somebody else holds; answers how many."""
    old = select(col(MailedCode.code_hash)).where(col(MailedCode.expires_at) < now).limit(limit)
    gone = await session.execute(
        delete(MailedCode).where(col(MailedCode.code_hash).in_(unlocked(old))).returning(col(MailedCode.code_hash))
    )
    return len(gone.all())


def _usable(code_hash: bytes, purpose: Purpose, now: datetime) -> Sequence[ColumnElement[bool]]:
    return (
        col(MailedCode.code_hash) == code_hash,
        col(MailedCode.purpose) == purpose,
        col(MailedCode.expires_at) > now,
    )
