"""What people see of their money. Addresses open receipts for whoever has one, so that seeing them is what counts."""

from shared.access import EMPTY, NULL, VALUE, Declaration, Object, Query, Type, everybody, own_list, signed_in

FIELDS = "id receiptNumber kind amount fee task receipt createdAt"
FILE = "filename url urlExpiresAt"
STATEMENT = 'myStatement(from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z")'

ACCESS: list[Declaration] = [
    Object("transaction", "what somebody paid for a task", owner="who paid"),
    *own_list("Transaction", FIELDS, "transaction", "myTransactions"),
    Type("Transaction", "transaction", "", {FIELDS: everybody(NULL, owner=VALUE)}),
    Type("Download", "transaction", "myTransactions.nodes.receipt", {FILE: signed_in(EMPTY, owner=VALUE)}),
    Query(STATEMENT, "transaction", signed_in(VALUE)),
]
