"""What users' events about people do here."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import copies
from subgraphs.tasks import models
from subgraphs.tasks.actions import attachments


async def copy_block(session: AsyncSession, blocker_id: str, blocked_id: str, *, is_blocked: bool, seq: int) -> None:
    """Takes over that a user blocked another one, or does so no more. Locks the pair against new questions.

    Questions that are there stay.
    """
    block = models.Block(blocker_id=blocker_id, blocked_id=blocked_id, is_blocked=is_blocked, seq=seq)
    await copies.save_block(session, block)


async def copy_suspension(session: AsyncSession, user_id: str, *, is_suspended: bool, seq: int) -> None:
    """Takes over that a user is suspended, or is no more.

    Their tasks stay as they are, and are found by no search; their uploads end.
    """
    suspension = models.Suspension(user_id=user_id, is_suspended=is_suspended, seq=seq)
    if await copies.save_newer(session, suspension) and is_suspended:
        await attachments.end_uploads_of(session, user_id)
