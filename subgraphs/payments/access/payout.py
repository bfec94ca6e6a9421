"""What taskers have earned, and what of it is paid out."""

from shared.access import (
    EMPTY,
    NULL,
    ROLE_REQUIRED,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    everybody,
    own_list,
    refused,
    signed_in,
)
from shared.errors import UserErrorCode

FIELDS = "id amount status isScheduled createdAt updatedAt"
BALANCES = "myBalances"
OWNERS = everybody(NULL, owner=VALUE)
LISTED = signed_in(EMPTY, owner=VALUE)
ACCOUNT = signed_in(NULL, owner=VALUE)
NOT_READY = refused(UserErrorCode.PAYOUT_ACCOUNT_NOT_READY)

ACCESS: list[Declaration] = [
    Object("balance", "what a tasker has earned, who can be paid out", owner="whose it is"),
    Object("payout", "money on its way to a tasker's bank", owner="who is paid out"),
    Object("failed payout", "one that did not arrive", owner="who was to be paid out"),
    Query(BALANCES, "balance", LISTED),
    Type("Balance", "balance", BALANCES, {"available onItsWay leastPayout": LISTED}),
    Query("payoutAccount", "balance", ACCOUNT),
    Type("PayoutAccount", "balance", "payoutAccount", {"status updatedAt": ACCOUNT}),
    Type("PayoutAccount", "balance", "payoutAccount", {"requirements": signed_in(NULL, owner=EMPTY)}),
    *own_list("Payout", FIELDS, "payout", "myPayouts"),
    Type("Payout", "payout", "", {FIELDS: OWNERS}),
    Type("Payout", "failed payout", "", {"failureReason": OWNERS}),
    Mutation(
        "startPayoutOnboarding(input: {})", "balance", signed_in(VALUE, poster=ROLE_REQUIRED),
        gives="url payoutAccount", repeatable=True,
    ),
    Mutation(
        'requestPayout(input: {amount: {amount: "20.00", currency: EUR}, idempotencyKey: $key})', "balance",
        signed_in(NOT_READY, owner=VALUE), gives="payout",
    ),
]  # fmt: skip
