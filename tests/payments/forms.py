"""Inputs of payments that are wrong in every field."""

from shared.ids import new_id
from tests.payments.conftest import Payments
from tests.support.wrong_inputs import Form, Given, Wrong

_REASON = Wrong("x", min="3", max="500")
_TOO_LITTLE = Wrong("0.10", min="1.00", max="100000.00")


async def _released(payments: Payments) -> tuple[str, Given]:
    bid = await payments.fund()
    await payments.complete(bid)
    escrow_id = (await payments.escrow(bid))["id"]
    return new_id("user"), {"escrowId": escrow_id, "idempotencyKey": new_id("key")}


async def _tasker(payments: Payments) -> tuple[str, Given]:
    return new_id("user"), {
        "userId": new_id("user"), "amount": {"currency": "EUR"}, "idempotencyKey": new_id("key")
    }  # fmt: skip


FORMS: dict[str, Form[Payments]] = {
    "issueRefund": Form(
        _released,
        {
            "amount.amount": _TOO_LITTLE,
            "amount.currency": Wrong("USD", "CURRENCY_MISMATCH", allowed=["EUR"]),
            "reason": _REASON,
        },
    ),
    "chargeTasker": Form(_tasker, {"amount.amount": _TOO_LITTLE, "reason": _REASON}),
}
