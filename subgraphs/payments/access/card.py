"""Ways to pay."""

from shared.access import (
    EMPTY,
    NOT_FOUND,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    everybody,
    signed_in,
)

CARDS = "myPaymentMethods"
FIELDS = "id brand lastFour expiresMonth expiresYear expiresAt isDefault createdAt"
SET_UP = "startPaymentMethodSetup(input: {})"

OWNERS = everybody(NULL, owner=VALUE)
LISTED = signed_in(EMPTY, owner=VALUE)
OWNER_DOES = signed_in(NOT_FOUND, owner=VALUE)

ACCESS: list[Declaration] = [
    Object("card", "a card that can be charged", owner="whose it is"),
    Object("removed card", "a card that its owner removed", owner="whose it was"),
    Object("completed setup", "a card that was given to the provider and not added yet", owner="who gave it"),
    Query(CARDS, "card", LISTED),
    Type("PaymentMethod", "card", CARDS, {FIELDS: LISTED}),
    Type("PaymentMethod", "card", "", {FIELDS: OWNERS}),
    Type("PaymentMethod", "removed card", "", {"removedAt": OWNERS}),
    Type("PaymentMethodSetup", "card", f"{SET_UP}.setup", {"id provider clientSecret": signed_in(VALUE)}),
    Mutation(SET_UP, "card", signed_in(VALUE), gives="setup", repeatable=True),
    Mutation("addPaymentMethod(input: {setupId: $setup})", "completed setup", OWNER_DOES, gives="paymentMethod"),
    Mutation("removePaymentMethod(input: {paymentMethodId: $card})", "card", OWNER_DOES, gives="paymentMethod"),
    Mutation(
        "setDefaultPaymentMethod(input: {paymentMethodId: $card})", "card", OWNER_DOES, gives="paymentMethod",
        repeatable=True,
    ),
]  # fmt: skip
