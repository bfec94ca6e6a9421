"""The books, and what admins do with money."""

from shared.access import (
    VALUE,
    Declaration,
    Mutation,
    Query,
    Type,
    admins,
    connection,
    page_info,
)

LEDGER = "ledger(account: $account)"
ENTRIES = f"{LEDGER}.entries"
BALANCE = "platformBalance"

ADMINS = admins(VALUE)

ACCESS: list[Declaration] = [
    Query(LEDGER, "held money", ADMINS),
    Type("LedgerAccount", "held money", LEDGER, {"id kind balance entries": ADMINS}),
    *connection("LedgerEntry", "held money", ENTRIES, ADMINS),
    page_info("held money", ENTRIES, ADMINS),
    Type("LedgerEntry", "held money", f"{ENTRIES}.nodes", {
        "id side amount balanceAfter step subjectId createdAt": ADMINS,
    }),
    Query(BALANCE, "held money", ADMINS),
    Type("PlatformBalance", "held money", BALANCE, {"kind balance": ADMINS}),
    Mutation(
        'issueRefund(input: {escrowId: $escrow, reason: "They wrote.", idempotencyKey: $key})', "held money", ADMINS,
        gives="escrow",
    ),
    Mutation(
        'chargeTasker(input: {userId: $tasker, amount: {amount: "5.00", currency: EUR}, reason: "They wrote.",'
        " idempotencyKey: $key})",
        "held money", ADMINS, gives="transaction",
    ),
]  # fmt: skip
