"""What taskers have earned, and what of it is paid out."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Self

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import ID

from shared.graphql.acting import IDEMPOTENCY_KEY, act_once
from shared.graphql.entities import Node, entity
from shared.graphql.limits import list_size
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation, query
from shared.graphql.types import Money, MoneyInput, UserError, register_enum
from shared.identity.actor import MARKETPLACE
from shared.money import CurrencyCode
from shared.money import Money as Amount
from subgraphs.payments import actions, models, rules, setting_up, store
from subgraphs.payments.provider.port import PayoutFault, PayoutStatus
from subgraphs.payments.rules.ledger import AccountKind
from subgraphs.payments.rules.payouts import AccountStatus
from subgraphs.payments.schema.info import Info
from subgraphs.payments.settling import provider_of

register_enum(
    AccountStatus,
    name="PayoutAccountStatus",
    description="Whether a tasker can be paid out.",
    values={
        AccountStatus.INCOMPLETE: "The provider wants to know more: go on with `startPayoutOnboarding`.",
        AccountStatus.PENDING: "The provider looks at what it was told.",
        AccountStatus.ACTIVE: "Payouts are made.",
        AccountStatus.REJECTED: "The provider does not pay this person out.",
    },
)
register_enum(
    PayoutStatus,
    description="Where a payout stands.",
    values={
        PayoutStatus.PENDING: "On its way.",
        PayoutStatus.PAID: "The bank took it.",
        PayoutStatus.FAILED: "It did not arrive, and is in the balance again.",
    },
)
register_enum(
    PayoutFault,
    name="PayoutFailureReason",
    description="Why a payout did not arrive.",
    values={
        PayoutFault.ACCOUNT_CLOSED: "The bank account is closed.",
        PayoutFault.ACCOUNT_UNUSABLE: "Its details are wrong, or the provider lets it be paid no more.",
        PayoutFault.DECLINED: "The bank or the provider does not say why.",
    },
)


@strawberry.type(description="How far a tasker has come with setting up payouts at the provider.")
class PayoutAccount:
    status: AccountStatus = strawberry.field(description="Whether payouts can be made.")
    requirements: list[str] = strawberry.field(
        description="What the tasker has yet to tell the provider, in its words, such as `external_account`."
    )
    updated_at: datetime = strawberry.field(description="When it changed last.")

    @classmethod
    def of(cls, row: models.PayoutAccount) -> Self:
        return cls(status=row.status, requirements=list(row.requirements), updated_at=row.updated_at)


@strawberry.type(description="What a tasker has earned in one currency and not been paid out.")
class Balance:
    available: Money = strawberry.field(description="What can be paid out; less than nothing if the tasker owes it.")
    on_its_way: Money = strawberry.field(description="Payouts that have not arrived yet.")
    least_payout: Money = strawberry.field(description="The least that is paid out at a time.")


@entity(description="Money on its way from a tasker's balance to their bank. Nobody else sees it.")
class Payout(Node):
    id: ID = strawberry.field(description="The payout's id.")
    amount: Money = strawberry.field(description="What is paid out.")
    status: PayoutStatus = strawberry.field(description="Where it stands.")
    failure_reason: PayoutFault | None = strawberry.field(description="Why it did not arrive, if so.")
    is_scheduled: bool = strawberry.field(description="Whether it is the weekly one.")
    created_at: datetime = strawberry.field(description="When it left the balance.")
    updated_at: datetime = strawberry.field(description="When it changed last.")

    @classmethod
    def of(cls, row: models.Payout) -> Self:
        return cls(
            id=ID(row.id),
            amount=Money.of(Amount(row.amount_minor, row.currency)),
            status=row.status,
            failure_reason=row.fault,
            is_scheduled=row.is_scheduled,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Payout | None"]:
        rows = await info.context.loaders.payout_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.tasker_id) else None for row in rows]


@strawberry.input(description="Setting up payouts, or going on with it.")
class StartPayoutOnboardingInput:
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="What to pay out.")
class RequestPayoutInput:
    amount: MoneyInput = strawberry.field(
        description="Of the balance in its currency; at least `leastPayout` of `myBalances`."
    )
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.type(description="The outcome of `startPayoutOnboarding`.")
class StartPayoutOnboardingPayload:
    url: str | None = strawberry.field(
        default=None, description="The provider's page, good for some minutes; null if it was refused."
    )
    payout_account: PayoutAccount | None = strawberry.field(default=None, description="How far it has come.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `requestPayout`.")
class RequestPayoutPayload:
    payout: Payout | None = strawberry.field(default=None, description="The payout; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Payout) -> Self:
        return cls(payout=Payout.of(row))


async def _account_of(session: AsyncSession, user_id: str, *, provider: str) -> models.PayoutAccount | None:
    return await store.payouts.get_account(session, user_id, provider)


@strawberry.type
class PayoutQuery:
    @query(description="How far the caller has come with setting up payouts; null before that.", scope=MARKETPLACE)
    async def payout_account(self, info: Info) -> PayoutAccount | None:
        provider = provider_of(info.context.services).name
        row = await store.payouts.load_account(info.context.database, info.context.require_actor().id, provider)
        return PayoutAccount.of(row) if row else None

    @query(
        description="What the caller has earned and not been paid out, by currency.",
        scope=MARKETPLACE,
        directives=[list_size(assumed_size=len(CurrencyCode))],
    )
    async def my_balances(self, info: Info) -> list[Balance] | None:
        user_id = info.context.require_actor().id
        rows = await store.ledger.load_balances(info.context.database, [AccountKind.PAYABLE], [user_id])
        on_its_way = await store.payouts.load_on_its_way(info.context.database, user_id)
        return [
            Balance(
                available=Money.of(Amount(row.balance_minor, row.currency)),
                on_its_way=Money.of(Amount(on_its_way.get(row.currency, 0), row.currency)),
                least_payout=Money.of(rules.payouts.least(row.currency)),
            )
            for row in sorted(rows, key=lambda row: row.currency)
        ]

    @query(description="The caller's payouts, newest first.", scope=MARKETPLACE)
    async def my_payouts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Payout] | None:
        window = store.payouts.NEWEST.window(first, after, last, before)
        user_id = info.context.require_actor().id
        return Connection.of(await store.payouts.list_payouts_of(info.context.database, user_id, window), Payout.of)


@strawberry.type
class PayoutMutation:
    @mutation(
        description="Sets payouts up with the provider, or goes on with it. Needs the role TASKER.",
        quotas=[
            Quota("payout_onboardings", "payout_onboardings_per_account", by_actor),
            Quota("payout_onboardings_by_address", "payout_onboardings_per_address"),
        ],
    )
    async def start_payout_onboarding(
        self, info: Info, input: StartPayoutOnboardingInput
    ) -> StartPayoutOnboardingPayload:
        replay = partial(_account_of, provider=provider_of(info.context.services).name)
        row = await act_once(info, input, replay, actions.payouts.start_onboarding)
        url = await setting_up.start_onboarding(info.context.services, row)
        return StartPayoutOnboardingPayload(url=url, payout_account=PayoutAccount.of(row))

    @mutation(
        description="Pays out a part of the caller's balance: at least `Balance.leastPayout`, or all of it once no "
        "money is held for a task of theirs. What is left is paid out every Monday by itself, if it is that much.",
        quotas=[Quota("payouts", "payouts_per_account", by_actor)],
    )
    async def request_payout(self, info: Info, input: RequestPayoutInput) -> RequestPayoutPayload:
        row = await act_once(info, input, store.payouts.get_payout, actions.payouts.request_payout, amount=input.amount)
        return RequestPayoutPayload.of(row)
