"""Opening an account, and what an operator or admin does with one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import collected
from shared.identity.actor import Role
from shared.identity.cipher import Cipher
from shared.ids import new_id
from shared.messaging.outbox import emit
from subgraphs.users import credentials, models, rules, store
from subgraphs.users.actions import emails, sessions
from subgraphs.users.rules.accounts import Status


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A sign-up whose input was checked, but for how hard its password is to guess."""

    email: str
    password: str = field(repr=False)
    display_name: str
    roles: Sequence[Role]


def clean_account(email: str, password: str, display_name: str, roles: Sequence[Role]) -> NewAccount:
    """What a newcomer gives, in the form in which it is stored and compared.

    Looks nothing up and guesses nothing: a form that is wrong tells of no account, and costs little. Raises
    InvalidEmail, WeakPassword, InvalidInput.
    """
    with collected() as check:
        return NewAccount(
            email=check(credentials.normalise_email, email),
            password=check(credentials.clean_new_password, password),
            display_name=check(rules.profile.clean_name, display_name),
            roles=check(rules.accounts.check_roles_at_sign_up, roles),
        )


async def sign_up(
    session: AsyncSession, cipher: Cipher, account: NewAccount, password_hash: str, user_agent: str
) -> models.Session:
    """Opens an account and its first session, and mails a code to verify the address. Raises EmailTaken."""
    now = clock.now()
    user = models.User(
        id=new_id("user"),
        email=account.email,
        password_hash=password_hash,
        display_name=account.display_name,
        bio=None,
        avatar_url=None,
        status=Status.PENDING_VERIFICATION,
        email_verified_at=None,
        roles=[str(role) for role in account.roles],
        version=1,
        created_at=now,
        updated_at=now,
    )
    if not await store.accounts.add_user(session, user):
        raise rules.accounts.EmailTaken("There is an account with this address; log in instead.", field=("email",))
    row = await sessions.open_session(session, user.id, user_agent, now)
    await emails.send_verification(session, cipher, user)
    await emit(
        session,
        events.UserRegistered(
            user_id=user.id, display_name=user.display_name, roles=tuple(user.roles), status=user.status
        ),
    )
    return row


async def repeat_sign_up(session: AsyncSession, session_id: str) -> models.Session | None:
    """The session that an earlier sign-up opened, None if it has ended; its access tokens live on."""
    row = await store.sessions.lock_session(session, session_id)
    now = clock.now()
    if row is None or row.ended_at is not None or row.expires_at <= now:
        return None
    row.access_expires_at = now + rules.sessions.ACCESS_TOKEN_LIFETIME
    return row
