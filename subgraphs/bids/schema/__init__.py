"""The GraphQL schema of bids: authorize, call, return. Each module has a noun's types, queries and mutations."""

import strawberry

from shared.graphql.schema import build_schema
from subgraphs.bids.schema.bid import BidQuery
from subgraphs.bids.schema.bidding import BiddingMutation
from subgraphs.bids.schema.event import EventSubscription
from subgraphs.bids.schema.inviting import InvitingMutation
from subgraphs.bids.schema.offering import OfferingMutation


@strawberry.type
class Query(BidQuery): ...


@strawberry.type
class Mutation(BiddingMutation, OfferingMutation, InvitingMutation): ...


@strawberry.type
class Subscription(EventSubscription): ...


schema = build_schema(Query, Mutation, Subscription)
