"""The GraphQL schema of payments: authorize, call, return. Each module has a noun's types, queries and mutations."""

import strawberry

from shared.graphql.schema import build_schema
from subgraphs.payments.schema.escrow import EscrowMutation, EscrowQuery
from subgraphs.payments.schema.event import EventSubscription
from subgraphs.payments.schema.ledger import LedgerMutation, LedgerQuery
from subgraphs.payments.schema.payment_method import PaymentMethodMutation, PaymentMethodQuery
from subgraphs.payments.schema.payout import PayoutMutation, PayoutQuery
from subgraphs.payments.schema.transaction import TransactionQuery


@strawberry.type
class Query(EscrowQuery, PaymentMethodQuery, PayoutQuery, TransactionQuery, LedgerQuery): ...


@strawberry.type
class Mutation(PaymentMethodMutation, EscrowMutation, PayoutMutation, LedgerMutation): ...


@strawberry.type
class Subscription(EventSubscription): ...


schema = build_schema(Query, Mutation, Subscription)
