"""What admins see and do of other people's accounts."""

from typing import Annotated, Self

import strawberry

from shared.errors import BadRequest, DomainError
from shared.graphql.acting import act
from shared.graphql.ids import UserId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.schema import mutation, query
from shared.graphql.types import UserError
from shared.identity.actor import ADMIN, Role
from subgraphs.users import actions, credentials, models, rules, store
from subgraphs.users.revocations import revoke
from subgraphs.users.rules.accounts import Status
from subgraphs.users.schema.user import Info, User
from subgraphs.users.secrets_at_rest import cipher


@strawberry.input(description="Which accounts to list; what is left out leaves all.")
class UserFilter:
    status: Status | None = strawberry.field(default=None, description="Only accounts that stand like this.")
    role: Role | None = strawberry.field(default=None, description="Only people who hold this role.")
    email: str | None = strawberry.field(default=None, description="Only the account with exactly this address.")
    name: str | None = strawberry.field(
        default=None, description="Only people whose name begins with this, 1 to 60 characters, in any case of letters."
    )

    def parse(self) -> store.accounts.Filter:
        """Raises BadRequest: a query has no `userErrors`."""
        try:
            return store.accounts.Filter(
                status=self.status,
                role=self.role,
                email=None if self.email is None else credentials.normalise_email(self.email),
                name=None if self.name is None else rules.profile.clean_name(self.name, field=("name",)),
            )
        except DomainError as error:
            raise BadRequest(f"filter.{'.'.join(error.field)}: {error.message}") from None


@strawberry.input(description="Whom to shut out, and why.")
class SuspendUserInput:
    user_id: UserId = strawberry.field(description="The user's id; not one's own.")
    reason: str = strawberry.field(description="What happened, 3 to 500 characters; admins and the person see it.")


@strawberry.input(description="Whom to let in again.")
class ReinstateUserInput:
    user_id: UserId = strawberry.field(description="The user's id; not one's own.")


@strawberry.input(description="Who gets which role.")
class GrantRoleInput:
    user_id: UserId = strawberry.field(description="The user's id; not one's own.")
    role: Role = strawberry.field(description="What they may be from their next login or refresh on.")


@strawberry.input(description="Who loses which role.")
class RevokeRoleInput:
    user_id: UserId = strawberry.field(description="The user's id; not one's own.")
    role: Role = strawberry.field(description="What they may be no more.")


@strawberry.type(description="The outcome of what an admin does with an account.")
class AdministerUserPayload:
    user: User | None = strawberry.field(default=None, description="The account after it; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.User) -> Self:
        return cls(user=User.of(row))


@strawberry.type(description="The outcome of `suspendUser`.")
class SuspendUserPayload(AdministerUserPayload): ...


@strawberry.type(description="The outcome of `reinstateUser`.")
class ReinstateUserPayload(AdministerUserPayload): ...


@strawberry.type(description="The outcome of `grantRole`.")
class GrantRolePayload(AdministerUserPayload): ...


@strawberry.type(description="The outcome of `revokeRole`.")
class RevokeRolePayload(AdministerUserPayload): ...


@strawberry.type
class AdministrationQuery:
    @query(description="All accounts, newest first, for admins.", scope=ADMIN)
    async def users(
        self,
        info: Info,
        filter: Annotated[UserFilter | None, strawberry.argument(description="Which accounts.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[User] | None:
        window = store.accounts.NEWEST.window(first, after, last, before)
        wanted = filter.parse() if filter is not None else store.accounts.Filter()
        return Connection.of(await store.accounts.list_users(info.context.database, wanted, window), User.of)


@strawberry.type
class AdministrationMutation:
    @mutation(
        description="Shuts an account out. Its sessions end; their tokens are refused everywhere within 5 seconds, "
        "open subscriptions included.",
        scope=ADMIN,
    )
    async def suspend_user(self, info: Info, input: SuspendUserInput) -> SuspendUserPayload:
        services = info.context.services
        row, ended = await act(
            info, actions.administration.suspend_user, cipher(services.settings), input.user_id, input.reason
        )
        await revoke(services.revocations, ended)
        return SuspendUserPayload.of(row)

    @mutation(description="Lifts a suspension; the person has to log in again.", scope=ADMIN)
    async def reinstate_user(self, info: Info, input: ReinstateUserInput) -> ReinstateUserPayload:
        keys = cipher(info.context.services.settings)
        row = await act(info, actions.administration.reinstate_user, keys, input.user_id)
        return ReinstateUserPayload.of(row)

    @mutation(description="Gives a role, SUPPORT and ADMIN among them; somebody who has it keeps it.", scope=ADMIN)
    async def grant_role(self, info: Info, input: GrantRoleInput) -> GrantRolePayload:
        row = await act(info, actions.administration.grant_role, input.user_id, input.role)
        return GrantRolePayload.of(row)

    @mutation(
        description="Takes a role. The person's sessions end, since their tokens name it; they log in again.",
        scope=ADMIN,
    )
    async def revoke_role(self, info: Info, input: RevokeRoleInput) -> RevokeRolePayload:
        row, ended = await act(info, actions.administration.revoke_role, input.user_id, input.role)
        await revoke(info.context.services.revocations, ended)
        return RevokeRolePayload.of(row)
