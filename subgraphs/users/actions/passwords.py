"""New passwords: instead of a forgotten one, and instead of a known one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.identity.actor import Actor
from shared.identity.cipher import Cipher
from subgraphs.users import models, rules, store
from subgraphs.users.actions import emails, mailed_codes, mails, ownership, sessions
from subgraphs.users.credentials import Checked
from subgraphs.users.rules.accounts import Status
from subgraphs.users.rules.mailed_codes import Purpose
from subgraphs.users.rules.mails import Template
from subgraphs.users.rules.sessions import EndReason


@dataclass(frozen=True, slots=True)
class NewPassword:
    """An account that has a new password, the sessions that this ended, and whether what was set up ended with them."""

    user: models.User
    ended: Sequence[models.Session]
    set_up_ended: bool = False


async def reset_password(
    session: AsyncSession, cipher: Cipher, user_id: str | None, code: str, password_hash: str
) -> NewPassword:
    """Sets the password of the code's account, ends all its sessions and tells its owner. Raises InvalidToken.

    The first code that comes back out of the mailbox shows whose the address is: it is verified from then on, and
    what was set up for the account before is ended. A suspended account may do so too: it opens no session, and is
    verified another time.
    """
    now = clock.now()
    user = await mailed_codes.take(session, user_id, code, Purpose.RESET_PASSWORD, now)
    user.password_hash, user.updated_at = password_hash, now
    is_first = user.email_verified_at is None
    set_up = await ownership.end_set_up(session, user) if is_first else None
    if is_first:
        # Of a link that somebody else asked for.
        await store.mailed_codes.delete_code(session, user.id, Purpose.VERIFY_EMAIL)
    ended = await sessions.end_all(session, user.id, EndReason.PASSWORD_RESET, now)
    if set_up is not None:
        await ownership.tell(session, cipher, user, set_up)
    if is_first and user.status is not Status.SUSPENDED:
        await emails.verified(session, user, now)
    await mails.queue(session, cipher, user, Template.PASSWORD_RESET)
    return NewPassword(user, ended, set_up is not None)


async def change_password(
    session: AsyncSession, actor: Actor, cipher: Cipher, checked: Checked | None, password_hash: str
) -> NewPassword:
    """Sets the actor's password, also a first one, ends their other sessions and tells them.

    `checked` is what their present password was found to fit. Raises InvalidCredentials if it was changed
    meanwhile, AccountSuspended, SessionExpired.
    """
    now = clock.now()
    user = await store.accounts.lock_user(session, actor.id)
    if user is None or user.password_hash != (checked.password_hash if checked else None):
        raise rules.passwords.wrong_password("currentPassword")
    rules.sessions.check_may_have_session(user.status)
    await sessions.check_goes_on(session, actor)
    user.password_hash, user.updated_at = password_hash, now
    # A code that waits in the mailbox was asked for against the old password.
    await store.mailed_codes.delete_code(session, user.id, Purpose.RESET_PASSWORD)
    ended = await sessions.end_all(session, user.id, EndReason.PASSWORD_CHANGED, now, but=actor.session_id)
    await mails.queue(session, cipher, user, Template.PASSWORD_CHANGED)
    return NewPassword(user, ended)
