"""SQL of identities at other providers and of sign-ins there."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of, unlocked
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.users import models

Identity = models.Identity
_identity_columns = select(*columns_of(Identity))


SignIn = models.OpenIdSignIn


NEWEST = Order("identities.newest", col(Identity.id), descending=True)


async def add_sign_in(session: AsyncSession, sign_in: models.OpenIdSignIn) -> None:
    await session.execute(insert(SignIn).values(**sign_in.model_dump()))


async def take_sign_in(session: AsyncSession, handle_hash: bytes) -> models.OpenIdSignIn | None:
    """The sign-in of a handle, deleted: of several that ask for it one gets it."""
    statement = delete(SignIn).where(col(SignIn.handle_hash) == handle_hash).returning(*columns_of(SignIn))
    row = (await session.execute(statement)).one_or_none()
    return cast("models.OpenIdSignIn | None", row)


async def find_user_of_identity(session: AsyncSession, provider: str, subject: str) -> str | None:
    statement = select(col(Identity.user_id)).where(
        col(Identity.provider) == provider, col(Identity.subject) == subject
    )
    return cast("str | None", await session.scalar(statement))


async def add_identity(session: AsyncSession, identity: models.Identity) -> bool:
    """False, and nothing added, if the identity is somebody's."""
    statement = insert(Identity).values(**identity.model_dump())
    statement = statement.on_conflict_do_nothing(index_elements=[col(Identity.provider), col(Identity.subject)])
    return await session.scalar(statement.returning(col(Identity.id))) is not None


async def delete_identity(session: AsyncSession, user_id: str, identity_id: str) -> models.Identity | None:
    """The identity of a user, deleted."""
    statement = (
        delete(Identity)
        .where(col(Identity.id) == identity_id, col(Identity.user_id) == user_id)
        .returning(*columns_of(Identity))
    )
    return cast("models.Identity | None", (await session.execute(statement)).one_or_none())


async def count_identities(session: AsyncSession, user_id: str) -> int:
    return await session.scalar(select(func.count()).where(col(Identity.user_id) == user_id)) or 0


async def load_identities(database: Database, identity_ids: Sequence[str]) -> Sequence[models.Identity]:
    return await database.rows(Identity, _identity_columns.where(any_of(col(Identity.id), identity_ids)))


async def list_identities(database: Database, user_id: str, window: Window) -> Page[models.Identity]:
    """The identities of a user."""
    return await fetch_page(database, Identity, _identity_columns.where(col(Identity.user_id) == user_id), window)


async def forget_expired(session: AsyncSession, now: datetime, limit: int) -> int:
    """Deletes sign-ins that nobody came back from, but for those that somebody else holds; answers how many."""
    old = select(col(SignIn.handle_hash)).where(col(SignIn.expires_at) < now).limit(limit)
    gone = await session.execute(
        delete(SignIn).where(col(SignIn.handle_hash).in_(unlocked(old))).returning(col(SignIn.handle_hash))
    )
    return len(gone.all())
