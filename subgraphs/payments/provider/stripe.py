"""The payment provider Stripe, by its official library: separate charges and transfers.

Payers are charged on the platform's account (PaymentIntents). A payout is a transfer to the tasker's connected account
and then a payout from there to their bank. Stripe forgets idempotency keys after a day, so whatever moves money is
looked for by our key before it is done. https://docs.stripe.com/connect/separate-charges-and-transfers
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import stripe
import structlog

from shared.config import Settings
from shared.money import CurrencyCode, Money
from subgraphs.payments.provider import stripe_answers as answers
from subgraphs.payments.provider import stripe_webhooks as webhooks
from subgraphs.payments.provider.port import (
    Charge,
    ChargeStatus,
    DeclineCode,
    Dispute,
    Hint,
    Kind,
    Movement,
    Payout,
    PayoutAccount,
    ProviderRefused,
    ProviderUnavailable,
    Refund,
    Setup,
)
from subgraphs.payments.provider.stripe_amounts import from_stripe, to_stripe
from subgraphs.payments.provider.stripe_calls import OTHERWISE, PAGE, Calls
from subgraphs.payments.provider.stripe_payouts import Payouts

log = structlog.get_logger(__name__)

_SLICE = timedelta(hours=1)
_ATTEMPT = ["latest_charge"]
_CARD = ["payment_method"]
# What was charged is not ours to spend for some days. A refund is owed all the same, and will come through.
_NOT_YET = "balance_insufficient"


class Stripe:
    """Stripe, as the port has it. One for each process: it keeps connections."""

    name = "stripe"

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError without a key and a secret of webhooks."""
        if settings.stripe_secret_key is None or settings.stripe_webhook_secrets is None:
            raise ValueError("EXCHANGE_STRIPE_SECRET_KEY and EXCHANGE_STRIPE_WEBHOOK_SECRETS are needed for Stripe.")
        secrets = settings.stripe_webhook_secrets.get_secret_value().split(",")
        self._webhook_secrets = [each.strip() for each in secrets if each.strip()]
        self._return_url = settings.web_app_url
        self._calls = Calls(settings, settings.stripe_secret_key.get_secret_value())
        self._payouts = Payouts(self._calls)

    async def close(self) -> None:
        await self._calls.close()

    # --- payers ------------------------------------------------------------------------------------------------

    async def create_customer(self, user_id: str, *, key: str) -> str:
        created = await self._calls.ask(
            self._calls.stripe.customers.create_async({"metadata": {"user_id": user_id}}, {"idempotency_key": key})
        )
        return created.id

    async def start_setup(self, customer: str, *, key: str) -> Setup:
        # For later: a price may change, and a charge be tried again, while the payer is away.
        intent = await self._calls.ask(
            self._calls.stripe.setup_intents.create_async(
                {
                    "customer": customer,
                    "usage": "off_session",
                    "allowed_payment_method_types": ["card"],
                    "metadata": {"key": key},
                    "expand": _CARD,
                },
                {"idempotency_key": key},
            )
        )
        return answers.setup(intent)

    async def get_setup(self, setup_id: str) -> Setup:
        return answers.setup(
            await self._calls.get(self._calls.stripe.setup_intents.retrieve_async(setup_id, {"expand": _CARD}))
        )

    async def detach_card(self, token: str) -> None:
        try:
            await self._calls.ask(self._calls.stripe.payment_methods.detach_async(token))
        except ProviderRefused:
            if await self._is_attached(token):
                raise

    async def _is_attached(self, card: str) -> bool:
        """Whether a card is still somebody's; one that was detached can never be used again."""
        try:
            return (await self._calls.get(self._calls.stripe.payment_methods.retrieve_async(card))).customer is not None
        except LookupError:
            return False

    # --- charges -----------------------------------------------------------------------------------------------

    async def prepare_charge(self, customer: str, amount: Money, *, key: str, subject_id: str) -> Charge:
        intent = await self._calls.ask(
            self._calls.stripe.payment_intents.create_async(
                {
                    "customer": customer,
                    "amount": to_stripe(amount, Kind.CHARGE),
                    "currency": amount.currency.lower(),
                    # Others than cards, which the operator's dashboard may turn on, can take days.
                    "allowed_payment_method_types": ["card"],
                    "metadata": {"key": key, "subject": subject_id},
                    "expand": _ATTEMPT,
                },
                {"idempotency_key": key},
            )
        )
        return answers.charge(intent)

    async def confirm_charge(self, charge_id: str, card: str, *, key: str) -> Charge:
        try:
            intent = await self._calls.ask(
                self._calls.stripe.payment_intents.confirm_async(
                    charge_id,
                    {"payment_method": card, "return_url": self._return_url, "expand": _ATTEMPT},
                    {"idempotency_key": key},
                )
            )
        except ProviderRefused as refused:
            charge = await self._as_it_is(charge_id, refused)
            if charge.status is ChargeStatus.CANCELLED:
                raise
            if charge.status is not ChargeStatus.PREPARED:
                return charge
            error = refused.__cause__
            if isinstance(error, stripe.CardError) and error.error:
                return replace(charge, decline=answers.decline(error.error))
            if await self._is_attached(card):
                raise
            return replace(charge, decline=DeclineCode.PAYMENT_METHOD_UNUSABLE)
        return answers.charge(intent)

    async def get_charge(self, charge_id: str) -> Charge:
        found = self._calls.stripe.payment_intents.retrieve_async(charge_id, {"expand": _ATTEMPT})
        return answers.charge(await self._calls.get(found))

    async def cancel_charge(self, charge_id: str) -> Charge:
        try:
            intent = await self._calls.ask(
                self._calls.stripe.payment_intents.cancel_async(charge_id, {"expand": _ATTEMPT})
            )
        except ProviderRefused as refused:
            charge = await self._as_it_is(charge_id, refused)
            if charge.status in (ChargeStatus.PREPARED, ChargeStatus.REQUIRES_ACTION):
                raise
            return charge
        return answers.charge(intent)

    async def _as_it_is(self, charge_id: str, refused: ProviderRefused) -> Charge:
        """A charge with which something was refused; raises that if there is none."""
        try:
            return await self.get_charge(charge_id)
        except LookupError:
            raise refused from None

    # --- refunds -----------------------------------------------------------------------------------------------

    async def refund(self, charge_id: str, amount: Money, *, key: str) -> Refund:
        counted = to_stripe(amount, Kind.REFUND)
        if found := await self.find_refund(charge_id, key):
            if found.amount != amount:
                raise ProviderRefused(OTHERWISE)
            return found
        try:
            created = await self._calls.ask(
                self._calls.stripe.refunds.create_async(
                    {"payment_intent": charge_id, "amount": counted, "metadata": {"key": key}},
                    {"idempotency_key": key},
                )
            )
        except ProviderRefused as refused:
            if refused.code == _NOT_YET:
                raise ProviderUnavailable(refused.code) from refused
            raise
        return answers.refund(created)

    async def find_refund(self, charge_id: str, key: str) -> Refund | None:
        refunds = self._calls.each(self._calls.stripe.refunds.list_async({"payment_intent": charge_id, "limit": PAGE}))
        async for each in refunds:
            if (found := answers.refund(each)).key == key:
                return found
        return None

    # --- payouts -----------------------------------------------------------------------------------------------

    async def create_account(self, user_id: str, *, key: str) -> PayoutAccount:
        # Stripe asks the tasker what it must know; the platform bears fees and losses, and says when is paid out.
        account = await self._calls.ask(
            self._calls.stripe.accounts.create_async(
                {
                    "controller": {
                        "stripe_dashboard": {"type": "express"},
                        "requirement_collection": "stripe",
                        "fees": {"payer": "application"},
                        "losses": {"payments": "application"},
                    },
                    "capabilities": {"transfers": {"requested": True}},
                    "settings": {"payouts": {"schedule": {"interval": "manual"}}},
                    "metadata": {"user_id": user_id},
                },
                {"idempotency_key": key},
            )
        )
        return answers.account(account)

    async def start_onboarding(self, account: str, return_url: str) -> str:
        link = await self._calls.ask(
            self._calls.stripe.account_links.create_async(
                {
                    "account": account,
                    "type": "account_onboarding",
                    "return_url": return_url,
                    # Where the tasker is sent if the link is too old: the web app asks for another one.
                    "refresh_url": return_url,
                }
            )
        )
        return link.url

    async def get_account(self, account: str) -> PayoutAccount:
        return answers.account(await self._calls.get(self._calls.stripe.accounts.retrieve_async(account)))

    async def pay_out(self, account: str, amount: Money, *, key: str) -> Payout:
        return await self._payouts.pay_out(account, amount, key=key)

    async def find_payout(self, account: str, key: str) -> Payout | None:
        return await self._payouts.find_payout(account, key)

    # --- disputes, reconciliation, webhooks ----------------------------------------------------------------------

    async def get_dispute(self, dispute_id: str) -> Dispute:
        return answers.dispute(await self._calls.get(self._calls.stripe.disputes.retrieve_async(dispute_id)))

    async def movements(self, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        # Stripe begins with the newest: slices of time are turned round, so that no more is held than one has.
        start = since
        while start < until:
            end = min(start + _SLICE, until)
            for each in reversed([each async for each in self._slice(start, end)]):
                yield each
            start = end

    async def _slice(self, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        transactions = self._calls.stripe.balance_transactions.list_async(
            {
                "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
                "limit": PAGE,
                "expand": ["data.source"],
            }
        )
        async for each in self._calls.each(transactions):
            try:
                yield answers.movement(each)
            except ValueError:
                log.warning("stripe_currency_unknown", currency=each.currency, movement=each.id)

    async def balances(self) -> Mapping[CurrencyCode, Money]:
        balance = await self._calls.ask(self._calls.stripe.balance.retrieve_async())
        held = [(each.amount, each.currency) for each in balance.available]
        held += [(each.amount, each.currency) for each in balance.pending]
        sums: dict[CurrencyCode, Money] = {}
        for counted, currency in held:
            if currency.upper() in CurrencyCode.__members__:
                amount = from_stripe(counted, currency)
                sums[amount.currency] = sums.get(amount.currency, Money(0, amount.currency)) + amount
        return sums

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Hint]:
        return [webhooks.read(body, headers, self._webhook_secrets)]
