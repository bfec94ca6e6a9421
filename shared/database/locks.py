"""Locks by name, for what has no row to lock: a first one, or none at all."""

import hashlib

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def lock(session: AsyncSession, *name: str, shared: bool = False) -> None:
    """Holds a lock of this name until the transaction ends; several that are `shared` are held side by side."""
    number = int.from_bytes(hashlib.sha256("\0".join(name).encode()).digest()[:8], signed=True)
    take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    await session.execute(select(take(number)))
