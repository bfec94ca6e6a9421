"""Showing that the e-mail address of an account is its owner's."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.identity.cipher import Cipher
from shared.messaging.outbox import emit
from subgraphs.users import models, rules, store
from subgraphs.users.actions import mailed_codes, mails, ownership
from subgraphs.users.rules.mailed_codes import Purpose
from subgraphs.users.rules.mails import Template


async def send_verification(session: AsyncSession, cipher: Cipher, user: models.User) -> None:
    """Mails a new code to an account whose row this transaction holds; earlier codes count no more."""
    code = await mailed_codes.issue(session, user.id, Purpose.VERIFY_EMAIL)
    await mails.queue(session, cipher, user, Template.VERIFY_EMAIL, code=code)


async def request_verification(session: AsyncSession, actor: Actor, cipher: Cipher) -> models.User:
    """Mails the actor a new code. Raises NotFound, EmailAlreadyVerified, InvalidTransition."""
    user = await store.accounts.lock_user(session, actor.id)
    if user is None or user.email is None:
        raise NotFound("This account has no e-mail address.")
    rules.emails.status_once_verified(user.status, user.email_verified_at)
    await send_verification(session, cipher, user)
    return user


async def verify_email(
    session: AsyncSession, cipher: Cipher, user_id: str | None, code: str, actor: Actor | None
) -> models.User:
    """Takes the address of the code's account as verified, whoever brings the code.

    Who is not signed in to the account may be another person than the one who opened it: what that one has set up is
    ended. Raises InvalidToken, EmailAlreadyVerified, InvalidTransition.
    """
    now = clock.now()
    user = await mailed_codes.take(session, user_id, code, Purpose.VERIFY_EMAIL, now)
    is_own = actor is not None and actor.id == user.id
    set_up = None if is_own else await ownership.end_set_up(session, user)
    await verified(session, user, now)
    if set_up is not None:
        await ownership.tell(session, cipher, user, set_up)
    return user


async def verified(session: AsyncSession, user: models.User, now: datetime) -> None:
    """Takes the address of an account as its owner's. Raises EmailAlreadyVerified, InvalidTransition."""
    user.status = rules.emails.status_once_verified(user.status, user.email_verified_at)
    user.email_verified_at = now
    user.version += 1
    user.updated_at = now
    await emit(session, events.UserEmailVerified(user_id=user.id, status=user.status, verified_at=now))
