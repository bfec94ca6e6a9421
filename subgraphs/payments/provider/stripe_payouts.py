"""Payouts by Stripe: a transfer to the tasker's connected account, and from there a payout to their bank."""

import stripe
import structlog

from shared.money import Money
from subgraphs.payments.provider import stripe_answers as answers
from subgraphs.payments.provider.port import Kind, Payout, PayoutStatus, ProviderRefused, ProviderUnavailable
from subgraphs.payments.provider.stripe_amounts import from_stripe, to_stripe
from subgraphs.payments.provider.stripe_calls import OTHERWISE, PAGE, Calls

log = structlog.get_logger(__name__)


class Payouts:
    """The two halves of each payout, either of which may be missing after a crash."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def pay_out(self, account: str, amount: Money, *, key: str) -> Payout:
        """As the port has it."""
        counted = to_stripe(amount, Kind.PAYOUT)
        transfer = await self._find_transfer(key)
        if transfer is None:
            transfer = await self._calls.ask(
                self._calls.stripe.transfers.create_async(
                    {
                        "destination": account,
                        "amount": counted,
                        "currency": amount.currency.lower(),
                        "transfer_group": key,
                        "metadata": {"key": key},
                    },
                    {"idempotency_key": f"{key}:transfer"},
                )
            )
        elif (transfer.destination, transfer.amount) != (account, counted):
            raise ProviderRefused(OTHERWISE)
        return await self._bring_to_bank(transfer, account, key)

    async def find_payout(self, account: str, key: str) -> Payout | None:
        """As the port has it."""
        transfer = await self._find_transfer(key)
        return await self._bring_to_bank(transfer, account, key) if transfer else None

    async def _find_transfer(self, key: str) -> stripe.Transfer | None:
        found = await self._calls.ask(self._calls.stripe.transfers.list_async({"transfer_group": key, "limit": 1}))
        return next(iter(found.data), None)

    async def _bring_to_bank(self, transfer: stripe.Transfer, account: str, key: str) -> Payout:
        """The second half of a payout: done unless it is, and if it failed the first one undone."""
        sent = await self._find_sent(transfer, account, key)
        if sent is None and not transfer.reversed:
            sent = await self._send(transfer, account, key)
        status = answers.payout_status(sent) if sent else PayoutStatus.FAILED
        if status is PayoutStatus.FAILED and not await self._bring_back(transfer, key):
            status = PayoutStatus.PENDING
        return Payout(
            id=transfer.id,
            key=key,
            account=account,
            status=status,
            amount=from_stripe(transfer.amount, transfer.currency),
            fault=answers.payout_fault(sent) if status is PayoutStatus.FAILED else None,
        )

    async def _find_sent(self, transfer: stripe.Transfer, account: str, key: str) -> stripe.Payout | None:
        since = self._calls.stripe.payouts.list_async(
            {"created": {"gte": transfer.created}, "limit": PAGE}, {"stripe_account": account}
        )
        try:
            async for each in self._calls.each(since):
                if answers.key(each.metadata) == key:
                    return each
        except ProviderRefused as refused:
            # As such it would say that nothing was moved.
            raise ProviderUnavailable(refused.code) from refused
        return None

    async def _send(self, transfer: stripe.Transfer, account: str, key: str) -> stripe.Payout | None:
        """Sends what was transferred on to the bank; None if Stripe refuses."""
        try:
            return await self._calls.ask(
                self._calls.stripe.payouts.create_async(
                    {
                        "amount": transfer.amount,
                        "currency": transfer.currency,
                        "metadata": {"key": key, "transfer": transfer.id},
                    },
                    {"stripe_account": account, "idempotency_key": f"{key}:payout"},
                )
            )
        except ProviderRefused as refused:
            log.warning("stripe_payout_refused", account=account, code=refused.code)
            return None

    async def _bring_back(self, transfer: stripe.Transfer, key: str) -> bool:
        """Reverses a transfer, once. Returns whether it is: the account must have the money again before.

        Without a key of ours, which would have a refusal said again for a day; Stripe reverses no more than there is.
        """
        if transfer.reversed:
            return True
        try:
            await self._calls.ask(
                self._calls.stripe.transfers.reversals.create_async(transfer.id, {"metadata": {"key": key}})
            )
        except ProviderRefused as refused:
            log.warning("stripe_transfer_not_reversed", transfer=transfer.id, code=refused.code)
            return False
        return True
