"""Leaving the marketplace."""

from typing import Self

import strawberry

from shared.graphql.acting import act
from shared.graphql.ids import UserId
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from shared.identity.actor import ADMIN
from subgraphs.users import actions, credentials, models, second_factor
from subgraphs.users.revocations import revoke
from subgraphs.users.schema.second_factor import CODE
from subgraphs.users.schema.user import Info, User


@strawberry.input(description="Who wants to leave.")
class EraseMyAccountInput:
    password: str | None = strawberry.field(
        default=None,
        description="One's password, again. An account without one needs a session that is at most 10 minutes old.",
    )
    code: str | None = strawberry.field(default=None, description=CODE)


@strawberry.input(description="Whose account to erase, and why.")
class EraseUserInput:
    user_id: UserId = strawberry.field(description="The user's id; not one's own.")
    reason: str = strawberry.field(description="Who asked for it and how, 3 to 500 characters; without contact data.")


@strawberry.type(description="The outcome of what erases an account.")
class ErasePayload:
    user: User | None = strawberry.field(default=None, description="What is left; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.User) -> Self:
        return cls(user=User.of(row))


@strawberry.type(description="The outcome of `eraseMyAccount`.")
class EraseMyAccountPayload(ErasePayload): ...


@strawberry.type(description="The outcome of `eraseUser`.")
class EraseUserPayload(ErasePayload): ...


@strawberry.type
class ErasureMutation:
    @mutation(
        description="Erases one's account for good, in all parts of the marketplace: what was written, told and kept "
        "of oneself. Open tasks are called off and bids taken back; refused (`ACCOUNT_HAS_OPEN_ENGAGEMENTS`) while a "
        "task is assigned and neither done nor called off, and (`ACCOUNT_HAS_MONEY`) while money is held for a task of "
        "theirs, in their balance, on its way or owed by them. All tokens are refused everywhere within 5 seconds. Who "
        "has a second factor gives a code of it too (`SECOND_FACTOR_REQUIRED`)."
    )
    async def erase_my_account(self, info: Info, input: EraseMyAccountInput) -> EraseMyAccountPayload:
        context, settings = info.context, info.context.services.settings
        actor = context.require_actor()
        await credentials.confirm(context.services, actor, context.one_address, input.password)
        async with second_factor.attempt(context.services, context.one_address, actor.id, input.code):
            row, ended = await act(info, actions.erasure.erase_my_account, settings, input.code)
        await revoke(context.services.revocations, ended)
        return EraseMyAccountPayload.of(row)

    @mutation(description="Erases the account of somebody who cannot do it themselves, for good.", scope=ADMIN)
    async def erase_user(self, info: Info, input: EraseUserInput) -> EraseUserPayload:
        services = info.context.services
        row, ended = await act(info, actions.erasure.erase_user, services.settings, input.user_id, input.reason)
        await revoke(services.revocations, ended)
        return EraseUserPayload.of(row)
