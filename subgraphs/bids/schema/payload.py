"""What mutations of a bid answer."""

from typing import Self

import strawberry

from shared.graphql.types import UserError
from subgraphs.bids import models
from subgraphs.bids.schema.bid import Bid


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
