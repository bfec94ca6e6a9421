"""SQL of encrypted columns, whichever table they stand in."""

from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database.db import columns_of
from subgraphs.users import models


async def lock_outdated(
    session: AsyncSession,
    model: type[models.Base],
    key: str,
    owner: str,
    column: str,
    prefix: bytes,
    after: str,
    limit: int,
) -> Sequence[tuple[str, str, bytes]]:
    """Key, owner and value of rows behind the key `after` whose value does not begin with `prefix`, locked.

    In the order of the keys. Rows that somebody else holds are left for the next time.
    """
    columns = {each.key: each for each in columns_of(model)}
    statement = (
        select(columns[key], columns[owner], columns[column])
        .where(
            columns[key] > after,
            columns[column].is_not(None),
            func.substr(columns[column], 1, len(prefix)) != prefix,
        )
        .order_by(columns[key])
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return cast("Sequence[tuple[str, str, bytes]]", (await session.execute(statement)).all())


async def replace(
    session: AsyncSession, model: type[models.Base], key: str, column: str, values: Mapping[str, bytes]
) -> None:
    """Stores other values of a column by key."""
    keyed = {each.key: each for each in columns_of(model)}[key]
    for each, value in values.items():
        await session.execute(update(model).where(keyed == each).values({column: value}))
