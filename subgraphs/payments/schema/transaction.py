"""What people see of their money."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared.graphql.entities import Node, entity
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.schema import query
from shared.graphql.types import Money, register_enum
from shared.identity.actor import MARKETPLACE
from shared.locale import Locale
from shared.money import Money as Amount
from subgraphs.payments import models, receipts, store
from subgraphs.payments.rules.receipts import check_period, statement_name
from subgraphs.payments.rules.transactions import Kind, receipt_number
from subgraphs.payments.schema.escrow import Task
from subgraphs.payments.schema.info import Info

register_enum(
    Kind,
    name="TransactionKind",
    description="What a transaction of a person is.",
    values={
        Kind.CHARGE: "The price of a task, or a higher one, was taken from the person's card.",
        Kind.REFUND: "Money went back to the person's card.",
        Kind.REFUND_RETURNED: "The card did not take a refund: the platform owes it again.",
        Kind.EARNING: "What a task brought, minus the fee, came into the person's balance.",
        Kind.TIP_PAID: "A tip was taken from the person's card.",
        Kind.TIP_RECEIVED: "A tip came into the person's balance.",
        Kind.PAYOUT: "Money left the person's balance for their bank.",
        Kind.PAYOUT_RETURNED: "A payout did not arrive, and is in the balance again.",
        Kind.RECOVERY: "The person pays for a loss of the platform, out of their balance.",
    },
)


@strawberry.type(description="A file that is made for somebody as they ask for it.")
class Download:
    filename: str = strawberry.field(description="What it is called.")
    url: str = strawberry.field(
        description="Where it can be had, for 10 to 15 minutes, by whoever has the address; ask again for a new one."
    )
    url_expires_at: datetime = strawberry.field(description="Until when `url` is good.")

    @classmethod
    def of(cls, filename: str, url: tuple[str, datetime]) -> Self:
        return cls(filename=filename, url=url[0], url_expires_at=url[1])


@entity(description="A line of somebody's statement, and the receipt of it. Nobody else sees it.")
class Transaction(Node):
    id: ID = strawberry.field(description="The transaction's id.")
    receipt_number: str = strawberry.field(description="The number of its receipt; there are no gaps between them.")
    kind: Kind = strawberry.field(description="What it is.")
    amount: Money = strawberry.field(
        description="What the person has more, on their card or in their balance; negative if less."
    )
    fee: Money = strawberry.field(description="What the platform kept of what was earned.")
    task: Task | None = strawberry.field(description="What it was for; null if for no task.")
    created_at: datetime = strawberry.field(description="When it was booked.")

    @classmethod
    def of(cls, row: models.Transaction) -> Self:
        return cls(
            id=ID(row.id),
            receipt_number=receipt_number(row.receipt_number),
            kind=row.kind,
            amount=Money.of(Amount(row.amount_minor, row.currency)),
            fee=Money.of(Amount(row.fee_minor, row.currency)),
            task=Task(id=ID(row.task_id)) if row.task_id else None,
            created_at=row.created_at,
        )

    @strawberry.field(description="Its receipt as a file, a PDF.")
    def receipt(
        self,
        info: Info,
        language: Annotated[
            Locale | None, strawberry.argument(description="The language; null: that of the person's profile.")
        ] = None,
    ) -> Download:
        filename = f"{self.receipt_number}.pdf"
        return Download.of(filename, receipts.receipt_url(info.context.addresses, self.id, filename, language))

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Transaction | None"]:
        rows = await info.context.loaders.transaction_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.user_id) else None for row in rows]


@strawberry.type
class TransactionQuery:
    @query(description="The caller's transactions, newest first.", scope=MARKETPLACE)
    async def my_transactions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Transaction] | None:
        window = store.transactions.NEWEST.window(first, after, last, before)
        user_id = info.context.require_actor().id
        page = await store.transactions.list_transactions_of(info.context.database, user_id, window)
        return Connection.of(page, Transaction.of)

    @query(
        description="The caller's transactions of a period as a file, CSV in UTF-8, the oldest first. "
        "At most 366 days; other periods answer `BAD_REQUEST`.",
        scope=MARKETPLACE,
    )
    async def my_statement(
        self,
        info: Info,
        since: Annotated[datetime, strawberry.argument(name="from", description="The first moment of the period.")],
        until: Annotated[datetime, strawberry.argument(description="The first moment that is no part of it.")],
    ) -> Download | None:
        check_period(since, until)
        filename, user_id = statement_name(since, until), info.context.require_actor().id
        url = receipts.statement_url(info.context.addresses, user_id, since, until, filename)
        return Download.of(filename, url)
