"""The money of tasks."""

from shared.access import (
    EMPTY,
    NOT_ALLOWED,
    NOT_FOUND,
    NULL,
    SILENT,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Subscription,
    Type,
    everybody,
    money,
    signed_in,
    user_error,
)

ESCROW = "escrow(id: $escrow)"
EVENTS = "escrowEvents(taskId: $task, after: 0)"
TIP = "tip(id: $tip)"
FIELDS = "id task poster tasker status amount held released fee refunded fundingExpiresAt version createdAt updatedAt"
EURO = 'amount: {amount: "20.00", currency: EUR}'

PARTIES = everybody(NULL, owner=VALUE, poster=VALUE, tasker=VALUE)
LISTED = everybody(NULL, owner=VALUE, poster=VALUE, tasker=EMPTY)
POSTERS = everybody(NULL, owner=VALUE, poster=VALUE)
FOLLOWED = signed_in(SILENT, owner=VALUE, poster=VALUE, tasker=VALUE)
POSTER_DOES = signed_in(NOT_FOUND, owner=VALUE, poster=VALUE, tasker=NOT_ALLOWED)

ACCESS: list[Declaration] = [
    *(
        Object(name, what, owner="who pays", tasker="who is paid", poster="who pays")
        for name, what in (
            ("held money", "the price of an assigned task, which is held"),
            ("due money", "the price of an accepted bid, whose payment was declined, of a poster with a good card"),
            ("asked money", "the price of an accepted bid, about which the poster's bank asks them"),
            ("failed money", "the price of an accepted bid that was not paid, since the task was called off"),
            ("frozen money", "the price of an assigned task, which the poster's bank takes back"),
            ("due release", "the price of a task whose work was delivered"),
            ("released money", "the price of a task whose work was approved"),
            ("declined tip", "a tip that the poster's card did not pay"),
            ("asked tip", "a tip about which the poster's bank asks them"),
        )
    ),
    Query(ESCROW, "held money", PARTIES),
    Type("Task", "held money", "task(id: $task)", {"id": everybody(VALUE), "escrow": PARTIES}),
    Type("Escrow", "held money", ESCROW, {FIELDS: PARTIES}),
    Type("Escrow", "due release", ESCROW, {"releaseAt": PARTIES}),
    Type("Escrow", "due money", ESCROW, {"paymentDecline": POSTERS, "viewerCan": LISTED}),
    Type("Escrow", "asked money", ESCROW, {"requiredAction": POSTERS}),
    Type("Escrow", "failed money", ESCROW, {"failureReason": PARTIES}),
    Type("Escrow", "frozen money", ESCROW, {"holds": PARTIES}),
    Type("RequiredAction", "asked money", f"{ESCROW}.requiredAction", {"clientSecret redirectUrl expiresAt": POSTERS}),
    Type("PaymentDecline", "due money", f"{ESCROW}.paymentDecline", {"reason at paymentMethod": POSTERS}),
    Type("User", "held money", f"{ESCROW}.poster", {"id": PARTIES}),
    money("held money", f"{ESCROW}.amount", PARTIES),
    Query(TIP, "declined tip", POSTERS),
    Type("Tip", "asked tip", TIP, {"requiredAction": POSTERS}),
    Type("Tip", "declined tip", TIP, {"id amount status paymentDecline createdAt": POSTERS}),
    Subscription(EVENTS, "held money", FOLLOWED),
    Type("EscrowEvent", "held money", EVENTS, {"seq previousSeq occurredAt type escrow": FOLLOWED}),
    Mutation(
        "retryFunding(input: {escrowId: $escrow, idempotencyKey: $key})", "due money", POSTER_DOES, gives="escrow"
    ),
    Mutation(
        f"tipTasker(input: {{taskId: $task, {EURO}, idempotencyKey: $key}})", "released money", POSTER_DOES,
        gives="tip",
    ),
    user_error(
        "released money",
        'tipTasker(input: {taskId: $task, amount: {amount: "0.10", currency: USD}, idempotencyKey: $key})',
        signed_in(VALUE),
        bounds=signed_in(NULL, owner=VALUE, poster=VALUE),
        allowed=signed_in(NULL, owner=VALUE, poster=VALUE),
    ),
]  # fmt: skip
