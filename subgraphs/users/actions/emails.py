"""Showing that the e-mail address of an account is its owner's."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.identity.cipher import Cipher
from shared.messaging.outbox import emit
from subgraphs.users import models, rules, store
from subgraphs.users.actions import mailed_codes, mails
from subgraphs.users.rules.mailed_codes import Purpose
from subgraphs.users.rules.mails import Template


async def send_verification(session: AsyncSession, cipher: Cipher, user: models.User) -> None:
    """Mails a new code to an account whose row this transaction holds; earlier codes count no more."""
    code = await mailed_codes.issue(session, user.id, Purpose.VERIFY_EMAIL)
    await mails.queue(session, cipher, user, Template.VERIFY_EMAIL, code=code)


async def request_verification(session: AsyncSession, cipher: Cipher, actor: Actor) -> models.User:
    """Mails the actor a new code. Raises NotFound, EmailAlreadyVerified, InvalidTransition."""
    user = await store.accounts.lock_user(session, actor.id)
    if user is None or user.email is None:
        raise NotFound("This account has no e-mail address.")
    rules.emails.status_once_verified(user.status, user.email_verified_at)
    await send_verification(session, cipher, user)
    return user


async def verify_email(session: AsyncSession, user_id: str, code: str) -> models.User:
    """Takes the address of the code's account as verified.

    Raises InvalidToken, EmailAlreadyVerified, InvalidTransition.
    """
    now = clock.now()
    user = await mailed_codes.take(session, user_id, code, Purpose.VERIFY_EMAIL, now)
    user.status = rules.emails.status_once_verified(user.status, user.email_verified_at)
    user.email_verified_at = now
    user.version += 1
    user.updated_at = now
    await emit(session, events.UserEmailVerified(user_id=user.id, status=user.status, verified_at=now))
    return user
