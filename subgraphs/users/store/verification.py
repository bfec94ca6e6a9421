"""SQL of identity checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.users import models
from subgraphs.users.rules.verification import Status

Check = models.IdentityVerification


_SECRET = {"number", "full_name"}
# Without what only revealing one shows.
_check_columns = select(*(column for column in columns_of(Check) if column.key not in _SECRET))


NEWEST = Order("verifications.newest", col(Check.id), descending=True)
OLDEST = Order("verifications.oldest", col(Check.id))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which checks to list; None leaves all."""

    status: Status | None = None


async def get_check(session: AsyncSession, check_id: str) -> models.IdentityVerification | None:
    return await session.get(Check, check_id)


async def lock_check(session: AsyncSession, check_id: str) -> models.IdentityVerification | None:
    return await session.get(Check, check_id, with_for_update=True, populate_existing=True)


async def lock_live_checks(session: AsyncSession, user_id: str) -> Sequence[models.IdentityVerification]:
    """A user's pending and approved checks, locked in the order of their ids."""
    statement = (
        select(Check)
        .where(col(Check.user_id) == user_id, col(Check.status).in_([Status.PENDING, Status.APPROVED]))
        .order_by(col(Check.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def lock_checks_printed_before(
    session: AsyncSession, current_prefix: bytes, after: str, limit: int
) -> Sequence[models.IdentityVerification]:
    """Checks behind the id `after` whose fingerprint was made with another key than the present one.

    Rows that somebody else holds are left for the next time.
    """
    begins = func.substring(col(Check.fingerprint), 1, len(current_prefix))
    statement = (
        select(Check)
        .where(begins != current_prefix, col(Check.id) > after)
        .order_by(col(Check.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).all()


async def load_checks(database: Database, check_ids: Sequence[str]) -> Sequence[models.IdentityVerification]:
    return await database.rows(Check, _check_columns.where(any_of(col(Check.id), check_ids)))


async def list_checks_of(database: Database, user_id: str, window: Window) -> Page[models.IdentityVerification]:
    """The checks of one user."""
    return await fetch_page(database, Check, _check_columns.where(col(Check.user_id) == user_id), window)


async def list_checks(database: Database, wanted: Filter, window: Window) -> Page[models.IdentityVerification]:
    """The checks of everybody."""
    statement = _check_columns
    if wanted.status is not None:
        statement = statement.where(col(Check.status) == wanted.status)
    return await fetch_page(database, Check, statement, window)


async def load_other_accounts(database: Database, check_ids: Sequence[str]) -> Mapping[str, int]:
    """How many other accounts have submitted the document of each of these checks."""
    other = aliased(Check)
    statement = (
        select(col(Check.id), func.count(col(other.user_id).distinct()))
        .join(other, (col(other.fingerprint) == col(Check.fingerprint)) & (col(other.user_id) != col(Check.user_id)))
        .where(any_of(col(Check.id), check_ids))
        .group_by(col(Check.id))
    )
    return cast("Mapping[str, int]", {row[0]: row[1] for row in await database.fetch(statement)})
