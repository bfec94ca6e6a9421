"""Blocking people, and whom one has blocked."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.acting import act
from shared.graphql.ids import UserId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import field, mutation, query
from shared.graphql.types import UserError
from shared.identity.actor import MARKETPLACE
from shared.ids import id_of_row
from subgraphs.users import actions, models, store
from subgraphs.users.schema.user import Info, User, find_user

QUOTAS = [Quota("blocks", "blocks_per_address"), Quota("blocks account", "blocks_per_account", by_actor)]


@strawberry.type(description="Somebody whom the caller has blocked. Only the caller sees it; the other is not told.")
class BlockedUser:
    id: ID = strawberry.field(description="Tells it from all others in a client's cache; `node` does not take it.")
    user_id: strawberry.Private[str]
    blocked_at: datetime = strawberry.field(description="When the caller blocked them.")

    @classmethod
    def of(cls, row: models.Block) -> Self:
        return cls(
            id=ID(id_of_row("block", row.blocker_id, row.blocked_id)), user_id=row.blocked_id, blocked_at=row.created_at
        )

    @field(description="Who is blocked.")
    async def user(self, info: Info) -> User | None:
        return await find_user(info, self.user_id)


@strawberry.input(description="Whom to block.")
class BlockUserInput:
    user_id: UserId = strawberry.field(description="Somebody else.")


@strawberry.input(description="Whom to block no longer.")
class UnblockUserInput:
    user_id: UserId = strawberry.field(description="Somebody else; nothing happens if they are not blocked.")


@strawberry.type(description="The outcome of `blockUser`.")
class BlockUserPayload:
    user: User | None = strawberry.field(default=None, description="Who is blocked now; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `unblockUser`.")
class UnblockUserPayload:
    user: User | None = strawberry.field(default=None, description="Who is not blocked now; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class BlockQuery:
    @query(description="Whom the caller has blocked, newest first.", scope=MARKETPLACE)
    async def my_blocked_users(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[BlockedUser] | None:
        window = store.blocks.NEWEST.window(first, after, last, before)
        page = await store.blocks.list_blocks(info.context.database, info.context.require_actor().id, window)
        return Connection.of(page, BlockedUser.of)


@strawberry.type
class BlockMutation:
    @mutation(
        description="Blocks somebody: from then on neither can bid on the other's tasks nor accept the other's bids. "
        "Bids that are there stay. The other is not told. Blocking twice is the same as once.",
        quotas=QUOTAS,
    )
    async def block_user(self, info: Info, input: BlockUserInput) -> BlockUserPayload:
        row = await act(info, actions.blocks.block_user, input.user_id)
        return BlockUserPayload(user=User.of(row))

    @mutation(description="Takes a block back.", quotas=QUOTAS)
    async def unblock_user(self, info: Info, input: UnblockUserInput) -> UnblockUserPayload:
        row = await act(info, actions.blocks.unblock_user, input.user_id)
        return UnblockUserPayload(user=User.of(row))
