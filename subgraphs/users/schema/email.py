"""Showing that one's e-mail address is one's own."""

import strawberry

from shared.graphql.acting import IDEMPOTENCY_KEY, act_once
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from shared.idempotency import idempotent
from subgraphs.users import actions, store
from subgraphs.users.rules.mailed_codes import Purpose
from subgraphs.users.schema.user import Info, User
from subgraphs.users.secrets_at_rest import cipher


@strawberry.input(description="What the mail brought.")
class VerifyEmailInput:
    token: str = strawberry.field(description="The token out of the mail's link; it counts once, within 24 hours.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A wish for another mail that verifies one's address.")
class RequestEmailVerificationInput:
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.type(description="The outcome of `verifyEmail`.")
class VerifyEmailPayload:
    user: User | None = strawberry.field(
        default=None, description="The account whose address is verified; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `requestEmailVerification`.")
class RequestEmailVerificationPayload:
    user: User | None = strawberry.field(
        default=None, description="The account to whose address the mail goes; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class EmailMutation:
    @mutation(
        description="Verifies the e-mail address of an account by the token that was mailed to it; nobody needs to "
        "be signed in. An account that waited for it is `ACTIVE` from then on. Unless it is the account's own session "
        "that brings the token, what was set up before is ended as by `resetPassword`.",
        scope=None,
        quotas=[Quota("mailed code", "mailed_codes_per_address")],
    )
    async def verify_email(self, info: Info, input: VerifyEmailInput) -> VerifyEmailPayload:
        context, keys = info.context, cipher(info.context.services.settings)
        owner_id = await actions.mailed_codes.find_owner(context.database, input.token, Purpose.VERIFY_EMAIL)
        async with context.transaction() as session:
            row = await idempotent(
                session,
                actions.mailed_codes.bearer(input.token),
                input.idempotency_key,
                "verifyEmail",
                None,
                run=lambda: actions.emails.verify_email(session, keys, owner_id, input.token, context.actor),
                replay=lambda user_id: store.accounts.get_user(session, user_id),
            )
        return VerifyEmailPayload(user=User.of(row))

    @mutation(
        description="Mails a new link that verifies one's address; links of earlier mails hold no more. "
        "At most 5 an hour.",
        quotas=[Quota("verification mail", "email_verifications_per_account", by=by_actor)],
    )
    async def request_email_verification(
        self, info: Info, input: RequestEmailVerificationInput
    ) -> RequestEmailVerificationPayload:
        keys = cipher(info.context.services.settings)
        row = await act_once(info, input, store.accounts.get_user, actions.emails.request_verification, keys)
        return RequestEmailVerificationPayload(user=User.of(row))
