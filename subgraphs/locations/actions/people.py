"""What users' events about people do here."""

from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.locations import models, store


async def copy_block(session: AsyncSession, blocker_id: str, blocked_id: str, *, is_blocked: bool, seq: int) -> None:
    """Takes over that a user blocked another one, or does so no more."""
    await store.people.save_block(
        session, models.Block(blocker_id=blocker_id, blocked_id=blocked_id, is_blocked=is_blocked, seq=seq)
    )


async def copy_suspension(session: AsyncSession, user_id: str, *, is_suspended: bool, seq: int) -> None:
    """Takes over that a user is suspended, or is no more."""
    await store.people.save_suspension(session, models.Suspension(user_id=user_id, is_suspended=is_suspended, seq=seq))
