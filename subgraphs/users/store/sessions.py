"""SQL of sessions and refresh tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of, unlocked
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.users import models

Session = models.Session


RefreshToken = models.RefreshToken


_session_columns = select(*columns_of(Session))


NEWEST = Order("sessions.newest", col(Session.id), descending=True)


async def get_session(session: AsyncSession, session_id: str) -> models.Session | None:
    return await session.get(Session, session_id)


async def lock_session(session: AsyncSession, session_id: str) -> models.Session | None:
    return await session.get(Session, session_id, with_for_update=True, populate_existing=True)


async def lock_live_sessions(
    session: AsyncSession, user_id: str, now: datetime, *, but: str | None = None
) -> Sequence[models.Session]:
    """All sessions of a user that have not ended, except `but`, locked in the order of their ids."""
    statement = (
        select(Session)
        .where(
            col(Session.user_id) == user_id,
            col(Session.ended_at).is_(None),
            col(Session.expires_at) > now,
            col(Session.id).is_distinct_from(but),
        )
        .order_by(col(Session.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def lock_all_sessions(session: AsyncSession, user_id: str) -> None:
    """Locks the sessions of a user, those too that have ended or expired, in the order of their ids."""
    statement = select(col(Session.id)).where(col(Session.user_id) == user_id).order_by(col(Session.id))
    await session.execute(statement.with_for_update())


async def add_refresh_token(session: AsyncSession, token: models.RefreshToken) -> None:
    await session.execute(insert(RefreshToken).values(**token.model_dump()))


async def get_refresh_token(session: AsyncSession, token_hash: bytes) -> models.RefreshToken | None:
    """The token as it is now, whatever this transaction read before."""
    return await session.get(RefreshToken, token_hash, populate_existing=True)


async def load_sessions(database: Database, session_ids: Sequence[str]) -> Sequence[models.Session]:
    return await database.rows(Session, _session_columns.where(any_of(col(Session.id), session_ids)))


async def list_sessions(database: Database, user_id: str, now: datetime, window: Window) -> Page[models.Session]:
    """The sessions of a user that have not ended."""
    statement = _session_columns.where(
        col(Session.user_id) == user_id, col(Session.ended_at).is_(None), col(Session.expires_at) > now
    )
    return await fetch_page(database, Session, statement, window)


async def list_revoked_sessions(database: Database, alive_after: datetime) -> Mapping[str, datetime]:
    """Sessions that ended while an access token of theirs is alive, with the end of the last one."""
    statement = select(col(Session.id), col(Session.access_expires_at)).where(
        col(Session.ended_at).is_not(None), col(Session.access_expires_at) > alive_after
    )
    return cast("Mapping[str, datetime]", {row[0]: row[1] for row in await database.fetch(statement)})


async def forget_ended(session: AsyncSession, user_id: str, now: datetime) -> None:
    """Deletes a user's sessions whose last access token has been dead for a minute, as told by every clock."""
    dead = col(Session.access_expires_at) < now - timedelta(minutes=1)
    await session.execute(delete(Session).where(col(Session.user_id) == user_id, dead))


async def forget_expired(session: AsyncSession, now: datetime, keep: timedelta, limit: int) -> int:
    """Deletes refresh tokens that have expired, and sessions `keep` after that; answers how many rows.

    Rows that somebody else holds are left for the next time.
    """
    old_tokens = select(col(RefreshToken.token_hash)).where(col(RefreshToken.expires_at) < now).limit(limit)
    old_sessions = select(col(Session.id)).where(col(Session.expires_at) < now - keep).limit(limit)
    tokens = await session.execute(
        delete(RefreshToken)
        .where(col(RefreshToken.token_hash).in_(unlocked(old_tokens)))
        .returning(col(RefreshToken.session_id))
    )
    sessions = await session.execute(
        delete(Session).where(col(Session.id).in_(unlocked(old_sessions))).returning(col(Session.id))
    )
    return len(tokens.all()) + len(sessions.all())
