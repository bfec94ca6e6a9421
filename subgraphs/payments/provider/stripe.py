"""The payment provider Stripe, by its official library: separate charges and transfers.

Payers are charged on the platform's account (PaymentIntents). A payout is a transfer to the tasker's connected account
and then a payout from there to their bank. Stripe forgets idempotency keys after a day, so whatever moves money is
looked for by our key before it is done. https://docs.stripe.com/connect/separate-charges-and-transfers
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

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
    PayoutStatus,
    ProviderRefused,
    ProviderUnavailable,
    Refund,
    Setup,
)
from subgraphs.payments.provider.stripe_amounts import from_stripe, to_stripe

log = structlog.get_logger(__name__)

# Answers keep the form that they have today when Stripe or the library goes on.
_API_VERSION = "2026-10-28.endive"
_LIVE_URL = "https://api.stripe.com"
_PAGE = 100
_SLICE = timedelta(hours=1)
_ATTEMPT = ["latest_charge"]
_CARD = ["payment_method"]
# What is not there, or not ours to see.
_UNKNOWN = frozenset({"resource_missing", "account_invalid"})
# What was charged is not ours to spend for some days. A refund is owed all the same, and will come through.
_NOT_YET = "balance_insufficient"
# As Stripe calls it while it remembers the key.
_OTHERWISE = "idempotency_error"

# It would tell Stripe about this machine, and keep an id for that in the home of its user.
stripe.enable_telemetry = False
# Below that it writes whole answers, with the secrets of clients and the names of people.
logging.getLogger("stripe").setLevel(logging.INFO)

T = TypeVar("T")
Listed = TypeVar("Listed", bound=stripe.StripeObject)


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
        self._seconds = settings.stripe_timeout_seconds
        # The one client of the library that blocks nothing with what is installed anyway.
        self._http = stripe.HTTPXClient(timeout=self._seconds)
        self._stripe = stripe.StripeClient(
            settings.stripe_secret_key.get_secret_value(),
            stripe_version=_API_VERSION,
            base_addresses={"api": settings.stripe_api_url or _LIVE_URL},
            # Whoever calls knows whether to ask again, and how long they can wait.
            max_network_retries=0,
            http_client=self._http,
        ).v1

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    # --- payers ------------------------------------------------------------------------------------------------

    async def create_customer(self, user_id: str, *, key: str) -> str:
        created = await self._ask(
            self._stripe.customers.create_async({"metadata": {"user_id": user_id}}, {"idempotency_key": key})
        )
        return created.id

    async def start_setup(self, customer: str, *, key: str) -> Setup:
        # For later: a price may change, and a charge be tried again, while the payer is away.
        intent = await self._ask(
            self._stripe.setup_intents.create_async(
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
        return answers.setup(await self._get(self._stripe.setup_intents.retrieve_async(setup_id, {"expand": _CARD})))

    async def detach_card(self, token: str) -> None:
        try:
            await self._ask(self._stripe.payment_methods.detach_async(token))
        except ProviderRefused:
            if await self._is_attached(token):
                raise

    async def _is_attached(self, card: str) -> bool:
        """Whether a card is still somebody's; one that was detached can never be used again."""
        try:
            return (await self._get(self._stripe.payment_methods.retrieve_async(card))).customer is not None
        except LookupError:
            return False

    # --- charges -----------------------------------------------------------------------------------------------

    async def prepare_charge(self, customer: str, amount: Money, *, key: str, subject_id: str) -> Charge:
        intent = await self._ask(
            self._stripe.payment_intents.create_async(
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
            intent = await self._ask(
                self._stripe.payment_intents.confirm_async(
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
        found = self._stripe.payment_intents.retrieve_async(charge_id, {"expand": _ATTEMPT})
        return answers.charge(await self._get(found))

    async def cancel_charge(self, charge_id: str) -> Charge:
        try:
            intent = await self._ask(self._stripe.payment_intents.cancel_async(charge_id, {"expand": _ATTEMPT}))
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
                raise ProviderRefused(_OTHERWISE)
            return found
        try:
            created = await self._ask(
                self._stripe.refunds.create_async(
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
        refunds = self._each(self._stripe.refunds.list_async({"payment_intent": charge_id, "limit": _PAGE}))
        async for each in refunds:
            if (found := answers.refund(each)).key == key:
                return found
        return None

    # --- payouts -----------------------------------------------------------------------------------------------

    async def create_account(self, user_id: str, *, key: str) -> PayoutAccount:
        # Stripe asks the tasker what it must know; the platform bears fees and losses, and says when is paid out.
        account = await self._ask(
            self._stripe.accounts.create_async(
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
        link = await self._ask(
            self._stripe.account_links.create_async(
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
        return answers.account(await self._get(self._stripe.accounts.retrieve_async(account)))

    async def pay_out(self, account: str, amount: Money, *, key: str) -> Payout:
        counted = to_stripe(amount, Kind.PAYOUT)
        transfer = await self._find_transfer(key)
        if transfer is None:
            transfer = await self._ask(
                self._stripe.transfers.create_async(
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
            raise ProviderRefused(_OTHERWISE)
        return await self._bring_to_bank(transfer, account, key)

    async def find_payout(self, account: str, key: str) -> Payout | None:
        transfer = await self._find_transfer(key)
        return await self._bring_to_bank(transfer, account, key) if transfer else None

    async def _find_transfer(self, key: str) -> stripe.Transfer | None:
        found = await self._ask(self._stripe.transfers.list_async({"transfer_group": key, "limit": 1}))
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
        since = self._stripe.payouts.list_async(
            {"created": {"gte": transfer.created}, "limit": _PAGE}, {"stripe_account": account}
        )
        try:
            async for each in self._each(since):
                if answers.key(each.metadata) == key:
                    return each
        except ProviderRefused as refused:
            # As such it would say that nothing was moved.
            raise ProviderUnavailable(refused.code) from refused
        return None

    async def _send(self, transfer: stripe.Transfer, account: str, key: str) -> stripe.Payout | None:
        """Sends what was transferred on to the bank; None if Stripe refuses."""
        try:
            return await self._ask(
                self._stripe.payouts.create_async(
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
            await self._ask(self._stripe.transfers.reversals.create_async(transfer.id, {"metadata": {"key": key}}))
        except ProviderRefused as refused:
            log.warning("stripe_transfer_not_reversed", transfer=transfer.id, code=refused.code)
            return False
        return True

    # --- disputes, reconciliation, webhooks ----------------------------------------------------------------------

    async def get_dispute(self, dispute_id: str) -> Dispute:
        return answers.dispute(await self._get(self._stripe.disputes.retrieve_async(dispute_id)))

    async def movements(self, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        # Stripe begins with the newest: slices of time are turned round, so that no more is held than one has.
        start = since
        while start < until:
            end = min(start + _SLICE, until)
            for each in reversed([each async for each in self._slice(start, end)]):
                yield each
            start = end

    async def _slice(self, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        transactions = self._stripe.balance_transactions.list_async(
            {
                "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
                "limit": _PAGE,
                "expand": ["data.source"],
            }
        )
        async for each in self._each(transactions):
            try:
                yield answers.movement(each)
            except ValueError:
                log.warning("stripe_currency_unknown", currency=each.currency, movement=each.id)

    async def balances(self) -> Mapping[CurrencyCode, Money]:
        balance = await self._ask(self._stripe.balance.retrieve_async())
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

    # --- asking --------------------------------------------------------------------------------------------------

    async def _ask(self, request: Awaitable[T]) -> T:
        """An answer. Raises ProviderUnavailable, or ProviderRefused with Stripe's error as its cause."""
        try:
            async with asyncio.timeout(self._seconds):
                return await request
        except TimeoutError:
            raise ProviderUnavailable("timeout") from None
        except (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError, stripe.PermissionError) as error:
            code = str(getattr(error.error, "code", None) or getattr(error.error, "type", None))
            if isinstance(error, stripe.PermissionError) and code not in _UNKNOWN:
                raise ProviderUnavailable("the key may not do this") from error
            raise ProviderRefused(code, error.user_message or "") from error
        except stripe.StripeError as error:
            # A wrong key too is no answer about the call.
            raise ProviderUnavailable(type(error).__name__) from error

    async def _get(self, request: Awaitable[T]) -> T:
        """An object. Raises LookupError if there is none."""
        try:
            return await self._ask(request)
        except ProviderRefused as refused:
            if refused.code in _UNKNOWN:
                raise LookupError(refused.code) from refused
            raise

    async def _each(self, first: Awaitable[stripe.ListObject[Listed]]) -> AsyncIterator[Listed]:
        """What a list has, page after page."""
        page = await self._ask(first)
        while True:
            for each in page.data:
                yield each
            if not page.has_more:
                return
            page = await self._ask(page.next_page_async())
