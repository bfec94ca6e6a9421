"""SQL of accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from shared.identity.actor import Role
from subgraphs.users import models
from subgraphs.users.rules.accounts import Status

User = models.User


# Without the password's hash, which only a login needs.
_user_columns = select(*(column for column in columns_of(User) if column.key != "password_hash"))
NEWEST = Order("users.newest", col(User.id), descending=True)
_by_email = func.lower(col(User.email))


async def get_user(session: AsyncSession, user_id: str) -> models.User | None:
    return await session.get(User, user_id)


async def lock_user(session: AsyncSession, user_id: str, *, shared: bool = False) -> models.User | None:
    """The account, locked: `shared` against changes, otherwise against everything."""
    return await session.get(User, user_id, with_for_update={"read": shared}, populate_existing=True)


async def list_erased_since(session: AsyncSession, since: datetime) -> Sequence[str]:
    """The ids of accounts that were erased at that time or later, in their order."""
    statement = select(col(User.id)).where(col(User.status) == Status.ERASED, col(User.updated_at) >= since)
    return (await session.scalars(statement.order_by(col(User.id)))).all()


async def lock_users(session: AsyncSession, *user_ids: str, shared: bool = False) -> Mapping[str, models.User]:
    """Several accounts by id, locked as by `lock_user` in the order of their ids; those that exist."""
    statement = (
        select(User)
        .where(any_of(col(User.id), user_ids))
        .order_by(col(User.id))
        .with_for_update(read=shared)
        .execution_options(populate_existing=True)
    )
    return {user.id: user for user in await session.scalars(statement)}


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


@dataclass(frozen=True, slots=True)
class Filter:
    """Which accounts; None leaves all. `name` is how the name begins, in any case of letters."""

    status: Status | None = None
    role: Role | None = None
    email: str | None = None
    name: str | None = None


async def list_users(database: Database, filter: Filter, window: Window) -> Page[models.User]:
    """Accounts for admins, erased ones included, in the order NEWEST."""
    statement = _user_columns
    if filter.status is not None:
        statement = statement.where(col(User.status) == filter.status)
    if filter.role is not None:
        statement = statement.where(col(User.roles).op("@>")(bindparam(None, [str(filter.role)], ARRAY(Text))))
    if filter.email is not None:
        statement = statement.where(_by_email == filter.email)
    if filter.name is not None:
        statement = statement.where(func.lower(col(User.display_name)).startswith(filter.name.lower(), autoescape=True))
    return await fetch_page(database, User, statement, window)


async def find_confirmation(
    database: Database, user_id: str, session_id: str
) -> tuple[str | None, bool, datetime] | None:
    """E-mail address of an account, whether it has a password, and when one of its live sessions was opened."""
    statement = (
        select(col(User.email), col(User.password_hash).is_not(None), col(models.Session.created_at))
        .join_from(User, models.Session, col(models.Session.user_id) == col(User.id))
        .where(col(User.id) == user_id, col(models.Session.id) == session_id, col(models.Session.ended_at).is_(None))
    )
    for found in await database.fetch(statement):
        return cast("tuple[str | None, bool, datetime]", tuple(found))
    return None


async def load_users(database: Database, user_ids: Sequence[str]) -> Sequence[models.User]:
    """Accounts without their passwords' hashes."""
    return await database.rows(User, _user_columns.where(any_of(col(User.id), user_ids)))
