"""Counter-offers in the graph."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared import events
from shared.graphql.entities import Node, entity
from shared.graphql.types import Money, register_enum
from shared.money import Money as Amount
from subgraphs.bids import models, rules
from subgraphs.bids.rules.bids import Side
from subgraphs.bids.rules.offers import Status
from subgraphs.bids.schema.info import Info

register_enum(
    Side,
    name="BidSide",
    description="One of the two whom a bid concerns.",
    values={Side.POSTER: "The poster of the task.", Side.TASKER: "The bidder."},
)
register_enum(
    Status,
    name="BidOfferStatus",
    description="Where an offer stands.",
    values={
        Status.OPEN: "Waits for the answer of the other side.",
        Status.ACCEPTED: "Became the amount of the bid.",
        Status.DECLINED: "Turned down by the other side; the bid stayed as it was.",
        Status.SUPERSEDED: "Another offer, a change of the bid or its end came first.",
    },
)


@entity(description="Another amount that one side of a bid offers the other. Only the two see it.")
class BidOffer(Node):
    id: ID = strawberry.field(description="The offer's id.")
    side: Side = strawberry.field(description="Who made it.")
    amount: Money = strawberry.field(description="What the whole task is to cost.")
    message: str | None = strawberry.field(description="What was said with it; null if nothing was.")
    status: Status = strawberry.field(description="Where the offer stands.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, row: models.Offer) -> Self:
        return cls._of(row, Amount(row.amount_minor, row.currency), Side(row.side), Status(row.status))

    @classmethod
    def of_snapshot(cls, offer: events.OfferSnapshot) -> Self:
        """The offer as it was when an event happened."""
        return cls._of(offer, offer.amount, Side(offer.side), Status(offer.status))

    @classmethod
    def _of(cls, offer: models.Offer | events.OfferSnapshot, amount: Amount, side: Side, status: Status) -> Self:
        return cls(
            id=ID(offer.id),
            side=side,
            amount=Money.of(amount),
            message=offer.message,
            status=status,
            created_at=offer.created_at,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["BidOffer | None"]:
        rows = await info.context.loaders.offer_by_id.load_many(ids)
        viewer = info.context.actor.id if info.context.actor else None
        return [
            cls.of(row) if row and rules.bids.may_see(viewer, row.author_id, row.recipient_id) else None for row in rows
        ]
