"""Keeping people away from oneself."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.messaging.outbox import emit
from subgraphs.users import models, rules, store
from subgraphs.users.rules.accounts import Status


async def block_user(session: AsyncSession, actor: Actor, user_id: str) -> models.User:
    """Blocks a user for the actor; one who is blocked already stays so. Locks both. Raises NotAllowed, NotFound."""
    rules.blocks.check_not_oneself(actor.id, user_id)
    user = (await store.accounts.lock_users(session, actor.id, user_id, shared=True)).get(user_id)
    if user is None or user.status is Status.ERASED:
        raise NotFound("There is no such user.", field=("userId",))
    block = models.Block(blocker_id=actor.id, blocked_id=user_id, created_at=clock.now())
    if await store.blocks.add_block(session, block):
        await emit(session, events.UserBlocked(user_id=actor.id, blocked_id=user_id))
    return user


async def unblock_user(session: AsyncSession, actor: Actor, user_id: str) -> models.User:
    """Takes a block back; without one nothing happens. Locks both. Raises NotAllowed, NotFound."""
    rules.blocks.check_not_oneself(actor.id, user_id)
    user = (await store.accounts.lock_users(session, actor.id, user_id, shared=True)).get(user_id)
    if user is None:
        raise NotFound("There is no such user.", field=("userId",))
    if await store.blocks.remove_block(session, actor.id, user_id):
        await emit(session, events.UserUnblocked(user_id=actor.id, blocked_id=user_id))
    return user
