"""What is taken over of people: who blocked whom, who is suspended, who looks for work."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from shared import copies
from shared.identity.actor import Role
from subgraphs.bids import models


async def copy_block(session: AsyncSession, blocker_id: str, blocked_id: str, *, is_blocked: bool, seq: int) -> None:
    """Takes over that a user blocked another one, or does so no more. Locks the pair against new bids.

    Bids that are there stay.
    """
    block = models.Block(blocker_id=blocker_id, blocked_id=blocked_id, is_blocked=is_blocked, seq=seq)
    await copies.save_block(session, block)


async def copy_suspension(session: AsyncSession, user_id: str, *, is_suspended: bool, seq: int) -> None:
    """Takes over that a user is suspended, or is no more. Bids that are there stay."""
    await copies.save_newer(session, models.Suspension(user_id=user_id, is_suspended=is_suspended, seq=seq))


async def copy_roles(session: AsyncSession, user_id: str, roles: Collection[str], *, seq: int) -> None:
    """Takes over whether a user looks for work."""
    await copies.save_newer(session, models.Tasker(user_id=user_id, is_tasker=Role.TASKER in roles, seq=seq))
