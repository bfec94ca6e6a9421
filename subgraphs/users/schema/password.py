"""A new password: instead of a forgotten one, and instead of a known one."""

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from shared.config import Settings
from shared.graphql.acting import IDEMPOTENCY_KEY, act
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from shared.idempotency import idempotent
from subgraphs.users import actions, credentials, rules, store
from subgraphs.users.actions.passwords import NewPassword
from subgraphs.users.revocations import revoke
from subgraphs.users.rules.mailed_codes import Purpose
from subgraphs.users.schema.session import Session
from subgraphs.users.schema.user import Info, User
from subgraphs.users.secrets_at_rest import cipher

NEW_PASSWORD = "10 to 128 characters that are not easily guessed."  # noqa: S105  # a description


@strawberry.input(description="Who has forgotten their password.")
class RequestPasswordResetInput:
    email: str = strawberry.field(description="The address of the account.")


@strawberry.input(description="A new password instead of a forgotten one.")
class ResetPasswordInput:
    token: str = strawberry.field(description="The token out of the mail's link; it counts once, within 30 minutes.")
    new_password: str = strawberry.field(description=NEW_PASSWORD)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A new password instead of the present one.")
class ChangePasswordInput:
    current_password: str | None = strawberry.field(
        default=None, description="The present password. Who has none must have signed in within the last 10 minutes."
    )
    new_password: str = strawberry.field(description=NEW_PASSWORD)


@strawberry.type(description="The outcome of `requestPasswordReset`: the same whether there is such an account or not.")
class RequestPasswordResetPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused, such as for what is no address; empty on success."
    )


@strawberry.type(description="The outcome of `resetPassword`.")
class ResetPasswordPayload:
    user: User | None = strawberry.field(
        default=None, description="The account, which can log in with the new password; null if it was refused."
    )
    set_up_ended: bool = strawberry.field(
        default=False,
        description="Whether a second factor, identities at providers, documents or a phone number were ended, which "
        "had been set up before anybody showed that the address is theirs; the owner is told by mail.",
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `changePassword`.")
class ChangePasswordPayload:
    user: User | None = strawberry.field(default=None, description="The account; null if it was refused.")
    ended_sessions: list[Session] = strawberry.field(
        default_factory=list, description="The other sessions, which this ended."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class PasswordMutation:
    @mutation(
        description="Mails a link that sets a new password, if there is an account with this address; the answer is "
        "the same if there is none. The newest mail's link holds; at most 5 mails go to an account in 30 minutes.",
        scope=None,
        quotas=[Quota("requestPasswordReset", "password_resets_per_address")],
        leads_to_session=True,
    )
    async def request_password_reset(self, info: Info, input: RequestPasswordResetInput) -> RequestPasswordResetPayload:
        context, settings = info.context, info.context.services.settings
        email = credentials.normalise_email(input.email)
        # No quota of the field, whose error would be a way to shut the owner out and to tell that others asked.
        if await context.limiter.allows("requestPasswordReset account", email, settings.password_resets_per_account):
            async with context.transaction() as session:
                await actions.mails.queue_reset(session, cipher(settings), email)
        return RequestPasswordResetPayload()

    @mutation(
        description="Sets a new password by the token of a mail. All sessions end, everywhere within 5 seconds, and "
        "the owner is told by mail; nobody is signed in by it. The first time that a mail shows whose the address is, "
        "it is verified by that, and what had been set up for the account is ended: `setUpEnded`.",
        scope=None,
        quotas=[Quota("mailed code", "mailed_codes_per_address")],
        leads_to_session=True,
    )
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> ResetPasswordPayload:
        context, settings = info.context, info.context.services.settings
        user_id = await actions.mailed_codes.find_owner(context.database, input.token, Purpose.RESET_PASSWORD)
        password_hash = await _hash_new(info, user_id, input.new_password) if user_id else ""
        async with context.transaction() as session:
            done = await idempotent(
                session,
                actions.mailed_codes.bearer(input.token),
                input.idempotency_key,
                "resetPassword",
                # Not the password, as at `signUp`.
                None,
                run=lambda: actions.passwords.reset_password(
                    session, cipher(settings), user_id, input.token, password_hash
                ),
                replay=lambda made: _repeat_reset(session, settings, made, input.new_password),
                result_id=lambda done: f"{done.user.id} {done.set_up_ended}",
            )
        await revoke(context.services.revocations, done.ended)
        await credentials.forget_failures(context.services, context.one_address, done.user.email or "")
        return ResetPasswordPayload(user=User.of(done.user), set_up_ended=done.set_up_ended)

    @mutation(
        description="Sets a new password instead of the present one. All other sessions end, everywhere within 5 "
        "seconds, and the owner is told by mail. Wrong passwords count like those of `logIn`.",
        # Whatever the address: with a stolen session the present password could be tried from many.
        quotas=[Quota("changePassword", "password_changes_per_account", by=by_actor)],
    )
    async def change_password(self, info: Info, input: ChangePasswordInput) -> ChangePasswordPayload:
        context, settings = info.context, info.context.services.settings
        actor = context.require_actor()
        checked = await credentials.confirm(
            context.services, actor, context.one_address, input.current_password, field="currentPassword"
        )
        password_hash = await _hash_new(info, actor.id, input.new_password)
        done = await act(info, actions.passwords.change_password, cipher(settings), checked, password_hash)
        await revoke(context.services.revocations, done.ended)
        return ChangePasswordPayload(user=User.of(done.user), ended_sessions=[Session.of(row) for row in done.ended])


async def _repeat_reset(session: AsyncSession, settings: Settings, made: str, password: str) -> NewPassword | None:
    """A reset sent again with its key, for whoever knows the password that it has set."""
    user_id, set_up_ended = made.split()
    user = await store.accounts.get_user(session, user_id)
    if user is None:
        return None
    if not await credentials.is_password_of(settings, user.password_hash, password):
        raise rules.mailed_codes.invalid_token()
    return NewPassword(user, ended=(), set_up_ended=set_up_ended == str(True))


async def _hash_new(info: Info, user_id: str, password: str) -> str:
    """The hash of a new password of an account. Raises WeakPassword."""
    settings = info.context.services.settings
    user = await info.context.loaders.user_by_id.load(user_id)
    known = (user.email or "", user.display_name) if user else ()
    normalised = await credentials.check_new_password(settings, password, known=known, field=("newPassword",))
    return await credentials.hash_password(settings, normalised)
