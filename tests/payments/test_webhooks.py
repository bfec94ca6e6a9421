"""What comes in from the provider, or from somebody who says to be it."""

from collections.abc import Callable

import orjson
import pytest

from sandbox.webhooks import signature
from shared import clock
from tests.payments.conftest import Payments
from tests.sandbox.running import SECRET

BODY = orjson.dumps({"id": "event_1", "kind": "charge", "object": "charge_1"})


def signed(body: bytes, *, age: float = 0, secret: str = SECRET) -> dict[str, str]:
    return {"sandbox-signature": signature(secret, int(clock.now().timestamp() - age), body)}


REFUSED: dict[str, tuple[bytes, Callable[[], dict[str, str]], str]] = {
    "unsigned": (BODY, dict, "unsigned"),
    "forged": (BODY, lambda: signed(BODY, secret="another"), "bad_signature"),  # a test's
    "altered": (BODY.replace(b"charge_1", b"charge_2"), lambda: signed(BODY), "bad_signature"),
    "replayed later": (BODY, lambda: signed(BODY, age=301), "stale"),
    "of the future": (BODY, lambda: signed(BODY, age=-400), "stale"),
    "no JSON": (b"{", lambda: signed(b"{"), "malformed"),
    "of another shape": (b"[]", lambda: signed(b"[]"), "malformed"),
    "too large": (b"x" * 1_000_001, dict, "malformed"),
    "rubbish in the signature": (BODY, lambda: {"sandbox-signature": "t=x,v1=\u0661"}, "unsigned"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_the_providers_is_refused_with_a_code(payments: Payments, name: str) -> None:
    body, headers, reason = REFUSED[name]
    encoded = {key: value.encode() for key, value in headers().items()}

    answer = await payments.served.client.post("/webhooks/sandbox", content=body, headers=encoded)

    assert (answer.status_code, answer.json()) == (400, {"error": reason})
    assert await payments.sql("SELECT count(*) FROM settlements WHERE kind <> 'BOOKS'") == [(0,)]


async def test_another_provider_is_not_there(payments: Payments) -> None:
    answer = await payments.served.client.post("/webhooks/stripe", content=BODY, headers=signed(BODY))
    assert (answer.status_code, answer.json()) == (404, {"error": "unknown_provider"})


async def test_a_webhook_again_or_out_of_order_changes_nothing(payments: Payments) -> None:
    bid = await payments.fund()
    ((charge,),) = await payments.sql("SELECT provider_id FROM charges")
    before = await payments.balances()

    for _ in range(3):
        await payments.webhook("charge", str(charge))
    for kind in ("refund", "payout", "account", "setup", "charge"):
        await payments.webhook(kind, "nothing_that_is_known")

    await payments.settled()
    assert await payments.balances() == before
    assert (await payments.escrow(bid))["status"] == "FUNDED"
