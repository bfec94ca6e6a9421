"""Counter-offers and their answers."""

import strawberry

from shared.graphql.acting import IDEMPOTENCY_KEY, act, act_once
from shared.graphql.ids import BidId
from shared.graphql.schema import mutation
from shared.graphql.types import MoneyInput
from subgraphs.bids import actions, store
from subgraphs.bids.schema.info import Info
from subgraphs.bids.schema.payload import BidPayload


@strawberry.input(description="Another amount for a bid.")
class CounterOfferInput:
    bid_id: BidId = strawberry.field(description="A pending bid of one's own, or on one's own task.")
    amount: MoneyInput = strawberry.field(
        description="In the task's currency: about 1 to 100,000 euro's worth, and another one than is offered already."
    )
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if the bid changed since."
    )
    message: str | None = strawberry.field(default=None, description="Told to the other side, 1 to 500 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The answer to an open offer.")
class AnswerOfferInput:
    bid_id: BidId = strawberry.field(description="A pending bid for which the other side has made an offer.")
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if the bid changed since."
    )


@strawberry.input(description="The offer to accept.")
class AcceptOfferInput(AnswerOfferInput): ...


@strawberry.input(description="The offer to turn down.")
class DeclineOfferInput(AnswerOfferInput): ...


@strawberry.type(description="The outcome of `counterOffer`.")
class CounterOfferPayload(BidPayload): ...


@strawberry.type(description="The outcome of `acceptOffer`.")
class AcceptOfferPayload(BidPayload): ...


@strawberry.type(description="The outcome of `declineOffer`.")
class DeclineOfferPayload(BidPayload): ...


@strawberry.type
class OfferingMutation:
    @mutation(
        description="Offers the other side of a pending bid another amount, in the place of what they offered. The "
        "poster begins, since the bid is what the tasker offers; 20 offers are the most."
    )
    async def counter_offer(self, info: Info, input: CounterOfferInput) -> CounterOfferPayload:
        row = await act_once(
            info,
            input,
            store.get_bid,
            actions.offers.counter_offer,
            input.bid_id,
            input.expected_version,
            amount=input.amount,
            message=input.message,
        )
        return CounterOfferPayload.of(row)

    @mutation(description="Makes what the other side offers the amount of the bid, which stays pending.")
    async def accept_offer(self, info: Info, input: AcceptOfferInput) -> AcceptOfferPayload:
        row = await act(info, actions.offers.accept_offer, input.bid_id, input.expected_version)
        return AcceptOfferPayload.of(row)

    @mutation(description="Turns down what the other side offers; the bid stays as it is.")
    async def decline_offer(self, info: Info, input: DeclineOfferInput) -> DeclineOfferPayload:
        row = await act(info, actions.offers.decline_offer, input.bid_id, input.expected_version)
        return DeclineOfferPayload.of(row)
