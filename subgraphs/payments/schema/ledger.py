"""The books, for admins, and what admins do with money."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared.graphql.acting import IDEMPOTENCY_KEY, act_once
from shared.graphql.ids import EscrowId, UserId
from shared.graphql.limits import list_size
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.schema import field, mutation, query
from shared.graphql.types import Money, MoneyInput, UserError, register_enum
from shared.identity.actor import ADMIN
from shared.money import CurrencyCode
from shared.money import Money as Amount
from subgraphs.payments import actions, models, store
from subgraphs.payments.rules.ledger import AccountKind, Side, Step
from subgraphs.payments.schema.escrow import Escrow
from subgraphs.payments.schema.info import Info
from subgraphs.payments.schema.transaction import Transaction

register_enum(
    AccountKind,
    name="LedgerAccountKind",
    description="What an account of the ledger holds.",
    values={
        AccountKind.CLEARING: "What the provider holds for us. An asset.",
        AccountKind.ESCROW: "What is held for one task. A liability.",
        AccountKind.PAYABLE: "What one tasker has earned and not been paid out. A liability.",
        AccountKind.REVENUE: "Fees. Income.",
        AccountKind.TIPS: "Tips on their way to taskers' balances. A liability.",
        AccountKind.REFUNDS: "What is going back to posters. A liability.",
        AccountKind.PAYOUTS: "What is on its way to taskers' banks. A liability.",
        AccountKind.CHARGEBACKS: "What banks took from us while it is open who is right. An asset.",
        AccountKind.LOSSES: "Lost chargebacks and goodwill. An expense.",
    },
)
register_enum(
    Side,
    name="LedgerSide",
    description="A side of an account.",
    values={Side.DEBIT: "Assets and expenses grow on it.", Side.CREDIT: "Liabilities and income grow on it."},
)
register_enum(
    Step,
    name="LedgerStep",
    description="What a transaction of the ledger books.",
    values={
        Step.CHARGED: "A poster paid into an escrow.",
        Step.CHARGED_LATE: "A poster paid for what had ended meanwhile: it goes back.",
        Step.ENDED: "An escrow ended: released, refunded or split.",
        Step.PRICE_LOWERED: "The difference to a lower price goes back.",
        Step.REFUNDED: "The provider gave money back.",
        Step.REFUND_RETURNED: "A card did not take a refund.",
        Step.REFUNDED_BY_BANK: "A refund is not made: a lost chargeback gave the payer the same money.",
        Step.TIPPED: "A poster gave a tip.",
        Step.PAYOUT_REQUESTED: "Money left a tasker's balance.",
        Step.PAYOUT_PAID: "The provider paid it out.",
        Step.PAYOUT_RETURNED: "A payout did not arrive.",
        Step.CHARGEBACK_OPENED: "A bank took a charge back until it is settled.",
        Step.CHARGEBACK_WON: "The bank gave it back to us.",
        Step.CHARGEBACK_LOST: "The bank keeps it.",
        Step.GOODWILL: "The platform gives back what it does not hold any more.",
        Step.RECOVERED: "A tasker pays for a loss of the platform.",
    },
)


@strawberry.type(description="A line of a transaction of the ledger.")
class LedgerEntry:
    id: ID = strawberry.field(description="The line's id.")
    side: Side = strawberry.field(description="On which side of the account it stands.")
    amount: Money = strawberry.field(description="How much; never negative.")
    balance_after: Money = strawberry.field(description="What was in the account then.")
    transaction_id: strawberry.Private[str]

    @field(description="What was booked.")
    async def step(self, info: Info) -> Step | None:
        row = await info.context.loaders.ledger_transaction_by_id.load(self.transaction_id)
        return row.step if row else None

    @field(description="The id of what it is about: an escrow, charge, refund, payout, agreement or chargeback.")
    async def subject_id(self, info: Info) -> str | None:
        row = await info.context.loaders.ledger_transaction_by_id.load(self.transaction_id)
        return row.subject_id if row else None

    @field(description="When it was booked.")
    async def created_at(self, info: Info) -> datetime | None:
        row = await info.context.loaders.ledger_transaction_by_id.load(self.transaction_id)
        return row.created_at if row else None


@strawberry.type(description="An account of the ledger.")
class LedgerAccount:
    id: ID = strawberry.field(description="Such as `revenue:EUR` or `payable:<user id>:EUR`.")
    kind: AccountKind = strawberry.field(description="What it holds.")
    balance: Money = strawberry.field(description="What is in it, on the side on which it grows.")
    currency: strawberry.Private[CurrencyCode]

    @classmethod
    def of(cls, row: models.LedgerAccount) -> Self:
        balance = Money.of(Amount(row.balance_minor, row.currency))
        return cls(id=ID(row.id), kind=row.kind, balance=balance, currency=row.currency)

    @field(description="Its lines, newest first.")
    async def entries(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[LedgerEntry] | None:
        window = store.ledger.NEWEST.window(first, after, last, before)
        page = await store.ledger.list_entries(info.context.database, self.id, window)

        def line(row: models.LedgerEntry) -> LedgerEntry:
            return LedgerEntry(
                id=ID(row.id),
                side=row.side,
                amount=Money.of(Amount(row.amount_minor, self.currency)),
                balance_after=Money.of(Amount(row.balance_after_minor, self.currency)),
                transaction_id=row.transaction_id,
            )

        return Connection.of(page, line)


@strawberry.type(description="What is in all accounts of a kind together, in one currency.")
class PlatformBalance:
    kind: AccountKind = strawberry.field(description="The kind of accounts.")
    balance: Money = strawberry.field(description="What is in them, on the side on which they grow.")


@strawberry.input(description="What to give back to a poster.")
class IssueRefundInput:
    escrow_id: EscrowId = strawberry.field(description="The money of a task.")
    amount: MoneyInput | None = strawberry.field(
        default=None,
        description="Of what has been released: how much the platform gives back itself. What is held goes back whole, "
        "and this is left out.",
    )
    reason: str = strawberry.field(description="Why, 3 to 500 characters; the poster is told.")
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="What to charge a tasker.")
class ChargeTaskerInput:
    user_id: UserId = strawberry.field(description="The tasker.")
    amount: MoneyInput = strawberry.field(description="Taken from their balance, which may be less than nothing then.")
    reason: str = strawberry.field(description="Why, 3 to 500 characters; the tasker is told.")
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.type(description="The outcome of `issueRefund`.")
class IssueRefundPayload:
    escrow: Escrow | None = strawberry.field(default=None, description="The escrow after it; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Escrow) -> Self:
        return cls(escrow=Escrow.of(row))


@strawberry.type(description="The outcome of `chargeTasker`.")
class ChargeTaskerPayload:
    transaction: Transaction | None = strawberry.field(
        default=None, description="What the tasker sees of it; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Transaction) -> Self:
        return cls(transaction=Transaction.of(row))


@strawberry.type
class LedgerQuery:
    @query(description="An account of the ledger, for admins; null if there is none.", scope=ADMIN)
    async def ledger(
        self,
        info: Info,
        account: Annotated[
            str, strawberry.argument(description="Its id, such as `revenue:EUR` or `escrow:<escrow id>:EUR`.")
        ],
    ) -> LedgerAccount | None:
        row = await store.ledger.get_account(info.context.database, account)
        return LedgerAccount.of(row) if row else None

    @query(
        description="What is in the accounts of each kind and currency together, for admins.",
        scope=ADMIN,
        directives=[list_size(assumed_size=100)],
    )
    async def platform_balance(self, info: Info) -> list[PlatformBalance] | None:
        sums = await store.ledger.sum_by_kind(info.context.database)
        return [
            PlatformBalance(kind=kind, balance=Money.of(Amount(minor, currency)))
            for (kind, currency), minor in sorted(sums.items())
        ]


@strawberry.type
class LedgerMutation:
    @mutation(
        description="Gives a poster money back, for admins: all that is held, or what the platform pays itself after "
        "the release.",
        scope=ADMIN,
    )
    async def issue_refund(self, info: Info, input: IssueRefundInput) -> IssueRefundPayload:
        row = await act_once(
            info,
            input,
            store.escrows.get_escrow,
            actions.administration.issue_refund,
            input.escrow_id,
            amount=input.amount,
            reason=input.reason,
        )
        return IssueRefundPayload.of(row)

    @mutation(description="Has a tasker pay for a loss of the platform, out of their balance, for admins.", scope=ADMIN)
    async def charge_tasker(self, info: Info, input: ChargeTaskerInput) -> ChargeTaskerPayload:
        row = await act_once(
            info,
            input,
            store.transactions.get_transaction,
            actions.administration.charge_tasker,
            input.user_id,
            amount=input.amount,
            reason=input.reason,
        )
        return ChargeTaskerPayload.of(row)
