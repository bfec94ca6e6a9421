"""Signing up, signing in, going on, signing out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import ID

from shared import clock
from shared.config import Settings
from shared.graphql.acting import IDEMPOTENCY_KEY, act
from shared.graphql.entities import Node, entity
from shared.graphql.ids import SessionId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota
from shared.graphql.schema import field, mutation, query
from shared.graphql.types import UserError
from shared.idempotency import idempotent
from shared.identity.actor import MARKETPLACE, Role
from subgraphs.users import actions, credentials, models, rules, store, tokens
from subgraphs.users.revocations import revoke
from subgraphs.users.schema.second_factor import SecondFactorChallenge
from subgraphs.users.schema.user import Info, User
from subgraphs.users.secrets_at_rest import cipher


@entity(description="A device that is signed in. Only the user themselves sees it.")
class Session(Node):
    id: ID = strawberry.field(description="The session's id; `logOut` takes it.")
    created_at: datetime = strawberry.field(description="When they logged in.")
    last_used_at: datetime = strawberry.field(description="When the session was refreshed last.")
    expires_at: datetime = strawberry.field(description="When it ends unless it is refreshed before.")
    ended_at: datetime | None = strawberry.field(description="When it was ended; null while it goes on.")
    user_agent: str | None = strawberry.field(description="What the device's program calls itself, if it does.")

    @classmethod
    def of(cls, row: models.Session) -> Self:
        return cls(
            id=ID(row.id),
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            user_agent=row.user_agent,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Session | None"]:
        rows = await info.context.loaders.session_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.user_id) else None for row in rows]

    @field(description="Whether the request was made with this session.")
    async def current(self, info: Info) -> bool:
        actor = info.context.actor
        return actor is not None and actor.session_id == self.id


@strawberry.type(description="What a client needs to act for a user. Keep both tokens secret.")
class SessionTokens:
    access_token: str = strawberry.field(
        description="Goes with every request as `Authorization: Bearer …`, over WebSocket into `connection_init`."
    )
    refresh_token: str = strawberry.field(
        description="Gets the next pair of tokens from `refreshSession`, once, within 30 days."
    )
    expires_at: datetime = strawberry.field(description="When the access token expires; refresh before.")
    user: User = strawberry.field(
        description="Who is signed in, as they see themselves. What other subgraphs say of them, such as `bids`, is "
        "answered by the token that the request was sent with: ask for it with the new one."
    )

    @classmethod
    def of(cls, grant: actions.sessions.Grant, settings: Settings) -> Self:
        return cls(
            access_token=tokens.access_token(settings, grant.user, grant.session),
            refresh_token=grant.refresh_token,
            expires_at=grant.session.access_expires_at,
            user=User.of(grant.user, to_themselves=True),
        )


@strawberry.input(description="A new account.")
class SignUpInput:
    email: str = strawberry.field(description="Where the person can be reached; nobody else sees it.")
    password: str = strawberry.field(description="10 to 128 characters that are not easily guessed.")
    display_name: str = strawberry.field(description="What everybody calls them, 1 to 60 characters.")
    roles: list[Role] = strawberry.field(description="`POSTER`, `TASKER` or both.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Who wants to sign in.")
class LogInInput:
    email: str = strawberry.field(description="The address given at sign-up.")
    password: str = strawberry.field(description="The password of the account.")


@strawberry.input(description="The session to go on with.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="The latest refresh token of the session.")


@strawberry.input(description="The session to end.")
class LogOutInput:
    session_id: SessionId | None = strawberry.field(
        default=None, description="One of `mySessions`; left out: the one that the request is made with."
    )


@strawberry.input(description="The sessions to end.")
class LogOutEverywhereInput:
    keep_current: bool = strawberry.field(
        default=False, description="Whether the session that the request is made with goes on."
    )


@strawberry.type(description="The outcome of what opens or continues a session.")
class SessionPayload:
    session: SessionTokens | None = strawberry.field(default=None, description="The tokens; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, grant: actions.sessions.Grant, settings: Settings) -> Self:
        return cls(session=SessionTokens.of(grant, settings))


@strawberry.type(description="The outcome of `signUp`.")
class SignUpPayload(SessionPayload): ...


@strawberry.type(description="The outcome of `logIn`.")
class LogInPayload(SessionPayload):
    second_factor: SecondFactorChallenge | None = strawberry.field(
        default=None,
        description="What `completeLogIn` takes where a second factor is active, in the place of a session.",
    )

    @classmethod
    def of_outcome(cls, outcome: actions.sessions.Grant | actions.challenges.Challenge, settings: Settings) -> Self:
        if isinstance(outcome, actions.sessions.Grant):
            return cls.of(outcome, settings)
        return cls(second_factor=SecondFactorChallenge.of(outcome))


@strawberry.type(description="The outcome of `refreshSession`.")
class RefreshSessionPayload(SessionPayload): ...


@strawberry.type(description="The outcome of `logOut`.")
class LogOutPayload:
    session: Session | None = strawberry.field(
        default=None, description="The session, which has ended; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `logOutEverywhere`.")
class LogOutEverywherePayload:
    sessions: list[Session] = strawberry.field(default_factory=list, description="The sessions that this ended.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class SessionQuery:
    @query(description="The devices on which the caller is signed in, newest first.", scope=MARKETPLACE)
    async def my_sessions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Session] | None:
        window = store.sessions.NEWEST.window(first, after, last, before)
        user_id = info.context.require_actor().id
        page = await store.sessions.list_sessions(info.context.database, user_id, clock.now(), window)
        return Connection.of(page, Session.of)


@strawberry.type
class SessionMutation:
    @mutation(
        description="Opens an account, signs in, and mails a link that verifies the address. The number of tries from "
        "one network address is limited.",
        scope=None,
        quotas=[Quota("signUp", "sign_ups_per_address")],
        leads_to_session=True,
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload:
        context, settings = info.context, info.context.services.settings
        account = actions.accounts.clean_account(input.email, input.password, input.display_name, input.roles)
        known = (account.email, account.display_name)
        await credentials.check_hard_to_guess(settings, account.password, known=known)
        password_hash = await credentials.hash_password(settings, account.password)
        async with context.transaction() as session:
            row = await idempotent(
                session,
                credentials.sign_up_actor(account.email),
                input.idempotency_key,
                "signUp",
                # Not the password, which must be stored in no form that is easier to guess than its Argon2 hash.
                {"display_name": account.display_name, "roles": account.roles},
                run=lambda: actions.accounts.sign_up(
                    session, cipher(settings), account, password_hash, context.user_agent
                ),
                replay=lambda session_id: repeat_sign_up(session, settings, session_id, account.password),
            )
            user = await store.accounts.get_user(session, row.user_id)
            assert user is not None, "a foreign key says so"
            grant = await actions.sessions.grant(session, user, row)
        return SignUpPayload.of(grant, settings)

    @mutation(
        description="Signs in with e-mail address and password; where a second factor is active, the answer is a "
        "challenge for `completeLogIn`. After 10 failures within 15 minutes an account "
        "cannot be tried any more from the same address (`RATE_LIMITED`).",
        scope=None,
        leads_to_session=True,
    )
    async def log_in(self, info: Info, input: LogInInput) -> LogInPayload:
        context = info.context
        checked = await credentials.check_log_in(context.services, context.one_address, input.email, input.password)
        async with context.transaction() as session:
            outcome = await actions.sessions.log_in(session, checked, context.user_agent)
        return LogInPayload.of_outcome(outcome, context.services.settings)

    @mutation(
        description="Takes the next pair of tokens. Each refresh token counts once; within 10 seconds it gives the "
        "same next one again, after that its use ends the session, since somebody else must have it.",
        scope=None,
        quotas=[Quota("refreshSession", "refresh_failures_per_address", failures_only=True)],
        leads_to_session=True,
    )
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> RefreshSessionPayload:
        context = info.context
        async with context.transaction() as session:
            outcome = await actions.sessions.refresh_session(session, input.refresh_token, context.user_agent)
        if isinstance(outcome, models.Session):
            await revoke(context.services.revocations, [outcome])
            raise rules.sessions.session_expired()
        return RefreshSessionPayload.of(outcome, context.services.settings)

    @mutation(description="Ends a session of one's own; its tokens are refused everywhere within 5 seconds.")
    async def log_out(self, info: Info, input: LogOutInput) -> LogOutPayload:
        row = await act(info, actions.sessions.log_out, input.session_id)
        await revoke(info.context.services.revocations, [row])
        return LogOutPayload(session=Session.of(row))

    @mutation(description="Ends all sessions of one's own, such as after a password was seen by somebody.")
    async def log_out_everywhere(self, info: Info, input: LogOutEverywhereInput) -> LogOutEverywherePayload:
        rows = await act(info, actions.sessions.log_out_everywhere, keep_current=input.keep_current)
        await revoke(info.context.services.revocations, rows)
        return LogOutEverywherePayload(sessions=[Session.of(row) for row in rows])


async def repeat_sign_up(
    session: AsyncSession, settings: Settings, session_id: str, password: str
) -> models.Session | None:
    """A sign-up sent again with its key: the same account and session, for whoever knows its password."""
    row = await actions.accounts.repeat_sign_up(session, session_id)
    user = await store.accounts.get_user(session, row.user_id) if row else None
    if user is not None and not await credentials.is_password_of(settings, user.password_hash, password):
        raise rules.sessions.invalid_credentials()
    if user is not None and await store.second_factor.is_active(session, user.id):
        # What the key opened at sign-up would be a way round the second factor.
        raise rules.sessions.session_expired()
    return row
