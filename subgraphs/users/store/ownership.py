"""SQL of what is set up for an account besides its password and its sessions."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from subgraphs.users import models
from subgraphs.users.rules.verification import Status
from subgraphs.users.store import second_factor

SET_UP = (
    models.SecondFactor,
    models.SecondFactorChallenge,
    models.Identity,
    models.OpenIdSignIn,
    models.IdentityVerification,
    models.DataExport,
)
"""What would outlive a new password and let somebody in, keep the owner out or speak for them. Recovery codes and
parts of exports go with it."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """What was set up for an account."""

    has_second_factor: bool
    providers: Sequence[str]
    """Of identities, one for each."""
    documents: Sequence[tuple[str, Status]]
    has_phone: bool


async def delete_set_up(session: AsyncSession, user: models.User) -> SetUp:
    """Deletes what is set up for an account and answers what that was. Hold the lock of the account's row."""
    user_id = user.id
    of_providers = select(col(models.Identity.provider)).where(col(models.Identity.user_id) == user_id)
    of_documents = select(col(models.IdentityVerification.id), col(models.IdentityVerification.status)).where(
        col(models.IdentityVerification.user_id) == user_id
    )
    found = SetUp(
        has_second_factor=await second_factor.is_active(session, user_id),
        providers=(await session.scalars(of_providers)).all(),
        documents=[(row[0], row[1]) for row in await session.execute(of_documents)],
        has_phone=user.phone is not None,
    )
    user.phone = user.identity_verified_at = user.identity_verified_until = None
    for table in SET_UP:
        await session.execute(delete(table).where(col(table.user_id) == user_id))
    return found
