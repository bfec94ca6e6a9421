"""Who may see and do what with bids, in the words of `shared.access`."""

from shared.access import (
    EMPTY,
    NOT_ALLOWED,
    NOT_FOUND,
    NULL,
    ROLE_REQUIRED,
    SILENT,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Subscription,
    Type,
    connection,
    everybody,
    money,
    page_info,
    refused,
    signed_in,
    user_error,
)
from shared.errors import UserErrorCode

BID = "bid(id: $bid)"
BIDS = "task(id: $task).bids"
EVENTS = "bidEvents(taskId: $task, after: 0)"
MESSAGE = 'message: "I have painted many fences."'
AMOUNT = 'amount: {amount: "150.00", currency: EUR}'

PARTIES = everybody(NULL, owner=VALUE, tasker=VALUE, poster=VALUE)
LISTED = everybody(EMPTY, owner=VALUE, tasker=VALUE, poster=VALUE)
FOLLOWED = signed_in(SILENT, owner=VALUE, tasker=VALUE, poster=VALUE)
BIDDER_DOES = signed_in(NOT_FOUND, owner=VALUE, tasker=VALUE, poster=NOT_ALLOWED)
BIDDER_IS_TOLD = signed_in(NULL, owner=VALUE, tasker=VALUE)
POSTER_DOES = signed_in(NOT_FOUND, owner=NOT_ALLOWED, tasker=NOT_ALLOWED, poster=VALUE)

ACCESS: list[Declaration] = [
    Object("bid", "a pending bid", owner="who placed it", tasker="who placed it", poster="who posted its task"),
    Object("open task", "a task that takes bids", owner="who posted it"),
    Query(BID, "bid", PARTIES),
    Query("myBids", "bid", signed_in(EMPTY, owner=VALUE, tasker=VALUE)),
    Type("Bid", "bid", BID, {
        "id task tasker amount message estimatedMinutes status expiresAt version createdAt updatedAt": PARTIES,
        "viewerCan": PARTIES,
    }),
    Type("Task", "bid", "task(id: $task)", {
        "id bidCount": everybody(VALUE),
        "bids": LISTED,
        "myBid": everybody(NULL, owner=VALUE, tasker=VALUE),
    }),
    Type("User", "bid", "user(id: $bidder)", {
        "id": everybody(VALUE),
        "bids": everybody(NULL, owner=VALUE, tasker=VALUE),
    }),
    *connection("Bid", "bid", BIDS, LISTED, page=everybody(VALUE)),
    page_info("bid", BIDS, LISTED, page=everybody(VALUE)),
    money("bid", f"{BID}.amount", PARTIES),
    Subscription(EVENTS, "bid", FOLLOWED),
    Type("BidEvent", "bid", EVENTS, {"seq previousSeq occurredAt type bid": FOLLOWED}),
    Mutation(
        f"placeBid(input: {{taskId: $task, {AMOUNT}, {MESSAGE}}})",
        "open task",
        signed_in(VALUE, owner=refused(UserErrorCode.OWN_TASK), poster=ROLE_REQUIRED),
        gives="bid",
    ),
    Mutation(f"updateBid(input: {{bidId: $bid, {AMOUNT}}})", "bid", BIDDER_DOES, gives="bid"),
    Mutation("withdrawBid(input: {bidId: $bid})", "bid", BIDDER_DOES, gives="bid"),
    Mutation("declineBid(input: {bidId: $bid})", "bid", POSTER_DOES, gives="bid"),
    Mutation("acceptBid(input: {bidId: $bid, expectedVersion: 1})", "bid", POSTER_DOES, gives="bid"),
    user_error(
        "bid",
        'updateBid(input: {bidId: $bid, amount: {amount: "150.00", currency: USD}, message: ""})',
        signed_in(VALUE),
        bounds=BIDDER_IS_TOLD,
        allowed=BIDDER_IS_TOLD,
    ),
]  # fmt: skip
