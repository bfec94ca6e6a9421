"""The GraphQL schema of bids: authorize, call, return."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self, cast

import strawberry
from strawberry import ID

from shared import clock, events
from shared.context import Context, Followed
from shared.graphql.acting import act, act_once
from shared.graphql.entities import Node, entity
from shared.graphql.events import AFTER, StreamEvent, made_once
from shared.graphql.ids import BidId, TaskId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.schema import build_schema, field, mutation, query, subscription
from shared.graphql.types import Money, MoneyInput, UserError, register_commands, register_enum
from shared.identity.actor import MARKETPLACE
from shared.money import Money as Amount
from subgraphs.bids import actions, models, rules, store
from subgraphs.bids.loaders import Loaders
from subgraphs.bids.rules import TRANSITIONS, Command, Status

Info = strawberry.Info[Context[Loaders], None]

# No user has this id; a page of bids for it is empty.
NOBODY = ""


class BidEventType(StrEnum):
    """What happened to a bid: the last part of its event's type."""

    PLACED = "placed"
    UPDATED = "updated"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    ACCEPTANCE_FAILED = "acceptance_failed"
    AWARDED = "awarded"


register_enum(
    Status,
    name="BidStatus",
    description="Where a bid stands.",
    values={
        Status.PENDING: "Waits for the poster's decision.",
        Status.ACCEPTED: "Chosen by the poster; the task is not assigned yet.",
        Status.AWARDED: "The task is assigned to the bidder.",
        Status.DECLINED: "Turned down by the poster, or another bid got the task.",
        Status.WITHDRAWN: "Taken back by the bidder.",
        Status.EXPIRED: "Nobody decided in time, or the task takes no bids any more.",
    },
)
register_commands(
    Command,
    TRANSITIONS,
    name="BidCommand",
    description="What somebody can do with a bid.",
    values={
        Command.UPDATE: "Change it, by `updateBid`.",
        Command.WITHDRAW: "Take it back, by `withdrawBid`.",
        Command.DECLINE: "Turn it down, by `declineBid`.",
        Command.ACCEPT: "Choose it, by `acceptBid`.",
    },
)
register_enum(
    BidEventType,
    description="What happened to a bid.",
    values={
        BidEventType.PLACED: "A tasker bid.",
        BidEventType.UPDATED: "The bidder changed the bid.",
        BidEventType.WITHDRAWN: "The bidder took the bid back.",
        BidEventType.EXPIRED: "The bid's time ran out, or the task takes no bids any more.",
        BidEventType.DECLINED: "The poster turned the bid down, or another bid got the task.",
        BidEventType.ACCEPTED: "The poster chose the bid.",
        BidEventType.ACCEPTANCE_FAILED: "The chosen bid could not get the task; it is pending again.",
        BidEventType.AWARDED: "The task is assigned to the bidder.",
    },
)


@strawberry.federation.type(keys=["id"], description="A person of the marketplace.")
class User:
    id: ID = strawberry.field(description="The user's id.")

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence[Self]:
        return [cls(id=ID(each)) for each in ids]

    @field(description="The user's bids, newest first; null for anybody but the user.")
    async def bids(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection["Bid"] | None:
        actor = info.context.actor
        if actor is None or actor.id != self.id:
            return None
        window = store.NEWEST.window(first, after, last, before)
        return Connection.of(await store.list_bids_of(info.context.database, actor.id, window), Bid.of)


@strawberry.federation.type(keys=["id"], description="A piece of work that somebody wants done.")
class Task:
    id: ID = strawberry.field(description="The task's id.")

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence[Self]:
        return [cls(id=ID(each)) for each in ids]

    @field(description="How many bids the task has that are pending, accepted or awarded.")
    async def bid_count(self, info: Info) -> int | None:
        return await info.context.loaders.bid_count_by_task_id.load(self.id)

    @field(
        description="The task's bids, newest first, as far as the caller may see them: all for the poster, "
        "a bidder's own for a bidder, none for others."
    )
    async def bids(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection["Bid"] | None:
        viewer_id = info.context.actor.id if info.context.actor else NOBODY
        window = store.NEWEST.window(first, after, last, before)
        page = await info.context.loaders.bid_page_by_task_id(viewer_id).load((self.id, window))
        return Connection.of(page, Bid.of)

    @field(description="The caller's newest bid on the task; null without one.")
    async def my_bid(self, info: Info) -> "Bid | None":
        actor = info.context.actor
        row = await info.context.loaders.newest_bid_by_task_id(actor.id).load(self.id) if actor else None
        return Bid.of(row) if row else None


@entity(description="A tasker's offer to do a task. Only the task's poster and the bidder see it.")
class Bid(Node):
    id: ID = strawberry.field(description="The bid's id.")
    task: Task | None = strawberry.field(
        description="The task that the bid is for; null while tasks cannot be reached."
    )
    tasker: User | None = strawberry.field(description="Who bids; null while users cannot be reached.")
    amount: Money = strawberry.field(description="What the tasker asks for the whole task.")
    message: str = strawberry.field(description="What the tasker says to the poster.")
    estimated_minutes: int | None = strawberry.field(description="How long the tasker expects the work to take.")
    status: Status = strawberry.field(description="Where the bid stands.")
    expires_at: datetime = strawberry.field(description="When a pending bid ends by itself.")
    version: int = strawberry.field(description="Counts the bid's changes; `acceptBid` and `updateBid` take it.")
    created_at: datetime = strawberry.field(description="When the bid was placed.")
    updated_at: datetime = strawberry.field(description="When the bid changed last.")
    poster_id: strawberry.Private[str]

    @classmethod
    def of(cls, row: models.Bid) -> Self:
        return cls._of(row, Amount(row.amount_minor, row.currency), Status(row.status))

    @classmethod
    def of_snapshot(cls, bid: events.BidSnapshot) -> Self:
        """The bid as it was when an event happened."""
        return cls._of(bid, bid.amount, Status(bid.status))

    @classmethod
    def _of(cls, bid: models.Bid | events.BidSnapshot, amount: Amount, status: Status) -> Self:
        return cls(
            id=ID(bid.id),
            task=Task(id=ID(bid.task_id)),
            tasker=User(id=ID(bid.tasker_id)),
            amount=Money.of(amount),
            message=bid.message,
            estimated_minutes=bid.estimated_minutes,
            status=status,
            expires_at=bid.expires_at,
            version=bid.version,
            created_at=bid.created_at,
            updated_at=bid.updated_at,
            poster_id=bid.poster_id,
        )

    @field(
        description="What the caller can do with the bid as it is here: now, or right after an event. Whether one of "
        "the two has blocked the other, or is suspended, shows when one tries. Null if it cannot be told at the moment."
    )
    async def viewer_can(self, info: Info) -> list[Command] | None:
        viewer = info.context.actor
        if viewer is None or self.task is None or self.tasker is None:
            return []
        deal = await info.context.loaders.deal_by_task_id.load(self.task.id)
        if deal is None:
            return []
        return rules.commands(
            viewer.id,
            poster_id=self.poster_id,
            tasker_id=self.tasker.id,
            status=self.status,
            expires_at=self.expires_at,
            deal=deal,
            now=clock.now(),
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Bid | None"]:
        return await visible_bids(info, ids)


@strawberry.type(description="Something that happened to a bid. The bid is as it was at that moment.")
class BidEvent(StreamEvent):
    type: BidEventType = strawberry.field(description="What happened.")
    bid: Bid = strawberry.field(description="The bid right after it.")

    @classmethod
    @made_once
    def of(cls, followed: Followed) -> Self:
        envelope = followed.envelope
        return cls(
            seq=envelope.seq,
            previous_seq=followed.previous_seq,
            occurred_at=envelope.occurred_at,
            type=BidEventType(envelope.event.type.rpartition(".")[2]),
            bid=Bid.of_snapshot(cast("events.BidPlaced", envelope.event).bid),
        )


@strawberry.input(description="A new bid.")
class PlaceBidInput:
    task_id: TaskId = strawberry.field(description="The open task to bid on.")
    amount: MoneyInput = strawberry.field(description="1 to 100,000 units of the task's currency.")
    message: str = strawberry.field(description="What you say to the poster, 20 to 1,500 characters.")
    estimated_minutes: int | None = strawberry.field(default=None, description="How long you expect the work to take.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="Sent again with the same key within 24 hours, the input has one effect."
    )


@strawberry.input(description="What to change of a pending bid; what is left out stays as it is.")
class UpdateBidInput:
    bid_id: BidId = strawberry.field(description="One's own pending bid.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the bid changed since."
    )
    amount: MoneyInput | None = strawberry.field(default=None, description="1 to 100,000 units.")
    message: str | None = strawberry.field(default=None, description="20 to 1,500 characters.")
    estimated_minutes: int | None = strawberry.field(default=None, description="How long the work takes.")


@strawberry.input(description="The bid to take back.")
class WithdrawBidInput:
    bid_id: BidId = strawberry.field(description="One's own pending bid.")


@strawberry.input(description="The bid to turn down.")
class DeclineBidInput:
    bid_id: BidId = strawberry.field(description="A pending bid on one's own task.")
    reason: str | None = strawberry.field(default=None, description="Told to the bidder; at most 500 characters.")


@strawberry.input(description="The bid to choose.")
class AcceptBidInput:
    bid_id: BidId = strawberry.field(description="A pending bid on one's own task.")
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if the bid changed since."
    )


@strawberry.type(description="The outcome of a mutation of one bid.")
class BidPayload:
    bid: Bid | None = strawberry.field(
        default=None, description="The bid after it; null if it was refused, except for `VERSION_CONFLICT`."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Bid) -> Self:
        return cls(bid=Bid.of(row))


@strawberry.type(description="The outcome of `placeBid`.")
class PlaceBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `updateBid`.")
class UpdateBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `withdrawBid`.")
class WithdrawBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `declineBid`.")
class DeclineBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `acceptBid`.")
class AcceptBidPayload(BidPayload): ...


async def visible_bids(info: Info, bid_ids: Sequence[str]) -> Sequence[Bid | None]:
    """Those of these bids that the caller may see, and None for the others."""
    rows = await info.context.loaders.bid_by_id.load_many(bid_ids)
    viewer = info.context.actor.id if info.context.actor else None
    return [Bid.of(row) if row and rules.may_see(viewer, row.poster_id, row.tasker_id) else None for row in rows]


@strawberry.type
class Query:
    @query(description="A bid, for the poster of its task and its bidder; null for anybody else.")
    async def bid(
        self, info: Info, id: Annotated[BidId, strawberry.argument(description="The bid's id.")]
    ) -> Bid | None:
        return (await visible_bids(info, [id]))[0]

    @query(description="The caller's own bids, newest first.", scope=MARKETPLACE)
    async def my_bids(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Bid] | None:
        window = store.NEWEST.window(first, after, last, before)
        page = await store.list_bids_of(info.context.database, info.context.require_actor().id, window)
        return Connection.of(page, Bid.of)


@strawberry.type
class Mutation:
    @mutation(description="Bids on an open task that is not one's own. Needs the role TASKER.")
    async def place_bid(self, info: Info, input: PlaceBidInput) -> PlaceBidPayload:
        row = await act_once(
            info,
            input,
            store.get_bid,
            actions.place_bid,
            task_id=input.task_id,
            amount=input.amount,
            message=input.message,
            estimated_minutes=input.estimated_minutes,
        )
        return PlaceBidPayload.of(row)

    @mutation(description="Changes one's own pending bid.")
    async def update_bid(self, info: Info, input: UpdateBidInput) -> UpdateBidPayload:
        row = await act(
            info,
            actions.update_bid,
            input.bid_id,
            input.expected_version,
            amount=input.amount,
            message=input.message,
            estimated_minutes=input.estimated_minutes,
        )
        return UpdateBidPayload.of(row)

    @mutation(description="Takes one's own pending bid back.")
    async def withdraw_bid(self, info: Info, input: WithdrawBidInput) -> WithdrawBidPayload:
        return WithdrawBidPayload.of(await act(info, actions.withdraw_bid, input.bid_id))

    @mutation(description="Turns down a pending bid on one's own task.")
    async def decline_bid(self, info: Info, input: DeclineBidInput) -> DeclineBidPayload:
        return DeclineBidPayload.of(await act(info, actions.decline_bid, input.bid_id, input.reason))

    @mutation(description="Chooses a pending bid on one's own task; of several at once one wins.")
    async def accept_bid(self, info: Info, input: AcceptBidInput) -> AcceptBidPayload:
        return AcceptBidPayload.of(await act(info, actions.accept_bid, input.bid_id, input.expected_version))


@strawberry.type
class Subscription:
    @subscription(
        scope=MARKETPLACE,
        description="What happens to the bids of a task: all of them for its poster, a bidder's own for a bidder.",
    )
    async def bid_events(
        self,
        info: Info,
        task_id: Annotated[TaskId, strawberry.argument(description="The task whose bids to follow.")],
        after: Annotated[int | None, AFTER] = None,
    ) -> AsyncIterator[BidEvent]:
        viewer = info.context.require_actor().id

        def visible(event: events.Event) -> bool:
            bid = cast("events.BidPlaced", event).bid
            return rules.may_see(viewer, bid.poster_id, bid.tasker_id)

        async for followed in info.context.follow(f"task:{task_id}", after, visible):
            yield BidEvent.of(followed)


schema = build_schema(Query, Mutation, Subscription)
