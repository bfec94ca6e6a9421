"""People who are suspended, and are no more."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import copies
from subgraphs.tasks import models


async def copy_suspension(session: AsyncSession, user_id: str, *, is_suspended: bool, seq: int) -> None:
    """Takes over that a user is suspended, or is no more. Their tasks stay as they are, and are found by no search."""
    suspension = models.Suspension(user_id=user_id, is_suspended=is_suspended, seq=seq)
    await copies.save_newer(session, suspension)
