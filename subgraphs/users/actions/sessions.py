"""Signing in, going on, signing out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from subgraphs.users import models, rules, store, tokens
from subgraphs.users.actions.challenges import Challenge, challenge
from subgraphs.users.credentials import Checked
from subgraphs.users.rules.sessions import EndReason, Refresh

_MAX_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class Grant:
    """A session with a refresh token that nobody else knows, and until when its access tokens may live."""

    user: models.User
    session: models.Session
    refresh_token: str


async def log_in(session: AsyncSession, checked: Checked, user_agent: str) -> Grant | Challenge:
    """Opens a session for a user whose password was checked; stores its newer hash if there is one.

    Where a second factor is active, the answer is the challenge that it must meet first.

    Locks the user's row against a suspension or a new password. Raises InvalidCredentials, AccountSuspended.
    """
    # Two transactions that both shared the lock could not both write.
    user = await store.accounts.lock_user(session, checked.user_id, shared=checked.new_hash is None)
    if user is None or user.password_hash != checked.password_hash:
        raise rules.sessions.invalid_credentials()
    rules.sessions.check_may_have_session(user.status)
    if checked.new_hash is not None:
        user.password_hash = checked.new_hash
    if challenged := await challenge(session, user):
        return challenged
    row = await open_session(session, user.id, user_agent, clock.now())
    return await grant(session, user, row)


async def grant(session: AsyncSession, user: models.User, row: models.Session) -> Grant:
    """A first refresh token for a session that is alive."""
    token = tokens.new_refresh_token()
    await store.sessions.add_refresh_token(session, tokens.refresh_row(token, row.id, clock.now()))
    return Grant(user, row, token)


async def refresh_session(session: AsyncSession, token: str, user_agent: str) -> Grant | models.Session:
    """The next refresh token for this one. Locks the session's row, so that of many at once one rotates.

    A token that was used long enough ago ends its session, which is then the answer; it must be committed.
    Raises SessionExpired, AccountSuspended.
    """
    found = await store.sessions.get_refresh_token(session, tokens.hash_refresh_token(token))
    if found is None:
        raise rules.sessions.session_expired()
    row = await store.sessions.lock_session(session, found.session_id)
    used = await store.sessions.get_refresh_token(session, found.token_hash)
    if row is None or used is None:
        raise rules.sessions.session_expired()
    now = clock.now()
    match rules.sessions.judge_refresh(
        now, token_expires_at=used.expires_at, replaced_at=used.replaced_at, ended_at=row.ended_at
    ):
        case Refresh.EXPIRED:
            raise rules.sessions.session_expired()
        case Refresh.REUSED:
            await end_session(session, row, EndReason.REFRESH_REUSED, now)
            return row
    user = await store.accounts.get_user(session, row.user_id)
    assert user is not None, "a foreign key says so"
    rules.sessions.check_may_have_session(user.status)
    if used.successor_salt is None:
        used.replaced_at, used.successor_salt = now, tokens.new_salt()
        next_token = tokens.successor(token, used.successor_salt)
        await store.sessions.add_refresh_token(session, tokens.refresh_row(next_token, row.id, now))
        row.expires_at = now + rules.sessions.REFRESH_TOKEN_LIFETIME
    else:
        next_token = tokens.successor(token, used.successor_salt)
    row.last_used_at = now
    row.access_expires_at = now + rules.sessions.ACCESS_TOKEN_LIFETIME
    row.user_agent = _shown_user_agent(user_agent) or row.user_agent
    return Grant(user, row, next_token)


async def log_out(session: AsyncSession, actor: Actor, session_id: str | None) -> models.Session:
    """Ends one of the actor's sessions, by default the current one; one that has ended stays as it is.

    Raises NotFound.
    """
    row = await store.sessions.lock_session(session, session_id if session_id is not None else actor.session_id)
    if row is None or row.user_id != actor.id:
        raise NotFound("There is no such session.", field=("sessionId",))
    if row.ended_at is None:
        await end_session(session, row, EndReason.LOGGED_OUT, clock.now())
    return row


async def log_out_everywhere(session: AsyncSession, actor: Actor, *, keep_current: bool) -> Sequence[models.Session]:
    """Ends all sessions of the actor, but for the current one if they want to stay; answers those."""
    but = actor.session_id if keep_current else None
    return await end_all(session, actor.id, EndReason.LOGGED_OUT_EVERYWHERE, clock.now(), but=but)


async def end_all(
    session: AsyncSession, user_id: str, reason: EndReason, now: datetime, *, but: str | None = None
) -> Sequence[models.Session]:
    """Ends all live sessions of a user except `but` and answers them, for `revocations.revoke` after the commit."""
    rows = await store.sessions.lock_live_sessions(session, user_id, now, but=but)
    for row in rows:
        await end_session(session, row, reason, now)
    return rows


async def check_goes_on(session: AsyncSession, actor: Actor) -> None:
    """Raises SessionExpired if the actor's session has ended, which their access token may not know yet."""
    current = await store.sessions.get_session(session, actor.session_id)
    if current is None or current.ended_at is not None:
        raise rules.sessions.session_expired()


async def forget_expired(session: AsyncSession, limit: int) -> int:
    """Deletes what is of no use any more of sessions and refresh tokens; answers how many rows."""
    return await store.sessions.forget_expired(session, clock.now(), SESSIONS_KEPT, limit)


SESSIONS_KEPT = timedelta(days=30)
"""How long a session stays on record after its last refresh token has expired."""


async def open_session(session: AsyncSession, user_id: str, user_agent: str, now: datetime) -> models.Session:
    row = models.Session(
        id=new_id("session"),
        user_id=user_id,
        user_agent=_shown_user_agent(user_agent),
        created_at=now,
        last_used_at=now,
        expires_at=now + rules.sessions.REFRESH_TOKEN_LIFETIME,
        access_expires_at=now + rules.sessions.ACCESS_TOKEN_LIFETIME,
        ended_at=None,
        end_reason=None,
    )
    session.add(row)
    await session.flush()
    return row


async def end_session(session: AsyncSession, row: models.Session, reason: EndReason, now: datetime) -> None:
    row.ended_at, row.end_reason = now, reason
    await emit(
        session,
        events.UserSessionRevoked(user_id=row.user_id, session_id=row.id, expires_at=row.access_expires_at),
    )


def _shown_user_agent(text: str) -> str | None:
    shown = "".join(character for character in text[:_MAX_USER_AGENT] if character.isprintable())
    return shown.strip() or None
