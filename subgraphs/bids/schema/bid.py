"""Bids and invitations in the graph, and what they add to tasks and people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared import clock, events
from shared.graphql.entities import Node, entity
from shared.graphql.ids import BidId
from shared.graphql.limits import list_size
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.schema import field, query
from shared.graphql.types import Money, register_commands, register_enum
from shared.identity.actor import MARKETPLACE
from shared.money import Money as Amount
from subgraphs.bids import models, rules, store
from subgraphs.bids.rules.bids import TRANSITIONS, Command, DeclineReason, Side, Status
from subgraphs.bids.rules.commands import Facts
from subgraphs.bids.rules.invitations import Status as InvitationStatus
from subgraphs.bids.schema.info import Info
from subgraphs.bids.schema.offer import BidOffer
from subgraphs.bids.store import Sort

# No user has this id; a page of bids for it is empty.
NOBODY = ""

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
        Command.COUNTER_OFFER: "Offer the other side another amount, by `counterOffer`.",
        Command.ACCEPT_OFFER: "Accept what the other side offers, by `acceptOffer`.",
        Command.DECLINE_OFFER: "Turn down what the other side offers, by `declineOffer`.",
        Command.SHORTLIST: "Mark it as one of those to choose from, by `shortlistBid`.",
        Command.UNSHORTLIST: "Take that mark away, by `unshortlistBid`.",
        Command.DECLINE: "Turn it down, by `declineBid`.",
        Command.ACCEPT: "Choose it, by `acceptBid`.",
    },
)
register_enum(
    DeclineReason,
    name="BidDeclineReason",
    description="Why a bid is turned down.",
    values={
        DeclineReason.TOO_EXPENSIVE: "It costs too much.",
        DeclineReason.TIMING: "The times do not fit.",
        DeclineReason.NOT_QUALIFIED: "The tasker lacks experience, tools or papers for it.",
        DeclineReason.FOUND_SOMEBODY_ELSE: "Somebody else does it, here or elsewhere.",
        DeclineReason.PLANS_CHANGED: "The task is not wanted any more, or another one.",
        DeclineReason.OTHER: "Another reason.",
    },
)
register_enum(
    Sort,
    name="BidSort",
    description="The order of a task's bids.",
    values={
        Sort.NEWEST: "The newest first.",
        Sort.OLDEST: "The oldest first.",
        Sort.AMOUNT_ASC: "The lowest amount first.",
        Sort.AMOUNT_DESC: "The highest amount first.",
    },
)
register_enum(
    InvitationStatus,
    name="BidInvitationStatus",
    description="Where an invitation to bid stands.",
    values={
        InvitationStatus.OPEN: "Waits for the tasker's bid.",
        InvitationStatus.ACCEPTED: "The tasker has bid.",
        InvitationStatus.DECLINED: "The tasker does not want to; they may bid after all.",
        InvitationStatus.CLOSED: "The task takes no bids at present.",
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
        description="The task's bids, as far as the caller may see them: all for the poster, a bidder's own for a "
        "bidder, none for others."
    )
    async def bids(
        self,
        info: Info,
        sort: Annotated[Sort, strawberry.argument(description="In which order.")] = Sort.NEWEST,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection["Bid"] | None:
        viewer_id = info.context.actor.id if info.context.actor else NOBODY
        window = store.ORDERS[sort].window(first, after, last, before)
        page = await info.context.loaders.bid_page_by_task_id(viewer_id).load((self.id, window))
        return Connection.of(page, Bid.of)

    @field(description="The caller's newest bid on the task; null without one.")
    async def my_bid(self, info: Info) -> "Bid | None":
        actor = info.context.actor
        row = await info.context.loaders.newest_bid_by_task_id(actor.id).load(self.id) if actor else None
        return Bid.of(row) if row else None

    @field(
        description="The invitations to bid on the task, the newest first, at most 50: all for its poster, none for "
        "others.",
        directives=[list_size(assumed_size=rules.invitations.MOST_INVITATIONS)],
    )
    async def invitations(self, info: Info) -> list["BidInvitation"] | None:
        viewer_id = info.context.actor.id if info.context.actor else NOBODY
        return [
            BidInvitation.of(row) for row in await info.context.loaders.invitations_by_task_id(viewer_id).load(self.id)
        ]


@entity(description="A tasker's offer to do a task. Only the task's poster and the bidder see it.")
class Bid(Node):
    id: ID = strawberry.field(description="The bid's id.")
    task: Task | None = strawberry.field(
        description="The task that the bid is for; null while tasks cannot be reached."
    )
    tasker: User | None = strawberry.field(description="Who bids; null while users cannot be reached.")
    amount: Money = strawberry.field(
        description="What the whole task is to cost: what the tasker asks for, or the offer that one side made and "
        "the other accepted. An open offer does not change it."
    )
    message: str = strawberry.field(description="What the tasker says to the poster.")
    estimated_minutes: int | None = strawberry.field(description="How long the tasker expects the work to take.")
    status: Status = strawberry.field(description="Where the bid stands.")
    expires_at: datetime = strawberry.field(description="When a pending bid ends by itself.")
    version: int = strawberry.field(description="Counts the bid's changes; what decides on the bid takes it.")
    decline_reason: DeclineReason | None = strawberry.field(
        description="Why it was turned down; null unless it was, and for bids of before there were reasons."
    )
    decline_message: str | None = strawberry.field(
        description="What the poster wrote when turning it down; null if nothing."
    )
    created_at: datetime = strawberry.field(description="When the bid was placed.")
    updated_at: datetime = strawberry.field(description="When the bid changed last.")
    facts: strawberry.Private[Facts]
    marked_at: strawberry.Private[datetime | None]
    told_offer: strawberry.Private[BidOffer | None]
    """The open offer, where it came with an event."""

    @classmethod
    def of(cls, row: models.Bid) -> Self:
        return cls._of(row, Amount(row.amount_minor, row.currency), row.open_offer_side, None)

    @classmethod
    def of_snapshot(cls, bid: events.BidSnapshot) -> Self:
        """The bid as it was when an event happened."""
        side = Side(bid.open_offer.side) if bid.open_offer else None
        return cls._of(bid, bid.amount, side, BidOffer.of_snapshot(bid.open_offer) if bid.open_offer else None)

    @classmethod
    def _of(
        cls, bid: models.Bid | events.BidSnapshot, amount: Amount, open_offer_side: Side | None, told: BidOffer | None
    ) -> Self:
        status = Status(bid.status)
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
            decline_reason=DeclineReason(bid.decline_reason) if bid.decline_reason else None,
            decline_message=bid.decline_message,
            created_at=bid.created_at,
            updated_at=bid.updated_at,
            facts=Facts(
                poster_id=bid.poster_id,
                tasker_id=bid.tasker_id,
                status=status,
                expires_at=bid.expires_at,
                open_offer_side=open_offer_side,
                offers_made=bid.offers_made,
                is_shortlisted=bid.shortlisted_at is not None,
            ),
            marked_at=bid.shortlisted_at,
            told_offer=told,
        )

    @field(description="The offer that waits for an answer; null without one.")
    async def open_offer(self, info: Info) -> BidOffer | None:
        if self.facts.open_offer_side is None or self.told_offer is not None:
            return self.told_offer
        rows = await info.context.loaders.offers_by_bid_id.load(self.id)
        return next((BidOffer.of(row) for row in rows if row.status is rules.offers.Status.OPEN), None)

    @field(
        description="All offers of the two sides to each other, the oldest first, at most 20; as they are now.",
        directives=[list_size(assumed_size=rules.offers.MOST_OFFERS)],
    )
    async def offers(self, info: Info) -> list[BidOffer]:
        return [BidOffer.of(row) for row in await info.context.loaders.offers_by_bid_id.load(self.id)]

    @field(
        description="When the poster marked the bid as one of those to choose from; null unless it is, and for the "
        "bidder."
    )
    async def shortlisted_at(self, info: Info) -> datetime | None:
        viewer = info.context.actor
        return self.marked_at if viewer is not None and viewer.id == self.facts.poster_id else None

    @field(
        description="What the caller can do with the bid as it is here: now, or right after an event. Whether one of "
        "the two has blocked the other, or is suspended, shows when one tries. Null if it cannot be told at the moment."
    )
    async def viewer_can(self, info: Info) -> list[Command] | None:
        viewer = info.context.actor
        if viewer is None or self.task is None:
            return []
        deal = await info.context.loaders.deal_by_task_id.load(self.task.id)
        if deal is None:
            return []
        return rules.commands.commands(viewer.id, self.facts, deal, clock.now())

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Bid | None"]:
        return await visible_bids(info, ids)


@entity(description="A poster's wish for a tasker's bid. Only the two see it.")
class BidInvitation(Node):
    id: ID = strawberry.field(description="The invitation's id.")
    task: Task | None = strawberry.field(description="The task to bid on; null while tasks cannot be reached.")
    tasker: User | None = strawberry.field(description="Who is invited; null while users cannot be reached.")
    message: str | None = strawberry.field(description="What the poster says; null if nothing.")
    created_at: datetime = strawberry.field(description="When the poster invited.")
    bid_id: strawberry.Private[str | None]
    declined_at: strawberry.Private[datetime | None]

    @classmethod
    def of(cls, row: models.Invitation) -> Self:
        return cls._of(row, row.bid_id)

    @classmethod
    def of_snapshot(cls, invitation: events.InvitationSnapshot) -> Self:
        """The invitation as it was when an event happened, but for what befell the task since."""
        return cls._of(invitation, None)

    @classmethod
    def _of(cls, invitation: models.Invitation | events.InvitationSnapshot, bid_id: str | None) -> Self:
        return cls(
            id=ID(invitation.id),
            task=Task(id=ID(invitation.task_id)),
            tasker=User(id=ID(invitation.tasker_id)),
            message=invitation.message,
            created_at=invitation.created_at,
            bid_id=bid_id,
            declined_at=invitation.declined_at,
        )

    @field(description="Where the invitation stands.")
    async def status(self, info: Info) -> InvitationStatus | None:
        deal = await info.context.loaders.deal_by_task_id.load(self.task.id) if self.task else None
        takes_bids = deal is not None and rules.bids.takes_bids(deal.status, deal.expires_at, clock.now())
        return rules.invitations.status(self.bid_id, self.declined_at, takes_bids=takes_bids)

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["BidInvitation | None"]:
        rows = await info.context.loaders.invitation_by_id.load_many(ids)
        viewer = info.context.actor.id if info.context.actor else None
        return [
            cls.of(row) if row and rules.invitations.may_see(viewer, row.poster_id, row.tasker_id) else None
            for row in rows
        ]


async def visible_bids(info: Info, bid_ids: Sequence[str]) -> Sequence[Bid | None]:
    """Those of these bids that the caller may see, and None for the others."""
    rows = await info.context.loaders.bid_by_id.load_many(bid_ids)
    viewer = info.context.actor.id if info.context.actor else None
    return [Bid.of(row) if row and rules.bids.may_see(viewer, row.poster_id, row.tasker_id) else None for row in rows]


@strawberry.type
class BidQuery:
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

    @query(description="The invitations to bid that the caller got, newest first.", scope=MARKETPLACE)
    async def my_invitations(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[BidInvitation] | None:
        window = store.NEWEST_INVITATIONS.window(first, after, last, before)
        page = await store.list_invitations_of(info.context.database, info.context.require_actor().id, window)
        return Connection.of(page, BidInvitation.of)
