"""All SQL of users.

Lock order everywhere: the user's row, then the session's, then (in `emit`) the stream's. The session's
row lock orders everything that is done with its refresh tokens.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.users import models

User = models.User
Session = models.Session
RefreshToken = models.RefreshToken

# Without the password's hash, which only a login needs.
_user_columns = select(*(column for column in columns_of(User) if column.key != "password_hash"))
_session_columns = select(*columns_of(Session))
NEWEST = Order("sessions.newest", col(Session.id), descending=True)
_by_email = func.lower(col(User.email))


async def get_user(session: AsyncSession, user_id: str) -> models.User | None:
    return await session.get(User, user_id)


async def lock_user(session: AsyncSession, user_id: str, *, shared: bool = False) -> models.User | None:
    """The account, locked: `shared` against changes, otherwise against everything."""
    return await session.get(User, user_id, with_for_update={"read": shared}, populate_existing=True)


async def lock_user_by_email(session: AsyncSession, email: str) -> models.User | None:
    """The account of a normalised e-mail address, locked."""
    statement = select(User).where(_by_email == email).with_for_update()
    return cast("models.User | None", await session.scalar(statement))


async def add_user(session: AsyncSession, user: models.User) -> bool:
    """False, and nothing added, if the e-mail address is taken."""
    statement = insert(User).values(**user.model_dump()).on_conflict_do_nothing(index_elements=[_by_email])
    return await session.scalar(statement.returning(col(User.id))) is not None


async def find_credentials(database: Database, email: str) -> tuple[str, str | None] | None:
    """Id and password hash of the account of a normalised e-mail address."""
    statement = select(col(User.id), col(User.password_hash)).where(_by_email == email)
    for user_id, password_hash in await database.fetch(statement):
        return cast("tuple[str, str | None]", (user_id, password_hash))
    return None


async def load_users(database: Database, user_ids: Sequence[str]) -> Sequence[models.User]:
    """Accounts without their passwords' hashes."""
    return await database.rows(User, _user_columns.where(any_of(col(User.id), user_ids)))


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


async def add_refresh_token(session: AsyncSession, token: models.RefreshToken) -> None:
    await session.execute(insert(RefreshToken).values(**token.model_dump()))


async def get_refresh_token(session: AsyncSession, token_hash: bytes) -> models.RefreshToken | None:
    """The token as it is now, whatever this transaction read before."""
    return await session.get(RefreshToken, token_hash, populate_existing=True)


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


async def forget_expired(session: AsyncSession, now: datetime, keep: timedelta, limit: int) -> int:
    """Deletes refresh tokens that have expired, and sessions `keep` after that; answers how many rows."""
    old_tokens = select(col(RefreshToken.token_hash)).where(col(RefreshToken.expires_at) < now).limit(limit)
    old_sessions = select(col(Session.id)).where(col(Session.expires_at) < now - keep).limit(limit)
    tokens = await session.execute(
        delete(RefreshToken).where(col(RefreshToken.token_hash).in_(old_tokens)).returning(col(RefreshToken.session_id))
    )
    sessions = await session.execute(
        delete(Session).where(col(Session.id).in_(old_sessions)).returning(col(Session.id))
    )
    return len(tokens.all()) + len(sessions.all())
