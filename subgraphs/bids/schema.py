"""The GraphQL schema of bids: authorize, call, return."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self, cast

import strawberry
from strawberry import ID

from shared import events
from shared.context import Context, Followed
from shared.graphql.events import AFTER, StreamEvent
from shared.graphql.pagination import Connection, Page, page_arguments
from shared.graphql.schema import build_schema, field, mutation, query, subscription
from shared.graphql.types import Money, MoneyInput, UserError, register_enum
from shared.idempotency import idempotent
from shared.ids import check_id
from shared.money import Money as Amount
from subgraphs.bids import actions, models, rules, store
from subgraphs.bids.loaders import Loaders
from subgraphs.bids.rules import Status

Info = strawberry.Info[Context[Loaders], None]


class BidEventType(StrEnum):
    """What happened to a bid; the last part of its event's type."""

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
    id: ID = strawberry.federation.field(description="The user's id.")

    @field(description="One's own bids, newest first; null for anybody else.")
    async def bids(self, info: Info, page: Page) -> Connection["Bid"] | None: ...


@strawberry.federation.type(
    keys=["id"], description="A tasker's offer to do a task. Only the task's poster and the bidder see it."
)
class Bid:
    id: ID = strawberry.field(description="The bid's id.")
