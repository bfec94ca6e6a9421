"""What can be done with accounts and sessions: one function per mutation.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.actor import Actor, Role
from shared.errors import NotFound, VersionConflict
from shared.graphql.text import clean
from shared.graphql.urls import https_url
from shared.ids import new_id
from shared.outbox import emit
from subgraphs.users import models, rules, store, tokens
from subgraphs.users.credentials import Checked
from subgraphs.users.rules import EndReason, Refresh, Status

_MAX_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class Grant:
    """A session with a refresh token that nobody else knows, and until when its access tokens may live."""

    user: models.User
    session: models.Session
    refresh_token: str


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A sign-up whose input was checked."""

    email: str
    password_hash: str
    display_name: str
    roles: Sequence[Role]


async def sign_up(session: AsyncSession, account: NewAccount, user_agent: str) -> models.Session:
    """Opens an account and its first session. Raises EmailTaken."""
    now = clock.now()
    user = models.User(
        id=new_id("user"),
        email=account.email,
        password_hash=account.password_hash,
        display_name=account.display_name,
        bio=None,
        avatar_url=None,
        status=Status.PENDING_VERIFICATION,
        roles=[str(role) for role in account.roles],
        version=1,
        created_at=now,
        updated_at=now,
    )
    if not await store.add_user(session, user):
        raise rules.EmailTaken("There is an account with this address; log in instead.", field=("email",))
    row = await _open_session(session, user.id, user_agent, now)
    await emit(
        session,
        events.UserRegistered(
            user_id=user.id, display_name=user.display_name, roles=tuple(user.roles), status=user.status
        ),
    )
    return row


async def repeat_sign_up(session: AsyncSession, session_id: str) -> models.Session | None:
    """The session that an earlier sign-up opened, None if it has ended; its access tokens live on."""
    row = await store.lock_session(session, session_id)
    now = clock.now()
    if row is None or row.ended_at is not None or row.expires_at <= now:
        return None
    row.access_expires_at = now + rules.ACCESS_TOKEN_LIFETIME
    return row


async def log_in(session: AsyncSession, checked: Checked, user_agent: str) -> Grant:
    """Opens a session for a user whose password was checked; stores its newer hash if there is one.

    Locks the user's row against a suspension or a new password. Raises InvalidCredentials, AccountSuspended.
    """
    # Two transactions that both shared the lock could not both write.
    user = await store.lock_user(session, checked.user_id, shared=checked.new_hash is None)
    if user is None or user.password_hash != checked.password_hash:
        raise rules.invalid_credentials()
    rules.check_may_have_session(user.status)
    if checked.new_hash is not None:
        user.password_hash = checked.new_hash
    row = await _open_session(session, user.id, user_agent, clock.now())
    return await grant(session, user, row)


async def grant(session: AsyncSession, user: models.User, row: models.Session) -> Grant:
    """A first refresh token for a session that is alive."""
    token = tokens.new_refresh_token()
    await store.add_refresh_token(session, tokens.refresh_row(token, row.id, clock.now()))
    return Grant(user, row, token)


async def refresh_session(session: AsyncSession, token: str, user_agent: str) -> Grant | models.Session:
    """The next refresh token for this one. Locks the session's row, so that of many at once one rotates.

    A token that was used long enough ago ends its session, which is then the answer; it must be committed.
    Raises SessionExpired, AccountSuspended.
    """
    found = await store.get_refresh_token(session, tokens.hash_refresh_token(token))
    if found is None:
        raise rules.session_expired()
    row = await store.lock_session(session, found.session_id)
    used = await store.get_refresh_token(session, found.token_hash)
    if row is None or used is None:
        raise rules.session_expired()
    now = clock.now()
    match rules.judge_refresh(
        now, token_expires_at=used.expires_at, replaced_at=used.replaced_at, ended_at=row.ended_at
    ):
        case Refresh.EXPIRED:
            raise rules.session_expired()
        case Refresh.REUSED:
            await _end_session(session, row, EndReason.REFRESH_REUSED, now)
            return row
    user = await store.get_user(session, row.user_id)
    assert user is not None, "a foreign key says so"
    rules.check_may_have_session(user.status)
    if used.successor_salt is None:
        used.replaced_at, used.successor_salt = now, tokens.new_salt()
        next_token = tokens.successor(token, used.successor_salt)
        await store.add_refresh_token(session, tokens.refresh_row(next_token, row.id, now))
        row.expires_at = now + rules.REFRESH_TOKEN_LIFETIME
    else:
        next_token = tokens.successor(token, used.successor_salt)
    row.last_used_at = now
    row.access_expires_at = now + rules.ACCESS_TOKEN_LIFETIME
    row.user_agent = _shown_user_agent(user_agent) or row.user_agent
    return Grant(user, row, next_token)


async def log_out(session: AsyncSession, actor: Actor, session_id: str) -> models.Session:
    """Ends one of the actor's sessions; one that has ended stays as it is. Raises NotFound."""
    row = await store.lock_session(session, session_id)
    if row is None or row.user_id != actor.id:
        raise NotFound("There is no such session.", field=("sessionId",))
    if row.ended_at is None:
        await _end_session(session, row, EndReason.LOGGED_OUT, clock.now())
    return row


async def log_out_everywhere(session: AsyncSession, actor: Actor, *, keep_current: bool) -> Sequence[models.Session]:
    """Ends all sessions of the actor, but for the current one if they want to stay; answers those."""
    now = clock.now()
    but = actor.session_id if keep_current else None
    rows = await store.lock_live_sessions(session, actor.id, now, but=but)
    for row in rows:
        await _end_session(session, row, EndReason.LOGGED_OUT_EVERYWHERE, now)
    return rows


class ProfileChanges(TypedDict, total=False):
    """What to change of a profile; None clears a value."""

    display_name: str
    bio: str | None
    avatar_url: str | None


async def update_profile(
    session: AsyncSession, actor: Actor, changes: ProfileChanges, expected_version: int | None
) -> models.User:
    """Changes the actor's public profile. Raises NotFound, VersionConflict, InvalidInput."""
    user = await store.lock_user(session, actor.id)
    if user is None:
        raise NotFound("There is no such account.")
    if expected_version is not None and user.version != expected_version:
        raise VersionConflict("The profile changed meanwhile; look at it again.", current=user)
    cleaned = _clean_profile(changes)
    if all(getattr(user, name) == value for name, value in cleaned.items()):
        return user
    for name, value in cleaned.items():
        setattr(user, name, value)
    user.version += 1
    user.updated_at = clock.now()
    await emit(
        session,
        events.UserProfileUpdated(
            user_id=user.id, display_name=user.display_name, bio=user.bio, avatar_url=user.avatar_url
        ),
    )
    return user


async def grant_role(session: AsyncSession, email: str, role: Role) -> models.User:
    """Gives a role to the account of an e-mail address; it shows in the tokens issued from then on. Raises NotFound."""
    user = await store.lock_user_by_email(session, email)
    if user is None:
        raise NotFound("There is no account with this address.", field=("email",))
    roles = rules.parse_roles(user.roles)
    if role in roles:
        return user
    user.roles = [str(each) for each in rules.sort_roles([*roles, role])]
    user.version += 1
    user.updated_at = clock.now()
    await emit(session, events.UserRoleGranted(user_id=user.id, role=role, roles=tuple(user.roles)))
    return user


async def forget_expired(session: AsyncSession, limit: int) -> int:
    """Deletes what is of no use any more of sessions and refresh tokens; answers how many rows."""
    return await store.forget_expired(session, clock.now(), SESSIONS_KEPT, limit)


SESSIONS_KEPT = timedelta(days=30)
"""How long a session stays on record after its last refresh token has expired."""


def clean_display_name(text: str) -> str:
    """A name as it is shown. Raises InvalidInput."""
    least, most = rules.DISPLAY_NAME_LENGTH
    return clean(text, field=("displayName",), min_length=least, max_length=most)


def _clean_profile(changes: ProfileChanges) -> ProfileChanges:
    cleaned: ProfileChanges = {}
    if "display_name" in changes:
        cleaned["display_name"] = clean_display_name(changes["display_name"])
    if "bio" in changes:
        bio = clean(changes["bio"] or "", field=("bio",), max_length=rules.BIO_LENGTH[1], multiline=True)
        cleaned["bio"] = bio or None
    if "avatar_url" in changes:
        url = changes["avatar_url"]
        cleaned["avatar_url"] = https_url(url, field=("avatarUrl",)) if url else None
    return cleaned


async def _open_session(session: AsyncSession, user_id: str, user_agent: str, now: datetime) -> models.Session:
    row = models.Session(
        id=new_id("session"),
        user_id=user_id,
        user_agent=_shown_user_agent(user_agent),
        created_at=now,
        last_used_at=now,
        expires_at=now + rules.REFRESH_TOKEN_LIFETIME,
        access_expires_at=now + rules.ACCESS_TOKEN_LIFETIME,
        ended_at=None,
        end_reason=None,
    )
    session.add(row)
    await session.flush()
    return row


async def _end_session(session: AsyncSession, row: models.Session, reason: EndReason, now: datetime) -> None:
    row.ended_at, row.end_reason = now, reason
    await emit(
        session,
        events.UserSessionRevoked(user_id=row.user_id, session_id=row.id, expires_at=row.access_expires_at),
    )


def _shown_user_agent(text: str) -> str | None:
    shown = "".join(character for character in text[:_MAX_USER_AGENT] if character.isprintable())
    return shown.strip() or None
