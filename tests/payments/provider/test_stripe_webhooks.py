"""Webhooks of Stripe's: what is believed, and what it means."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from subgraphs.payments.provider import stripe_webhooks as webhooks
from subgraphs.payments.provider.port import Hint, Kind, WebhookFault, WebhookRefused
from tests.peers.stripe.peer import sign

SECRETS = ["whsec_account", "whsec_connect"]


def event(type: str, account: str = "", **about: object) -> bytes:
    told = {"id": "evt_1", "object": "event", "type": type, "data": {"object": about}}
    return json.dumps({**told, "account": account} if account else told).encode()


def read(body: bytes, secret: str = SECRETS[0]) -> Hint:
    return webhooks.read(body, sign(body, secret), SECRETS)


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (event("payment_intent.succeeded", id="pi_1", metadata={"key": "k"}), Hint("evt_1", Kind.CHARGE, "pi_1")),
        (event("setup_intent.setup_failed", id="seti_1"), Hint("evt_1", Kind.SETUP, "seti_1")),
        (event("charge.dispute.closed", id="du_1"), Hint("evt_1", Kind.DISPUTE, "du_1")),
        (event("charge.refund.updated", id="re_1", metadata={"key": "k"}), Hint("evt_1", Kind.REFUND, "re_1")),
        (event("refund.failed", id="re_1", metadata={"key": "k"}), Hint("evt_1", Kind.REFUND, "re_1")),
        (event("refund.created", id="re_1", payment_intent="pi_1", metadata={}), Hint("evt_1", Kind.CHARGE, "pi_1")),
        (
            event("payout.failed", "acct_1", id="po_1", metadata={"key": "k", "transfer": "tr_1"}),
            Hint("evt_1", Kind.PAYOUT, "tr_1"),
        ),
        (event("transfer.reversed", id="tr_1", metadata={"key": "k"}), Hint("evt_1", Kind.PAYOUT, "tr_1")),
        (event("account.updated", "acct_1", id="acct_1"), Hint("evt_1", Kind.ACCOUNT, "acct_1")),
        (event("account.application.deauthorized", "acct_1", id="ca_1"), Hint("evt_1", Kind.ACCOUNT, "acct_1")),
        (event("account.external_account.deleted", "acct_1", id="ba_1"), Hint("evt_1", Kind.ACCOUNT, "acct_1")),
        (event("capability.updated", "acct_1", id="transfers"), Hint("evt_1", Kind.ACCOUNT, "acct_1")),
        # Our own withdrawals, and what taskers do with their accounts besides.
        (event("payout.paid", id="po_1", metadata={"transfer": "tr_1"}), Hint("evt_1", Kind.OTHER, "po_1")),
        (event("payout.paid", "acct_1", id="po_1", metadata=None), Hint("evt_1", Kind.OTHER, "po_1")),
        (event("payment_intent.succeeded", "acct_1", id="pi_1"), Hint("evt_1", Kind.OTHER, "pi_1")),
        (event("charge.succeeded", id="ch_1", payment_intent="pi_1"), Hint("evt_1", Kind.OTHER, "ch_1")),
        (event("balance.available", available=[]), Hint("evt_1", Kind.OTHER, "")),
    ],
    ids=lambda value: json.loads(value)["type"] if isinstance(value, bytes) else None,
)
def test_an_event_hints_at_what_may_have_changed(body: bytes, hint: Hint) -> None:
    assert read(body) == hint
    assert read(body) == hint, "sent again it is the same event"


def test_each_of_several_secrets_is_believed() -> None:
    body = event("account.updated", "acct_1", id="acct_1")
    assert [read(body, each).object_id for each in SECRETS] == ["acct_1", "acct_1"]
    header = f"{sign(body, 'whsec_old')['stripe-signature']},{sign(body, SECRETS[1])['stripe-signature'].split(',')[1]}"
    assert webhooks.read(body, {"stripe-signature": header}, SECRETS).object_id == "acct_1"
    assert refused(body, sign(body, "whsec_other")) is WebhookFault.BAD_SIGNATURE
    assert refused(body, sign(body, SECRETS[0]), secrets=[]) is WebhookFault.BAD_SIGNATURE


def refused(body: bytes, headers: object, secrets: list[str] = SECRETS) -> WebhookFault:
    with pytest.raises(WebhookRefused) as raised:
        webhooks.read(body, headers, secrets)
    return raised.value.reason


BODY = event("payment_intent.succeeded", id="pi_1")


@pytest.mark.parametrize("sign_of", [-1, 1], ids=["of the future", "of the past"])
def test_what_was_signed_at_another_time_is_stale(sign_of: int) -> None:
    signed = sign(BODY, SECRETS[0])
    with clock.offset(sign_of * timedelta(minutes=5, seconds=2)):
        assert refused(BODY, signed) is WebhookFault.STALE
    with clock.offset(sign_of * timedelta(minutes=4, seconds=30)):
        assert webhooks.read(BODY, signed, SECRETS).object_id == "pi_1"


def test_another_time_cannot_be_put_before_a_signature() -> None:
    with clock.offset(timedelta(hours=-1)):
        time, signature = sign(BODY, SECRETS[0])["stripe-signature"].split(",")
    now = f"t={int(clock.now().timestamp())}"
    for header in (f"{now},{signature}", f"{now},{time},{signature}", f"{time},{now},{signature}"):
        assert refused(BODY, {"stripe-signature": header}) in (WebhookFault.BAD_SIGNATURE, WebhookFault.STALE)


@pytest.mark.parametrize(
    "header", ["", "v1=00", "t=1", "t=,v1=00", "t=x,v1=00", "t=-1,v1=00", " t=1,v1=00", "t=1,v0=0"]
)
def test_what_is_no_signature_is_none(header: str) -> None:
    assert refused(BODY, {"stripe-signature": header}) is WebhookFault.UNSIGNED
    assert refused(BODY, {}) is WebhookFault.UNSIGNED


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff", b'{"id": "evt_1"}', event("payment_intent.succeeded", id=1), b"[" * 100_000],
    ids=["nothing", "a list", "null", "half", "no text", "no type", "a number as id", "deep"],
)
def test_what_is_no_event_is_malformed_though_signed(body: bytes) -> None:
    assert refused(body, sign(body, SECRETS[0])) is WebhookFault.MALFORMED


@given(st.integers(0, len(BODY) - 1), st.integers(0, 7))
def test_no_bit_can_be_changed(place: int, bit: int) -> None:
    altered = bytearray(BODY)
    altered[place] ^= 1 << bit
    assert refused(bytes(altered), sign(BODY, SECRETS[0])) in (WebhookFault.BAD_SIGNATURE, WebhookFault.MALFORMED)
