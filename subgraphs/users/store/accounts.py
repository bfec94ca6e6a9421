"""SQL of accounts."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.db import Database, any_of, columns_of
from subgraphs.users import models

User = models.User


# Without the password's hash, which only a login needs.
_user_columns = select(*(column for column in columns_of(User) if column.key != "password_hash"))


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
