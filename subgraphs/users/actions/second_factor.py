"""Second factors: set up, confirmed, asked for at logins, given up, and removed for who has lost them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.config import Settings
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.messaging.outbox import emit
from subgraphs.users import models, rules, second_factor, store
from subgraphs.users.actions import administration, mails, sessions
from subgraphs.users.rules.mails import Template
from subgraphs.users.rules.second_factor import invalid_second_factor, no_second_factor, second_factor_required
from subgraphs.users.rules.sessions import EndReason
from subgraphs.users.secrets_at_rest import cipher


@dataclass(frozen=True, slots=True)
class Setup:
    """A secret that waits for its first code, and the account's name for authenticator apps."""

    secret: str
    account: str


@dataclass(frozen=True, slots=True)
class Changed:
    """An account whose second factor changed, its new recovery codes, and the sessions that this ended."""

    user: models.User
    recovery_codes: list[str]
    ended: Sequence[models.Session]


async def enable_totp(session: AsyncSession, actor: Actor, settings: Settings) -> Setup:
    """A new secret for the actor, in the place of one that was never confirmed.

    Raises SessionExpired, InvalidTransition where a second factor is active.
    """
    user = await _lock_own(session, actor)
    factor = await store.second_factor.lock_second_factor(session, user.id)
    rules.second_factor.check_can_enable(factor.enabled_at if factor else None)
    secret = second_factor.new_secret()
    stored = models.SecondFactor(
        user_id=user.id,
        secret=second_factor.encrypt_secret(settings, user.id, secret),
        created_at=clock.now(),
        enabled_at=None,
        last_step=None,
    )
    await store.second_factor.put_second_factor(session, stored)
    return Setup(secret, user.email or user.display_name)


async def confirm_totp(session: AsyncSession, actor: Actor, settings: Settings, code: str) -> Changed:
    """Makes the actor's second factor active, which ends their other sessions.

    Raises SessionExpired, NotFound, InvalidTransition, InvalidSecondFactor.
    """
    user = await _lock_own(session, actor)
    factor = await store.second_factor.lock_second_factor(session, user.id)
    now = clock.now()
    rules.second_factor.check_can_confirm(
        factor.created_at if factor else None, factor.enabled_at if factor else None, now
    )
    assert factor is not None, "the rule refuses without one"
    step = _step_of(settings, factor, code, now)
    if step is None:
        raise invalid_second_factor()
    factor.enabled_at, factor.last_step = now, step
    await session.flush()
    codes = await _new_recovery_codes(session, user.id)
    ended = await sessions.end_all(session, user.id, EndReason.SECOND_FACTOR_CHANGED, now, but=actor.session_id)
    await emit(session, events.UserSecondFactorEnabled(user_id=user.id))
    await mails.queue(session, cipher(settings), user, Template.SECOND_FACTOR_ENABLED)
    return Changed(user, codes, ended)


async def disable_totp(session: AsyncSession, actor: Actor, settings: Settings, code: str) -> Changed:
    """Gives the actor's second factor up, which ends their other sessions.

    Raises SessionExpired, NotFound, InvalidSecondFactor.
    """
    user = await _check_change(session, actor, settings, code)
    await store.second_factor.delete_second_factor(session, user.id)
    ended = await sessions.end_all(session, user.id, EndReason.SECOND_FACTOR_CHANGED, clock.now(), but=actor.session_id)
    await emit(session, events.UserSecondFactorDisabled(user_id=user.id))
    await mails.queue(session, cipher(settings), user, Template.SECOND_FACTOR_DISABLED)
    return Changed(user, [], ended)


async def remove_second_factor(
    session: AsyncSession, actor: Actor, settings: Settings, user_id: str, reason: str
) -> Changed:
    """What an admin does for somebody who has lost the app and the recovery codes; ends all sessions of that person.

    Raises NotFound, NotAllowed, Forbidden, InvalidInput.
    """
    user = await administration.lock_other(session, actor, user_id)
    factor = await store.second_factor.lock_second_factor(session, user.id)
    if factor is None or factor.enabled_at is None:
        raise no_second_factor()
    text = rules.accounts.clean_reason(reason, rules.second_factor.REMOVAL_REASON_LENGTH)
    await store.second_factor.delete_second_factor(session, user.id)
    await store.second_factor.delete_challenges(session, user.id)
    ended = await sessions.end_all(session, user.id, EndReason.SECOND_FACTOR_CHANGED, clock.now())
    await emit(session, events.UserSecondFactorRemoved(user_id=user.id, reason=text, by=actor.id))
    await mails.queue(session, cipher(settings), user, Template.SECOND_FACTOR_REMOVED)
    return Changed(user, [], ended)


async def regenerate_recovery_codes(session: AsyncSession, actor: Actor, settings: Settings, code: str) -> Changed:
    """New recovery codes in the place of those that are left.

    Raises SessionExpired, NotFound, InvalidSecondFactor.
    """
    user = await _check_change(session, actor, settings, code)
    codes = await _new_recovery_codes(session, user.id)
    await emit(session, events.UserRecoveryCodesRegenerated(user_id=user.id))
    await mails.queue(session, cipher(settings), user, Template.RECOVERY_CODES_REGENERATED)
    return Changed(user, codes, [])


async def confirm(session: AsyncSession, actor: Actor, settings: Settings, code: str | None) -> models.User:
    """Makes sure by a code that it is the actor themselves, where a second factor is active; locks the account.

    Raises SessionExpired, NotFound, SecondFactorRequired, InvalidSecondFactor.
    """
    user = await _lock_own(session, actor)
    factor = await store.second_factor.lock_second_factor(session, user.id)
    if factor is None or factor.enabled_at is None:
        return user
    if code is None:
        raise second_factor_required()
    if not await _accept(session, settings, user, factor, code, clock.now()):
        raise invalid_second_factor()
    return user


async def complete_log_in(
    session: AsyncSession, settings: Settings, user_id: str | None, challenge_hash: bytes, code: str, user_agent: str
) -> sessions.Grant | None:
    """Opens the session of a challenged login; None for a wrong code and for a challenge that does not hold.

    `user_id` is whose challenge it is, as it was found before: the account is locked first. One that was
    forgotten meanwhile holds for nobody.

    None must be committed, since it holds the count of the attempts. All statements run whatever is
    presented, so that the time tells nothing. Raises AccountSuspended, for a right code only.
    """
    now = clock.now()
    user = await store.accounts.lock_user(session, user_id or "", shared=True)
    factor = await store.second_factor.lock_second_factor(session, user_id or "")
    row = await store.second_factor.count_attempt(session, challenge_hash, now + rules.second_factor.CHALLENGE_LIFETIME)
    password_digest = second_factor.digest_password_hash(user.password_hash if user else None)
    alive = rules.second_factor.is_challenge_alive(
        now,
        expires_at=row.expires_at,
        used_at=row.used_at,
        attempts=row.attempts,
        same_password=row.password_digest == password_digest,
    )
    usable = factor if alive and row.user_id == user_id else None
    if not await _accept(session, settings, user, usable, code, now) or user is None:
        return None
    rules.sessions.check_may_have_session(user.status)
    row.used_at = now
    opened = await sessions.open_session(session, user.id, user_agent, now)
    return await sessions.grant(session, user, opened)


async def forget_expired(session: AsyncSession, limit: int) -> int:
    """Deletes what is of no use any more; answers how many rows."""
    now = clock.now()
    return await store.second_factor.forget_expired(session, now, now - rules.second_factor.SETUP_LIFETIME, limit)


async def _lock_own(session: AsyncSession, actor: Actor) -> models.User:
    user = await store.accounts.lock_user(session, actor.id)
    if user is None:
        raise NotFound("There is no such account.")
    # What made sure of the person came before the lock; a new password meanwhile has ended the session.
    await sessions.check_goes_on(session, actor)
    return user


async def _check_change(session: AsyncSession, actor: Actor, settings: Settings, code: str) -> models.User:
    user = await _lock_own(session, actor)
    factor = await store.second_factor.lock_second_factor(session, user.id)
    if factor is None or factor.enabled_at is None:
        raise no_second_factor()
    if not await _accept(session, settings, user, factor, code, clock.now()):
        raise invalid_second_factor()
    return user


async def _accept(
    session: AsyncSession,
    settings: Settings,
    user: models.User | None,
    factor: models.SecondFactor | None,
    code: str,
    now: datetime,
) -> bool:
    """Whether the code holds for the user's active second factor; it counts no more after that."""
    active = factor if factor is not None and factor.enabled_at is not None else None
    if second_factor.is_one_time_code(code):
        step = _step_of(settings, active, code, now)
        if active is None or step is None:
            return False
        active.last_step = step
        return True
    user_id = active.user_id if active else ""
    used = await store.second_factor.use_recovery_code(session, user_id, second_factor.hash_recovery_code(code))
    if not used or user is None:
        return False
    # Callers may go on to end sessions, which are locked before the stream is.
    await store.sessions.lock_all_sessions(session, user_id)
    left = await store.second_factor.count_recovery_codes(session, user_id)
    await emit(session, events.UserRecoveryCodeUsed(user_id=user_id, recovery_codes_left=left))
    await mails.queue(session, cipher(settings), user, Template.RECOVERY_CODE_USED, left=str(left))
    return True


def _step_of(settings: Settings, factor: models.SecondFactor | None, code: str, now: datetime) -> int | None:
    secret = second_factor.decrypt_secret(settings, factor.user_id, factor.secret) if factor else None
    return second_factor.matching_step(secret, code, now, factor.last_step if factor else None)


async def _new_recovery_codes(session: AsyncSession, user_id: str) -> list[str]:
    codes = second_factor.new_recovery_codes()
    hashes = [second_factor.hash_recovery_code(code) for code in codes]
    await store.second_factor.replace_recovery_codes(session, user_id, hashes)
    return codes
