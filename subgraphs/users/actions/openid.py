"""Signing in at other providers, and linking what one is there."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.config import Settings
from shared.errors import InvalidInput, NotFound
from shared.identity.actor import Actor, Role
from shared.ids import new_id
from shared.messaging.outbox import emit
from subgraphs.users import credentials, models, rules, store
from subgraphs.users.actions import mails, sessions
from subgraphs.users.actions.challenges import Challenge, challenge
from subgraphs.users.openid.id_tokens import Claims
from subgraphs.users.openid.providers import providers
from subgraphs.users.rules.accounts import Status
from subgraphs.users.rules.mails import Template
from subgraphs.users.rules.openid import open_id_sign_in_failed
from subgraphs.users.secrets_at_rest import cipher

_SALT_BYTES = 32
_LONGEST_HANDLE = 100
_NAMELESS = "New user"


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A sign-in at a provider: what the browser keeps, and what goes to the provider and comes back."""

    handle: str
    state: str
    nonce: str
    verifier: str


async def start(session: AsyncSession, provider_id: str, user_id: str | None) -> UnderWay:
    """A new sign-in; with a `user_id`, one that links what it brings to that account."""
    handle, salt = secrets.token_urlsafe(32), secrets.token_bytes(_SALT_BYTES)
    row = models.OpenIdSignIn(
        handle_hash=_hash(handle),
        salt=salt,
        provider=provider_id,
        user_id=user_id,
        expires_at=clock.now() + rules.openid.SIGN_IN_LIFETIME,
    )
    await store.openid.add_sign_in(session, row)
    return _under_way(handle, salt)


async def take(session: AsyncSession, handle: str) -> tuple[models.OpenIdSignIn, UnderWay]:
    """The sign-in of a handle, which is used up with that. Raises OpenIdSignInFailed for a handle that is none."""
    row = await store.openid.take_sign_in(session, _hash(handle)) if len(handle) <= _LONGEST_HANDLE else None
    if row is None:
        raise open_id_sign_in_failed()
    return row, _under_way(handle, row.salt)


async def sign_in(
    session: AsyncSession,
    settings: Settings,
    provider_id: str,
    claims: Claims,
    roles: Sequence[Role],
    user_agent: str,
) -> sessions.Grant | Challenge:
    """A session for who signed in at the provider; opens an account for whom nobody knows yet.

    Raises AccountSuspended; InvalidCredentials for an account that is gone; EmailNotVerified, InvalidEmail and
    IdentityNotLinked where no account can be opened.
    """
    user_id = await store.openid.find_user_of_identity(session, provider_id, claims.subject)
    if user_id is None:
        user = await _open_account(session, settings, provider_id, claims, roles)
    else:
        locked = await store.accounts.lock_user(session, user_id, shared=True)
        # It may have been unlinked before the lock was there.
        if locked is None or await store.openid.find_user_of_identity(session, provider_id, claims.subject) != user_id:
            raise open_id_sign_in_failed()
        user = locked
        rules.sessions.check_may_have_session(user.status)
        if challenged := await challenge(session, user):
            return challenged
    opened = await sessions.open_session(session, user.id, user_agent, clock.now())
    return await sessions.grant(session, user, opened)


async def link(
    session: AsyncSession, actor: Actor, settings: Settings, provider_id: str, claims: Claims
) -> models.Identity:
    """Makes an identity one by which the actor can sign in. Raises SessionExpired, IdentityTaken."""
    user = await _lock_own(session, actor)
    identity = _identity(actor.id, provider_id, claims)
    if not await store.openid.add_identity(session, identity):
        raise rules.openid.IdentityTaken("This identity is linked to an account already.")
    await _tell_linked(session, settings, user, provider_id)
    return identity


async def unlink(session: AsyncSession, actor: Actor, settings: Settings, identity_id: str) -> models.Identity:
    """Forgets an identity of the actor's. Raises SessionExpired, NotFound, LastWayToSignIn."""
    user = await _lock_own(session, actor)
    identities = await store.openid.count_identities(session, user.id)
    identity = await store.openid.delete_identity(session, user.id, identity_id)
    if identity is None:
        raise NotFound("You have no such identity.", field=("identityId",))
    rules.openid.check_can_unlink(has_password=user.password_hash is not None, identities=identities)
    await emit(session, events.UserIdentityUnlinked(user_id=user.id, provider=identity.provider))
    name = _name_of_provider(settings, identity.provider)
    await mails.queue(session, cipher(settings), user, Template.IDENTITY_UNLINKED, provider=name)
    return identity


async def _open_account(
    session: AsyncSession, settings: Settings, provider_id: str, claims: Claims, roles: Sequence[Role]
) -> models.User:
    if claims.email is None:
        raise rules.openid.EmailNotVerified("The provider has not verified an e-mail address of yours.")
    now = clock.now()
    user = models.User(
        id=new_id("user"),
        email=credentials.normalise_email(claims.email),
        password_hash=None,
        display_name=_display_name(claims.name),
        bio=None,
        avatar_url=None,
        status=Status.ACTIVE,
        email_verified_at=now,
        roles=[str(role) for role in roles],
        version=1,
        created_at=now,
        updated_at=now,
    )
    if not await store.accounts.add_user(session, user):
        raise rules.openid.IdentityNotLinked("There is an account with your address: log in and link this identity.")
    if not await store.openid.add_identity(session, _identity(user.id, provider_id, claims)):
        # The same person in two windows; the other one has opened the account.
        raise open_id_sign_in_failed()
    await emit(
        session,
        events.UserRegistered(
            user_id=user.id, display_name=user.display_name, roles=tuple(user.roles), status=user.status
        ),
    )
    await emit(session, events.UserEmailVerified(user_id=user.id, status=user.status, verified_at=now))
    await _tell_linked(session, settings, user, provider_id)
    return user


async def _tell_linked(session: AsyncSession, settings: Settings, user: models.User, provider_id: str) -> None:
    await emit(session, events.UserIdentityLinked(user_id=user.id, provider=provider_id))
    name = _name_of_provider(settings, provider_id)
    await mails.queue(session, cipher(settings), user, Template.IDENTITY_LINKED, provider=name)


def _name_of_provider(settings: Settings, provider_id: str) -> str:
    """What the operator calls it; one that is configured no more goes by its id."""
    configured = providers(settings).get(provider_id)
    return configured.name if configured else provider_id


async def _lock_own(session: AsyncSession, actor: Actor) -> models.User:
    user = await store.accounts.lock_user(session, actor.id)
    if user is None:
        raise NotFound("There is no such account.")
    await sessions.check_goes_on(session, actor)
    return user


def _identity(user_id: str, provider_id: str, claims: Claims) -> models.Identity:
    return models.Identity(
        id=new_id("identity"),
        user_id=user_id,
        provider=provider_id,
        subject=claims.subject,
        email=claims.email,
        created_at=clock.now(),
    )


def _display_name(name: str | None) -> str:
    """The name that the provider knows, where it can be one here."""
    try:
        return rules.profile.clean_name(name or _NAMELESS)
    except InvalidInput:
        return _NAMELESS


def _under_way(handle: str, salt: bytes) -> UnderWay:
    def derived(purpose: bytes) -> str:
        digest = hmac.digest(salt, purpose + handle.encode("utf-8", "surrogatepass"), "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    return UnderWay(handle, derived(b"state"), derived(b"nonce"), derived(b"verifier"))


def _hash(handle: str) -> bytes:
    return hashlib.sha256(handle.encode("utf-8", "surrogatepass")).digest()
