"""Setting up a second factor, signing in with it, giving it up, and having it removed."""

import strawberry

from shared.graphql.acting import act
from shared.graphql.ids import UserId
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from shared.identity.actor import ADMIN
from subgraphs.users import actions, credentials, rules, second_factor, store
from subgraphs.users.revocations import revoke
from subgraphs.users.schema.administration import AdministerUserPayload
from subgraphs.users.schema.session import SessionPayload
from subgraphs.users.schema.user import Info, User

_CONFIRMATION = "One's password. Who has none must have signed in within the last 10 minutes."
_CODE = "Six digits from the authenticator app, or a recovery code."


@strawberry.input(description="Who wants a second factor.")
class EnableTotpInput:
    password: str | None = strawberry.field(default=None, description=_CONFIRMATION)


@strawberry.input(description="The first code of a new second factor.")
class ConfirmTotpInput:
    code: str = strawberry.field(description="Six digits from the authenticator app that took the secret.")


@strawberry.input(description="Proof that it is really the user who gives their second factor up.")
class DisableTotpInput:
    password: str | None = strawberry.field(default=None, description=_CONFIRMATION)
    code: str = strawberry.field(description=_CODE)


@strawberry.input(description="Whose second factor to remove, and why.")
class RemoveSecondFactorInput:
    user_id: UserId = strawberry.field(description="The user's id; not one's own.")
    reason: str = strawberry.field(
        description="Who asked for it and how it is known that it is them, 1 to 500 characters; without contact data."
    )


@strawberry.input(description="Proof that it is really the user who wants new recovery codes.")
class RegenerateRecoveryCodesInput:
    password: str | None = strawberry.field(default=None, description=_CONFIRMATION)
    code: str = strawberry.field(description=_CODE)


@strawberry.input(description="The answer to a challenge of `logIn`.")
class CompleteLogInInput:
    challenge: str = strawberry.field(description="What the sign-in answered in the place of a session.")
    code: str = strawberry.field(description=_CODE)


@strawberry.type(description="The outcome of `enableTotp`.")
class EnableTotpPayload:
    secret: str | None = strawberry.field(
        default=None,
        description="The secret in base32, for typing into an authenticator app. It is answered this once.",
    )
    uri: str | None = strawberry.field(
        default=None, description="The same as an `otpauth://` address, for a QR code. It is answered this once."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `confirmTotp`.")
class ConfirmTotpPayload:
    recovery_codes: list[str] = strawberry.field(
        default_factory=list,
        description="Codes for the day when the app is lost, each good once. They are answered this once.",
    )
    user: User | None = strawberry.field(default=None, description="The account; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `disableTotp`.")
class DisableTotpPayload:
    user: User | None = strawberry.field(default=None, description="The account; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `removeSecondFactor`.")
class RemoveSecondFactorPayload(AdministerUserPayload): ...


@strawberry.type(description="The outcome of `regenerateRecoveryCodes`.")
class RegenerateRecoveryCodesPayload:
    recovery_codes: list[str] = strawberry.field(
        default_factory=list, description="The new codes, each good once. They are answered this once."
    )
    user: User | None = strawberry.field(default=None, description="The account; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `completeLogIn`.")
class CompleteLogInPayload(SessionPayload): ...


@strawberry.type
class TotpMutation:
    @mutation(
        description="Makes a secret for one-time codes (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds). It counts "
        "from `confirmTotp` on, which must follow within an hour."
    )
    async def enable_totp(self, info: Info, input: EnableTotpInput) -> EnableTotpPayload:
        context, settings = info.context, info.context.services.settings
        actor = context.require_actor()
        await credentials.confirm(context.services, actor, context.one_address, input.password)
        setup = await act(info, actions.second_factor.enable_totp, settings)
        uri = second_factor.provisioning_uri(settings, setup.secret, setup.account)
        return EnableTotpPayload(secret=setup.secret, uri=uri)

    @mutation(
        description="Makes the second factor active with its first code: from now on logins take one. Ends all other "
        "sessions."
    )
    async def confirm_totp(self, info: Info, input: ConfirmTotpInput) -> ConfirmTotpPayload:
        context, settings = info.context, info.context.services.settings
        actor = context.require_actor()
        async with second_factor.attempt(context.services, context.one_address, actor.id, input.code):
            changed = await act(info, actions.second_factor.confirm_totp, settings, input.code)
        await revoke(context.services.revocations, changed.ended)
        return ConfirmTotpPayload(recovery_codes=changed.recovery_codes, user=User.of(changed.user))

    @mutation(description="Gives the second factor up; logins take the password alone. Ends all other sessions.")
    async def disable_totp(self, info: Info, input: DisableTotpInput) -> DisableTotpPayload:
        context, settings = info.context, info.context.services.settings
        actor = context.require_actor()
        await credentials.confirm(context.services, actor, context.one_address, input.password)
        async with second_factor.attempt(context.services, context.one_address, actor.id, input.code):
            changed = await act(info, actions.second_factor.disable_totp, settings, input.code)
        await revoke(context.services.revocations, changed.ended)
        return DisableTotpPayload(user=User.of(changed.user))

    @mutation(
        description="Removes the second factor of somebody who has lost their authenticator app and their recovery "
        "codes: logins take the password alone. All their sessions end, they are told by mail, and who did it and why "
        "goes on record.",
        scope=ADMIN,
        quotas=[Quota("removeSecondFactor", "second_factor_removals_per_account", by_actor)],
    )
    async def remove_second_factor(self, info: Info, input: RemoveSecondFactorInput) -> RemoveSecondFactorPayload:
        services = info.context.services
        changed = await act(
            info, actions.second_factor.remove_second_factor, services.settings, input.user_id, input.reason
        )
        await revoke(services.revocations, changed.ended)
        return RemoveSecondFactorPayload.of(changed.user)

    @mutation(description="Makes ten new recovery codes; the old ones are worth nothing from then on.")
    async def regenerate_recovery_codes(
        self, info: Info, input: RegenerateRecoveryCodesInput
    ) -> RegenerateRecoveryCodesPayload:
        context, settings = info.context, info.context.services.settings
        actor = context.require_actor()
        await credentials.confirm(context.services, actor, context.one_address, input.password)
        async with second_factor.attempt(context.services, context.one_address, actor.id, input.code):
            changed = await act(info, actions.second_factor.regenerate_recovery_codes, settings, input.code)
        return RegenerateRecoveryCodesPayload(recovery_codes=changed.recovery_codes, user=User.of(changed.user))

    @mutation(
        description="Signs in with a challenge and a code of the second factor. A challenge bears 5 attempts; after 10 "
        "wrong codes within 15 minutes an account cannot be tried any more from the same address (`RATE_LIMITED`).",
        scope=None,
        leads_to_session=True,
    )
    async def complete_log_in(self, info: Info, input: CompleteLogInInput) -> CompleteLogInPayload:
        context, settings = info.context, info.context.services.settings
        challenge_hash = second_factor.hash_challenge(input.challenge)
        challenged = await store.second_factor.find_challenged_user(context.database, challenge_hash)
        async with second_factor.attempt(
            context.services, context.one_address, challenged or challenge_hash.hex(), input.code
        ):
            async with context.transaction() as session:
                grant = await actions.second_factor.complete_log_in(
                    session, settings, challenged, challenge_hash, input.code, context.user_agent
                )
            if grant is None:
                raise rules.second_factor.invalid_second_factor()
        return CompleteLogInPayload.of(grant, settings)
