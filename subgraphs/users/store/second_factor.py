"""SQL of second factors, recovery codes and challenges."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, unlocked
from subgraphs.users import models

SecondFactor = models.SecondFactor


RecoveryCode = models.RecoveryCode


Challenge = models.SecondFactorChallenge


class Active(NamedTuple):
    """An active second factor as its owner sees it."""

    user_id: str
    enabled_at: datetime
    recovery_codes_left: int


async def lock_second_factor(session: AsyncSession, user_id: str) -> models.SecondFactor | None:
    """The second factor of an account, active or not; its lock orders what is done with its codes."""
    return await session.get(SecondFactor, user_id, with_for_update=True, populate_existing=True)


async def is_active(session: AsyncSession, user_id: str) -> bool:
    statement = select(col(SecondFactor.user_id)).where(
        col(SecondFactor.user_id) == user_id, col(SecondFactor.enabled_at).is_not(None)
    )
    return await session.scalar(statement) is not None


async def load_active(database: Database, user_ids: Sequence[str]) -> Sequence[Active]:
    """The active second factors of accounts."""
    statement = (
        select(
            col(SecondFactor.user_id),
            col(SecondFactor.enabled_at),
            func.count(col(RecoveryCode.code_hash)).label("recovery_codes_left"),
        )
        .outerjoin(RecoveryCode, col(RecoveryCode.user_id) == col(SecondFactor.user_id))
        .where(any_of(col(SecondFactor.user_id), user_ids), col(SecondFactor.enabled_at).is_not(None))
        .group_by(col(SecondFactor.user_id))
    )
    return await database.rows(Active, statement)


async def put_second_factor(session: AsyncSession, factor: models.SecondFactor) -> None:
    """Stores a new second factor in the place of any other of the account."""
    values = factor.model_dump()
    statement = insert(SecondFactor).values(**values)
    await session.execute(statement.on_conflict_do_update(index_elements=[col(SecondFactor.user_id)], set_=values))


async def delete_second_factor(session: AsyncSession, user_id: str) -> None:
    """Forgets an account's second factor with its recovery codes."""
    await session.execute(delete(SecondFactor).where(col(SecondFactor.user_id) == user_id))


async def replace_recovery_codes(session: AsyncSession, user_id: str, code_hashes: Sequence[bytes]) -> None:
    await session.execute(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    await session.execute(
        insert(RecoveryCode), [{"user_id": user_id, "code_hash": code_hash} for code_hash in code_hashes]
    )


async def use_recovery_code(session: AsyncSession, user_id: str, code_hash: bytes) -> bool:
    """Whether the code was left; it is not any more."""
    statement = delete(RecoveryCode).where(
        col(RecoveryCode.user_id) == user_id, col(RecoveryCode.code_hash) == code_hash
    )
    return await session.scalar(statement.returning(col(RecoveryCode.user_id))) is not None


async def count_recovery_codes(session: AsyncSession, user_id: str) -> int:
    statement = select(func.count()).where(col(RecoveryCode.user_id) == user_id)
    return await session.scalar(statement) or 0


async def add_challenge(session: AsyncSession, challenge: models.SecondFactorChallenge) -> None:
    await session.execute(insert(Challenge).values(**challenge.model_dump()))


async def delete_challenges(session: AsyncSession, user_id: str) -> None:
    """Forgets an account's logins that wait for a code."""
    await session.execute(delete(Challenge).where(col(Challenge.user_id) == user_id))


async def find_challenged_user(database: Database, challenge_hash: bytes) -> str | None:
    """Whose login the challenge is of."""
    statement = select(col(Challenge.user_id)).where(col(Challenge.challenge_hash) == challenge_hash)
    for (user_id,) in await database.fetch(statement):
        return cast("str | None", user_id)
    return None


async def count_attempt(
    session: AsyncSession, challenge_hash: bytes, expires_at: datetime
) -> models.SecondFactorChallenge:
    """The challenge with one more attempt, locked; one that was never given is noted with no user."""
    unknown = Challenge(
        challenge_hash=challenge_hash,
        user_id=None,
        password_digest=None,
        attempts=1,
        expires_at=expires_at,
        used_at=None,
    )
    statement = (
        insert(Challenge)
        .values(**unknown.model_dump())
        .on_conflict_do_update(
            index_elements=[col(Challenge.challenge_hash)], set_={"attempts": col(Challenge.attempts) + 1}
        )
        .returning(Challenge)
    )
    found = await session.scalar(statement, execution_options={"populate_existing": True})
    return cast("models.SecondFactorChallenge", found)


async def forget_expired(session: AsyncSession, now: datetime, setups_before: datetime, limit: int) -> int:
    """Deletes challenges that have expired and secrets that had no first code in time; answers how many rows.

    Rows that somebody else holds are left for the next time.
    """
    old_challenges = select(col(Challenge.challenge_hash)).where(col(Challenge.expires_at) < now).limit(limit)
    challenges = await session.execute(
        delete(Challenge)
        .where(col(Challenge.challenge_hash).in_(unlocked(old_challenges)))
        .returning(col(Challenge.attempts))
    )
    old_setups = (
        select(col(SecondFactor.user_id))
        .where(col(SecondFactor.enabled_at).is_(None), col(SecondFactor.created_at) < setups_before)
        .limit(limit)
    )
    setups = await session.execute(
        delete(SecondFactor)
        .where(col(SecondFactor.user_id).in_(unlocked(old_setups)))
        .returning(col(SecondFactor.user_id))
    )
    return len(challenges.all()) + len(setups.all())
