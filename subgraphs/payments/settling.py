"""Bringing what is open together with the provider: asking it to do what was decided, and what became of it.

What is decided is committed first, with a row that says what is to be settled; here the provider is asked while no
transaction is open, and what it answers is taken over in another one. Whoever dies in between is followed by another
process, once the lease is over: a charge is looked up before it is tried again, a refund and a payout by their keys, so
that nothing is done twice. A webhook only has it looked at earlier.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar, cast

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.context import Services
from shared.database.db import Database
from shared.deadlines.due import DueWorker
from shared.faults import describe, stack
from shared.money import Money
from shared.process.app import Runner
from shared.telemetry import span
from subgraphs.payments import actions, models, provider, store
from subgraphs.payments.loaders import Loaders
from subgraphs.payments.provider.port import (
    Charge,
    ChargeStatus,
    DisputeStatus,
    PayoutStatus,
    Provider,
    ProviderRefused,
    ProviderUnavailable,
    RefundStatus,
)
from subgraphs.payments.reconciling import reconcile
from subgraphs.payments.rules import charges, reconciliation, settlements
from subgraphs.payments.rules.payouts import AccountStatus
from subgraphs.payments.rules.settlements import Kind

log = structlog.get_logger(__name__)

SETTLED = Counter(
    "exchange_settlements_total",
    "Tries to bring something together with the payment provider: settled, open, unavailable, refused, failed.",
    ("kind", "outcome"),
)

P = ParamSpec("P")
R = TypeVar("R")

DAILY = "daily"
_TO_CONFIRM = (ChargeStatus.PREPARED, ChargeStatus.REQUIRES_ACTION)
_ACCOUNT_LOOKS = 36
"""How often an account that is not active is looked at without a webhook: for about a day."""


class Settler(DueWorker):
    """Claims what is due, asks the provider while nothing is held, and takes over its answer.

    What began at another provider waits for a process that is connected to that one.
    """

    name = "settler"
    concurrency = 8

    def __init__(self, database: Database, provider: Provider) -> None:
        super().__init__(database)
        self._provider = provider
        self._settle: dict[str, Callable[[models.Settlement], Awaitable[bool]]] = {
            Kind.CHARGE: self._charge,
            Kind.REFUND: self._refund,
            Kind.PAYOUT: self._payout,
            Kind.PAYOUT_ACCOUNT: self._account,
            Kind.DISPUTE: self._dispute,
            Kind.PAYMENT_METHOD: self._method,
            Kind.BOOKS: self._books,
        }

    async def next_due(self) -> datetime | None:
        due_at, compares = await store.settlements.next_due(self._database)
        if not compares:
            async with self._database.transaction() as session:
                next_run = reconciliation.next_run(clock.now())
                await store.settlements.schedule_once(session, Kind.BOOKS, DAILY, next_run)
        return due_at

    async def handle_one(self) -> bool:
        """Settles what has been due longest; answers whether there was something. Raises ServiceUnavailable."""
        with suppress_instrumentation():
            async with self._database.transaction() as session:
                claimed = await store.settlements.claim(session, clock.now())
        if claimed is None:
            return False
        with span(f"settle {claimed.kind}"):
            settled = await self._try(claimed)
        async with self._database.transaction() as session:
            if not settled:
                pause = settlements.pause(claimed.attempts)
                await store.settlements.put_off(session, claimed, clock.now() + pause)
            elif claimed.kind == Kind.BOOKS:
                await store.settlements.put_off(session, claimed, reconciliation.next_run(clock.now()))
            else:
                await store.settlements.end(session, claimed)
        return True

    async def _try(self, claimed: models.Settlement) -> bool:
        """Whether nothing is open any more."""
        outcome, settled = "failed", False
        try:
            settled = await self._settle[claimed.kind](claimed)
            outcome = "settled" if settled else "open"
        except ProviderUnavailable as error:
            outcome = "unavailable"
            log.warning("provider not available", kind=claimed.kind, subject=claimed.subject_id, error=describe(error))
        except ProviderRefused as error:
            outcome = "refused"
            log.error("provider refuses", kind=claimed.kind, subject=claimed.subject_id, code=error.code)
        except Exception as error:
            log.error(
                "settlement failed; tried again later",
                kind=claimed.kind, subject=claimed.subject_id, error=describe(error), stack=stack(error),
            )  # fmt: skip
        SETTLED.labels(claimed.kind, outcome).inc()
        return settled

    async def _charge(self, claimed: models.Settlement) -> bool:
        async with self._database.transaction() as session:
            charge = await store.charges.get_charge(session, claimed.subject_id)
            if charge is None or charge.status not in charges.UNSETTLED:
                return True
            if charge.provider != self._provider.name:
                return False
            customer = await store.methods.get_customer(session, charge.payer_id, charge.provider)
            method_id = charge.payment_method_id
            method = await store.methods.get_method(session, method_id) if method_id is not None else None
        if customer is None or customer.provider_id is None:
            return await self._write(actions.outcomes.without_card, charge.id)
        try:
            answer, attempt = await self._drive(charge, customer.provider_id, method.token if method else None)
        except ProviderRefused as error:
            log.error("provider refuses a charge", charge=charge.id, code=error.code)
            return await self._write(actions.outcomes.refused, charge.id, charge.attempt)
        return await self._write(actions.outcomes.take_over, charge.id, answer, attempt)

    async def _drive(self, charge: models.Charge, customer: str, card: str | None) -> tuple[Charge, int]:
        """What the provider says of a charge, once it was asked to do what is decided; and of which try it says so."""
        if charge.provider_id is None:
            amount = Money(charge.amount_minor, charge.currency)
            answer = await self._provider.prepare_charge(customer, amount, key=charge.id, subject_id=charge.task_id)
            await self._write(actions.outcomes.prepared, charge.id, answer.id)
        else:
            answer = await self._provider.get_charge(charge.provider_id)
        if charge.status is charges.Status.CANCELLING:
            return await self._provider.cancel_charge(answer.id), charge.confirmed_attempt
        if answer.status not in _TO_CONFIRM or charge.confirmed_attempt == charge.attempt:
            return answer, charge.confirmed_attempt
        if card is None:
            raise ProviderRefused("no_card")
        key = f"{charge.id}-{charge.attempt}"
        return await self._provider.confirm_charge(answer.id, card, key=key), charge.attempt

    async def _refund(self, claimed: models.Settlement) -> bool:
        async with self._database.transaction() as session:
            refund = await store.refunds.get_refund(session, claimed.subject_id)
            assert refund is not None, "refunds are never deleted"
            charge = await store.charges.get_charge(session, refund.charge_id)
        assert charge is not None, "charges are never deleted"
        assert charge.provider_id is not None, "what was charged is known to the provider"
        if refund.provider != self._provider.name:
            return False
        amount = Money(refund.amount_minor, refund.currency)
        answer = await self._provider.find_refund(charge.provider_id, refund.id)
        try:
            if answer is None:
                answer = await self._provider.refund(charge.provider_id, amount, key=refund.id)
        except ProviderRefused as error:
            log.error("provider refuses a refund", refund=refund.id, code=error.code)
            return await self._write(actions.refunds.refused, refund.id)
        status = await self._write(actions.refunds.take_over, refund.id, answer)
        return status is not RefundStatus.PENDING

    async def _payout(self, claimed: models.Settlement) -> bool:
        async with self._database.transaction() as session:
            payout = await store.payouts.get_payout(session, claimed.subject_id)
        assert payout is not None, "payouts are never deleted"
        if payout.provider != self._provider.name:
            return False
        amount = Money(payout.amount_minor, payout.currency)
        answer = await self._provider.find_payout(payout.account, payout.id)
        try:
            if answer is None:
                answer = await self._provider.pay_out(payout.account, amount, key=payout.id)
        except ProviderRefused as error:
            log.error("provider refuses a payout", payout=payout.id, code=error.code)
            await self._write(actions.payouts.refused, payout.id)
            return True
        status = await self._write(actions.payouts.take_over, payout.id, answer)
        return status is not PayoutStatus.PENDING

    async def _account(self, claimed: models.Settlement) -> bool:
        user_id, provider = claimed.subject_id, self._provider.name
        account = await store.payouts.load_account(self._database, user_id, provider)
        if account is None or account.provider_id is None:
            return True
        answer = await self._provider.get_account(account.provider_id)
        await self._write(actions.payouts.take_over_account, user_id, provider, answer)
        is_over = answer.status in (AccountStatus.ACTIVE, AccountStatus.REJECTED)
        return is_over or claimed.attempts >= _ACCOUNT_LOOKS

    async def _dispute(self, claimed: models.Settlement) -> bool:
        answer = await self._provider.get_dispute(claimed.subject_id)
        charge = await store.charges.find_by_provider_id(self._database, self._provider.name, answer.charge)
        if charge is None:
            # Each charge is known here before any money is taken: this one is somebody else's at the same provider.
            log.error("a chargeback is about a charge that is not known here", dispute=answer.id)
            return True
        if charge.status is not charges.Status.SUCCEEDED:
            # That it was paid is taken over first: only then there is something to be frozen.
            await self._write(actions.steps.settle_soon, Kind.CHARGE, charge.id)
            return False
        await self._write(actions.chargebacks.take_over, self._provider.name, charge.id, answer)
        return answer.status is not DisputeStatus.OPEN

    async def _method(self, claimed: models.Settlement) -> bool:
        async with self._database.transaction() as session:
            method = await store.methods.get_method(session, claimed.subject_id)
        if method is None or method.removed_at is None or method.token is None:
            return True
        if method.provider != self._provider.name:
            return False
        await self._provider.detach_card(method.token)
        await self._write(actions.methods.forgotten, method.id)
        return True

    async def _books(self, claimed: models.Settlement) -> bool:
        await reconcile(self._database, self._provider)
        return True

    async def _write(
        self, action: Callable[Concatenate[AsyncSession, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        async with self._database.transaction() as session:
            return await action(session, *args, **kwargs)


class Connections:
    """The provider of a process: there before anything asks it, and closed after all that do."""

    def __init__(self, services: Services[Loaders]) -> None:
        self._provider = provider.of(services.settings)
        services.own = self._provider

    async def start(self) -> None:
        """It connects when it is asked first."""

    async def stop(self) -> None:
        await self._provider.close()


def runners(services: Services[Loaders]) -> Sequence[Runner]:
    """What payments does in the background."""
    connections = Connections(services)
    return [connections, Settler(services.database, provider_of(services))]


def provider_of(services: Services[Loaders]) -> Provider:
    """The payment provider of this process."""
    return cast("Provider", services.own)
