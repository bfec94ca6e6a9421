"""Logins that wait for a second factor."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from subgraphs.users import models, rules, second_factor, store


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a login answers in the place of a session where a second factor is active."""

    challenge: str
    expires_at: datetime


async def challenge(session: AsyncSession, user: models.User) -> Challenge | None:
    """What a login has to answer before it gets a session; None where no second factor is active.

    The caller holds the user's lock, so that none becomes active before the session is there.
    """
    if not await store.second_factor.is_active(session, user.id):
        return None
    token = second_factor.new_challenge()
    expires_at = clock.now() + rules.second_factor.CHALLENGE_LIFETIME
    row = models.SecondFactorChallenge(
        challenge_hash=second_factor.hash_challenge(token),
        user_id=user.id,
        password_digest=second_factor.digest_password_hash(user.password_hash),
        attempts=0,
        expires_at=expires_at,
        used_at=None,
    )
    await store.second_factor.add_challenge(session, row)
    return Challenge(token, expires_at)
