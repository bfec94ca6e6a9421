"""Stripe as a world: our own peer of it, with the adapter that is connected to it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from shared.config import Settings
from subgraphs.payments.provider.port import Charge, Dispute, Kind, Payout, PayoutFault, Refund, Setup
from subgraphs.payments.provider.stripe import Stripe
from tests.payments.provider.world import Bank, TestCard
from tests.peers.stripe import peer as stripe_peer
from tests.peers.stripe.peer import ASKS, PROCESSED, SECRET_KEY, WEBHOOK_SECRET, Peer

_BEHAVIOURS = {
    TestCard.SUCCEEDS: "",
    TestCard.SUCCEEDS_TOO: "",
    TestCard.REFUSED_AT_SETUP: "refused",
    TestCard.ASKS_THE_PAYER: ASKS,
    TestCard.IS_PROCESSED: PROCESSED,
    TestCard.INSUFFICIENT_FUNDS: "insufficient_funds",
    TestCard.EXPIRED_CARD: "expired_card",
    TestCard.LOST_OR_STOLEN_CARD: "stolen_card",
    TestCard.LIMIT_EXCEEDED: "card_velocity_exceeded",
    TestCard.SUSPECTED_FRAUD: "fraudulent",
    TestCard.CURRENCY_NOT_SUPPORTED: "currency_not_supported",
    TestCard.PROCESSING_ERROR: "processing_error",
    TestCard.DECLINED: "do_not_honor",
}
_FAILURES = {
    PayoutFault.ACCOUNT_CLOSED: "account_closed",
    PayoutFault.ACCOUNT_UNUSABLE: "no_account",
    PayoutFault.DECLINED: "could_not_process",
}


class StripeWorld:
    """The port's world at the peer."""

    def __init__(self, peer: Peer, provider: Stripe, url: str) -> None:
        self.peer = peer
        self.provider = provider
        self.url = url
        self._read: set[str] = set()

    async def give_card(self, setup: Setup, card: TestCard) -> None:
        assert self.peer.objects[setup.id]["client_secret"] == setup.client_secret
        self.peer.give_card(setup.id, f"424242424242{card.value:04}", _BEHAVIOURS[card])

    async def answer_challenge(self, charge: Charge, *, passes: bool) -> None:
        intent = self.peer.objects[charge.id]
        if intent["status"] != "requires_action":
            return
        if passes:
            self.peer.take(intent)
        else:
            self.peer.decline(intent, "payment_intent_authentication_failure")

    async def settle(self, charge: Charge, *, succeeds: bool) -> None:
        intent = self.peer.objects[charge.id]
        if succeeds:
            self.peer.take(intent)
        else:
            self.peer.decline(intent, "generic_decline")

    async def finish_onboarding(self, account: str, url: str, bank: Bank) -> None:
        assert url.endswith(account)
        due = ["individual.verification.document"] if bank is Bank.INCOMPLETE else []
        self.peer.require(account, due, "rejected.fraud" if bank is Bank.REJECTED else None)

    async def restrict(self, account: str) -> None:
        self.peer.require(account, ["individual.verification.document"])

    async def pay(self, payout: Payout) -> None:
        self.peer.pay(self.peer.sent(payout.key))

    async def fail_payout(self, payout: Payout, fault: PayoutFault) -> None:
        self.peer.fail_payout(self.peer.sent(payout.key), _FAILURES[fault])

    async def fail_refund(self, refund: Refund) -> None:
        self.peer.fail_refund(refund.id)

    async def open_dispute(self, charge: Charge) -> str:
        return self.peer.open_dispute(charge.id)

    async def close_dispute(self, dispute: Dispute, *, won: bool) -> None:
        self.peer.close_dispute(dispute.id, "won" if won else "lost")

    @asynccontextmanager
    async def lost(self, *, done: bool) -> AsyncIterator[None]:
        self.peer.loses = done
        try:
            yield
        finally:
            self.peer.loses = None

    async def webhook(self, kind: Kind, object_id: str) -> tuple[bytes, Mapping[str, str]]:
        for event in self.peer.events:
            body = json.dumps(event, indent=2).encode()
            headers = self.sign(body)
            (hint,) = self.provider.read_webhook(body, headers)
            if event["id"] not in self._read and (hint.kind, hint.object_id) == (kind, object_id):
                self._read.add(event["id"])
                return body, headers
        raise AssertionError(f"Stripe has told nothing of {kind} {object_id}")

    def sign(self, body: bytes) -> Mapping[str, str]:
        return stripe_peer.sign(body)


@asynccontextmanager
async def stripe_world(folder: Path) -> AsyncIterator[StripeWorld]:
    """The world of a peer that begins anew; it keeps nothing in files."""
    async with stripe_peer.served() as (peer, url), connected(url) as provider:
        yield StripeWorld(peer, provider, url)


@asynccontextmanager
async def connected(url: str, **settings: object) -> AsyncIterator[Stripe]:
    """The adapter, with changed settings."""
    known = {
        "stripe_secret_key": SecretStr(SECRET_KEY),
        "stripe_webhook_secrets": SecretStr(f"whsec_old, {WEBHOOK_SECRET}"),
        "stripe_api_url": url,
    }
    provider = Stripe(Settings.model_construct(**known | settings))
    try:
        yield provider
    finally:
        await provider.close()
