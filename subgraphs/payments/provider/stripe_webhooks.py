"""Stripe's webhooks: whether one is Stripe's and of now, and what it hints at."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import stripe
from pydantic import BaseModel, ValidationError

from shared import clock
from subgraphs.payments.provider.port import Hint, Kind, WebhookFault, WebhookRefused

_MAX_AGE = timedelta(minutes=5)
# The time must be the first that the library finds too, which signs it.
_SIGNATURE = re.compile(r"t=(?P<time>[0-9]{1,12}),(?:.*,)?v1=[^,]*(?:,.*)?")


class _Object(BaseModel):
    id: str = ""
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None

    def told(self, name: str) -> str:
        """What we told Stripe of it."""
        return (self.metadata or {}).get(name, "")


class _Data(BaseModel):
    object: _Object


class _Event(BaseModel):
    id: str
    type: str
    data: _Data
    account: str = ""
    """The connected account to which it happened; empty: to ourselves."""


def read(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> Hint:
    """What a webhook says. Raises WebhookRefused unless one of the secrets signed it within five minutes."""
    _verify(body, headers.get("stripe-signature", ""), secrets)
    try:
        event = _Event.model_validate_json(body)
    except ValidationError:
        raise WebhookRefused(WebhookFault.MALFORMED) from None
    return _hint(event)


def _verify(body: bytes, signature: str, secrets: Sequence[str]) -> None:
    signed = _SIGNATURE.fullmatch(signature)
    if signed is None:
        raise WebhookRefused(WebhookFault.UNSIGNED)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise WebhookRefused(WebhookFault.MALFORMED) from None
    if not any(_is_signed(text, signature, secret) for secret in secrets):
        raise WebhookRefused(WebhookFault.BAD_SIGNATURE)
    # The library would ask the machine's clock, and let pass what is signed in the future.
    if abs(clock.now().timestamp() - int(signed["time"])) > _MAX_AGE.total_seconds():
        raise WebhookRefused(WebhookFault.STALE)


def _is_signed(text: str, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(text, signature, secret)
    except stripe.SignatureVerificationError:
        return False
    return True


def _hint(event: _Event) -> Hint:
    subject, account = event.data.object, event.account
    family = event.type.split(".")[0]
    if family in ("account", "capability"):
        return Hint(event.id, Kind.ACCOUNT, account or subject.id)
    if account and family == "payout" and (transfer := subject.told("transfer")):
        return Hint(event.id, Kind.PAYOUT, transfer)
    if account:
        # Whatever else taskers do with their accounts is their own.
        return Hint(event.id, Kind.OTHER, subject.id)
    if family == "setup_intent":
        return Hint(event.id, Kind.SETUP, subject.id)
    if family == "payment_intent":
        return Hint(event.id, Kind.CHARGE, subject.id)
    if event.type.startswith("charge.dispute."):
        return Hint(event.id, Kind.DISPUTE, subject.id)
    if (family == "refund" or event.type == "charge.refund.updated") and subject.told("key"):
        return Hint(event.id, Kind.REFUND, subject.id)
    if family == "refund":
        # Made on Stripe's own pages: what the charge is now says what was given back.
        return Hint(event.id, Kind.CHARGE, subject.payment_intent or "")
    if event.type == "transfer.reversed":
        return Hint(event.id, Kind.PAYOUT, subject.id)
    return Hint(event.id, Kind.OTHER, subject.id)
