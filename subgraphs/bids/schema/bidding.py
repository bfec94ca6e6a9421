"""Placing, changing, declining and accepting bids."""

import strawberry

from shared.graphql.acting import IDEMPOTENCY_KEY, act, act_once
from shared.graphql.ids import BidId, PaymentMethodId, TaskId
from shared.graphql.schema import mutation
from shared.graphql.types import MoneyInput
from subgraphs.bids import actions, store
from subgraphs.bids.rules.bids import DeclineReason
from subgraphs.bids.schema.info import Info
from subgraphs.bids.schema.payload import BidPayload


@strawberry.input(description="A new bid.")
class PlaceBidInput:
    task_id: TaskId = strawberry.field(description="The open task to bid on.")
    amount: MoneyInput = strawberry.field(description="In the task's currency: about 1 to 100,000 euro's worth.")
    message: str = strawberry.field(description="What you say to the poster, 20 to 1,500 characters.")
    estimated_minutes: int | None = strawberry.field(default=None, description="How long you expect the work to take.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of a pending bid; what is left out stays as it is.")
class UpdateBidInput:
    bid_id: BidId = strawberry.field(description="One's own pending bid.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the bid changed since."
    )
    amount: MoneyInput | None = strawberry.field(
        default=None, description="In the task's currency: about 1 to 100,000 euro's worth."
    )
    message: str | None = strawberry.field(default=None, description="20 to 1,500 characters.")
    estimated_minutes: int | None = strawberry.field(default=None, description="How long the work takes.")


@strawberry.input(description="The bid to take back.")
class WithdrawBidInput:
    bid_id: BidId = strawberry.field(description="One's own pending bid.")


@strawberry.input(description="The bid to turn down.")
class DeclineBidInput:
    bid_id: BidId = strawberry.field(description="A pending bid on one's own task.")
    reason: DeclineReason = strawberry.field(description="Why; told to the bidder.")
    message: str | None = strawberry.field(default=None, description="Told to the bidder, 1 to 500 characters.")


@strawberry.input(description="The bid to mark.")
class ShortlistBidInput:
    bid_id: BidId = strawberry.field(description="A pending bid on one's own task.")


@strawberry.input(description="The bid to take the mark from.")
class UnshortlistBidInput:
    bid_id: BidId = strawberry.field(description="A pending bid on one's own task.")


@strawberry.input(description="The bid to choose.")
class AcceptBidInput:
    bid_id: BidId = strawberry.field(description="A pending bid on one's own task.")
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if the bid changed since."
    )
    payment_method_id: PaymentMethodId | None = strawberry.field(
        default=None, description="One's card to be charged; left out, the default one."
    )


@strawberry.type(description="The outcome of `placeBid`.")
class PlaceBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `updateBid`.")
class UpdateBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `withdrawBid`.")
class WithdrawBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `declineBid`.")
class DeclineBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `shortlistBid`.")
class ShortlistBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `unshortlistBid`.")
class UnshortlistBidPayload(BidPayload): ...


@strawberry.type(description="The outcome of `acceptBid`.")
class AcceptBidPayload(BidPayload): ...


@strawberry.type
class BiddingMutation:
    @mutation(description="Bids on an open task that is not one's own. Needs the role TASKER.")
    async def place_bid(self, info: Info, input: PlaceBidInput) -> PlaceBidPayload:
        row = await act_once(
            info,
            input,
            store.get_bid,
            actions.bids.place_bid,
            task_id=input.task_id,
            amount=input.amount,
            message=input.message,
            estimated_minutes=input.estimated_minutes,
        )
        return PlaceBidPayload.of(row)

    @mutation(description="Changes one's own pending bid, which ends an open offer.")
    async def update_bid(self, info: Info, input: UpdateBidInput) -> UpdateBidPayload:
        row = await act(
            info,
            actions.bids.update_bid,
            input.bid_id,
            input.expected_version,
            amount=input.amount,
            message=input.message,
            estimated_minutes=input.estimated_minutes,
        )
        return UpdateBidPayload.of(row)

    @mutation(description="Takes one's own pending bid back.")
    async def withdraw_bid(self, info: Info, input: WithdrawBidInput) -> WithdrawBidPayload:
        return WithdrawBidPayload.of(await act(info, actions.bids.withdraw_bid, input.bid_id))

    @mutation(description="Turns down a pending bid on one's own task.")
    async def decline_bid(self, info: Info, input: DeclineBidInput) -> DeclineBidPayload:
        row = await act(info, actions.bids.decline_bid, input.bid_id, input.reason, input.message)
        return DeclineBidPayload.of(row)

    @mutation(description="Marks a pending bid on one's own task as one to choose from. The bidder is not told.")
    async def shortlist_bid(self, info: Info, input: ShortlistBidInput) -> ShortlistBidPayload:
        return ShortlistBidPayload.of(await act(info, actions.bids.shortlist_bid, input.bid_id))

    @mutation(description="Takes the mark away from a pending bid on one's own task. The bidder is not told.")
    async def unshortlist_bid(self, info: Info, input: UnshortlistBidInput) -> UnshortlistBidPayload:
        return UnshortlistBidPayload.of(await act(info, actions.bids.unshortlist_bid, input.bid_id))

    @mutation(
        description="Chooses a pending bid on one's own task at the bid's amount; of several at once one wins. An open "
        "offer ends."
    )
    async def accept_bid(self, info: Info, input: AcceptBidInput) -> AcceptBidPayload:
        row = await act(
            info, actions.acceptance.accept_bid, input.bid_id, input.expected_version, input.payment_method_id
        )
        return AcceptBidPayload.of(row)
