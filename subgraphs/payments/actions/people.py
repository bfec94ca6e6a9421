"""What payments takes over of people from `users`."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import copies
from shared.locale import Locale
from shared.privacy import erasure
from subgraphs.payments import models, store
from subgraphs.payments.actions import methods
from subgraphs.payments.personal_data import HELD


async def copy_suspension(session: AsyncSession, user_id: str, *, is_suspended: bool, seq: int) -> None:
    """Takes over that a user is suspended, or is no more. What is held or owed stays so; payouts wait."""
    await copies.save_newer(session, models.Suspension(user_id=user_id, is_suspended=is_suspended, seq=seq))


async def copy_profile(
    session: AsyncSession, user_id: str, display_name: str, locale: str | None, time_zone: str | None, *, seq: int
) -> None:
    """Takes over how a user is called, and how receipts are written for them; None where that was not told."""
    person = models.Person(
        user_id=user_id,
        display_name=display_name,
        locale=Locale(locale or Locale.EN),
        time_zone=time_zone or "UTC",
        seq=seq,
    )
    await copies.save_newer(session, person)


async def forget_person(session: AsyncSession, person_id: str) -> None:
    """Erases somebody who left: their cards are removed, here and at the provider. Locks their wallet.

    The books stay, under ids that lead to nobody.
    """
    for method in await store.methods.lock_wallet(session, person_id):
        await methods.remove(session, method)
    await erasure.erase(session, person_id, "payments", HELD)
