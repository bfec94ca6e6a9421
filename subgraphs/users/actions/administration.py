"""What admins do with other people's accounts, and operators at the command line."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import Forbidden, NotFound
from shared.identity.actor import Actor, Role
from shared.identity.cipher import Cipher
from shared.messaging.outbox import emit
from shared.transitions import next_status
from subgraphs.users import models, rules, store
from subgraphs.users.actions import mails, sessions
from subgraphs.users.rules.accounts import TRANSITIONS, Command, Status
from subgraphs.users.rules.mails import Template
from subgraphs.users.rules.sessions import EndReason


async def suspend_user(
    session: AsyncSession, actor: Actor, cipher: Cipher, user_id: str, reason: str
) -> tuple[models.User, Sequence[models.Session]]:
    """Shuts an account out, tells its owner and ends its sessions, which are answered with it.

    The same by the same admin changes nothing.
    Raises NotFound, NotAllowed, Forbidden, InvalidTransition, InvalidInput.
    """
    user = await lock_other(session, actor, user_id)
    before = user.status
    if before is Status.SUSPENDED and user.standing_set_by == actor.id:
        return user, ()
    user.status = next_status(TRANSITIONS, before, Command.SUSPEND)
    text = rules.accounts.clean_reason(reason, rules.accounts.SUSPENSION_REASON_LENGTH)
    now = clock.now()
    user.standing_set_by = actor.id
    user.suspended_at, user.suspension_reason, user.suspended_from = now, text, before
    _count(user, now)
    ended = await sessions.end_all(session, user.id, EndReason.SUSPENDED, now)
    await emit(session, events.UserSuspended(user_id=user.id, reason=text, by=actor.id))
    await mails.queue(session, cipher, user, Template.ACCOUNT_SUSPENDED)
    return user, ended


async def reinstate_user(session: AsyncSession, actor: Actor, cipher: Cipher, user_id: str) -> models.User:
    """Lifts a suspension and tells the person, who logs in again. The same by the same admin changes nothing.

    Raises NotFound, NotAllowed, InvalidTransition, Forbidden.
    """
    user = await lock_other(session, actor, user_id)
    if user.status is not Status.SUSPENDED and user.standing_set_by == actor.id:
        return user
    user.status = next_status(TRANSITIONS, user.status, rules.accounts.reinstating(user.suspended_from))
    user.suspended_at = user.suspension_reason = user.suspended_from = None
    user.standing_set_by = actor.id
    _count(user, clock.now())
    await emit(session, events.UserReinstated(user_id=user.id, by=actor.id))
    await mails.queue(session, cipher, user, Template.ACCOUNT_REINSTATED)
    return user


async def grant_role(session: AsyncSession, actor: Actor, user_id: str, role: Role) -> models.User:
    """Gives a role; it shows in the tokens issued from then on. Raises NotFound, NotAllowed, Forbidden."""
    user = await lock_other(session, actor, user_id)
    await _grant(session, user, role, by=actor.id)
    return user


async def grant_role_by_email(session: AsyncSession, email: str, role: Role) -> models.User:
    """What an operator does at the command line: the first admin has nobody to ask. Raises NotFound."""
    user = await store.accounts.lock_user_by_email(session, email)
    if user is None:
        raise NotFound("There is no account with this address.", field=("email",))
    await _grant(session, user, role, by=None)
    return user


async def revoke_role(
    session: AsyncSession, actor: Actor, user_id: str, role: Role
) -> tuple[models.User, Sequence[models.Session]]:
    """Takes a role; ends all sessions, whose tokens name it, and answers them.

    Raises NotFound, NotAllowed, Forbidden.
    """
    user = await lock_other(session, actor, user_id)
    roles = rules.accounts.parse_roles(user.roles)
    if role not in roles:
        return user, ()
    roles.remove(role)
    user.roles = [str(each) for each in roles]
    now = clock.now()
    _count(user, now)
    ended = await sessions.end_all(session, user.id, EndReason.ROLE_REVOKED, now)
    await emit(session, events.UserRoleRevoked(user_id=user.id, role=role, roles=tuple(user.roles), by=actor.id))
    return user, ended


async def _grant(session: AsyncSession, user: models.User, role: Role, *, by: str | None) -> None:
    roles = rules.accounts.parse_roles(user.roles)
    if role in roles:
        return
    user.roles = [str(each) for each in rules.accounts.sort_roles([*roles, role])]
    _count(user, clock.now())
    await emit(session, events.UserRoleGranted(user_id=user.id, role=role, roles=tuple(user.roles), by=by))


async def lock_other(session: AsyncSession, actor: Actor, user_id: str) -> models.User:
    """Somebody else's account, locked together with the admin's own.

    The token may be older than the admin's own suspension: of two admins who suspend each other at the same
    time one comes second and is refused.
    """
    rules.accounts.check_other(actor.id, user_id)
    found = await store.accounts.lock_users(session, actor.id, user_id)
    admin = found.get(actor.id)
    if admin is None or not rules.accounts.is_admin(admin.status, rules.accounts.parse_roles(admin.roles)):
        raise Forbidden("The signed-in user may not do this.")
    user = found.get(user_id)
    if user is None or user.status is rules.accounts.Status.ERASED:
        raise NotFound("There is no such account.", field=("userId",))
    return user


def _count(user: models.User, now: datetime) -> None:
    user.version += 1
    user.updated_at = now
