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
OFFER = "id side amount message status createdAt"
INVITATION = "id task tasker message status createdAt"
INVITATIONS = "task(id: $task).invitations"
MY_INVITATIONS = "myInvitations"
BIDS = "task(id: $task).bids"
EVENTS = "bidEvents(taskId: $task, after: 0)"
MESSAGE = 'message: "I have painted many fences."'
LESS = 'amount: {amount: "140.00", currency: EUR}'
AMOUNT = 'amount: {amount: "150.00", currency: EUR}'

PARTIES = everybody(NULL, owner=VALUE, tasker=VALUE, poster=VALUE)
LISTED = everybody(EMPTY, owner=VALUE, tasker=VALUE, poster=VALUE)
FOLLOWED = signed_in(SILENT, owner=VALUE, tasker=VALUE, poster=VALUE)
BIDDER_DOES = signed_in(NOT_FOUND, owner=VALUE, tasker=VALUE, poster=NOT_ALLOWED)
BIDDER_IS_TOLD = signed_in(NULL, owner=VALUE, tasker=VALUE)
POSTER_SEES = everybody(NULL, poster=VALUE)
INVITED = signed_in(EMPTY, tasker=VALUE)
INVITER = everybody(EMPTY, owner=VALUE, poster=VALUE)
POSTER_DOES = signed_in(NOT_FOUND, owner=NOT_ALLOWED, tasker=NOT_ALLOWED, poster=VALUE)

ACCESS: list[Declaration] = [
    Object("bid", "a pending bid", owner="who placed it", tasker="who placed it", poster="who posted its task"),
    Object("open task", "a task that takes bids", owner="who posted it"),
    Object(
        "countered bid", "a shortlisted bid for which the poster offers another amount", owner="who placed it",
        tasker="who placed it", poster="who posted its task",
    ),
    Object(
        "declined bid", "a bid that was turned down with a reason", owner="who placed it", tasker="who placed it",
        poster="who posted its task",
    ),
    Object(
        "invitation", "an open invitation to bid", owner="who invites", tasker="who is invited", poster="who invites"
    ),
    Object("inviting task", "an open task to which nobody is invited yet", owner="who posted it"),
    Query(BID, "bid", PARTIES),
    Query("myBids", "bid", signed_in(EMPTY, owner=VALUE, tasker=VALUE)),
    Type("Bid", "bid", BID, {
        "id task tasker amount message estimatedMinutes status expiresAt version createdAt updatedAt": PARTIES,
        "viewerCan": PARTIES,
    }),
    Type("Bid", "countered bid", BID, {"openOffer offers": PARTIES, "shortlistedAt": POSTER_SEES}),
    Type("Bid", "declined bid", BID, {"declineReason declineMessage": PARTIES}),
    Type("BidOffer", "countered bid", f"{BID}.openOffer", {OFFER: PARTIES}),
    Type("BidOffer", "countered bid", "node(id: $offer)", {OFFER: PARTIES}),
    Type("Task", "invitation", "task(id: $task)", {"invitations": INVITER}),
    Type("BidInvitation", "invitation", INVITATIONS, {INVITATION: INVITER}),
    Type("BidInvitation", "invitation", "node(id: $invitation)", {INVITATION: PARTIES}),
    Query(MY_INVITATIONS, "invitation", INVITED),
    *connection("BidInvitation", "invitation", MY_INVITATIONS, INVITED, page=signed_in(VALUE)),
    page_info("invitation", MY_INVITATIONS, INVITED, page=signed_in(VALUE)),
    Type("BidEvent", "invitation", EVENTS, {"invitation": FOLLOWED}),
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
    Mutation(
        'declineBid(input: {bidId: $bid, reason: OTHER, message: "Too far away."})', "bid", POSTER_DOES, gives="bid"
    ),
    Mutation("shortlistBid(input: {bidId: $bid})", "bid", POSTER_DOES, gives="bid", repeatable=True),
    Mutation("unshortlistBid(input: {bidId: $bid})", "countered bid", POSTER_DOES, gives="bid", repeatable=True),
    Mutation(
        f"counterOffer(input: {{bidId: $bid, {LESS}, expectedVersion: $version}})",
        "countered bid", BIDDER_DOES, gives="bid",
    ),
    Mutation(
        "acceptOffer(input: {bidId: $bid, expectedVersion: $version})", "countered bid", BIDDER_DOES, gives="bid"
    ),
    Mutation(
        "declineOffer(input: {bidId: $bid, expectedVersion: $version})", "countered bid", BIDDER_DOES, gives="bid"
    ),
    Mutation(
        "inviteToBid(input: {taskId: $task, taskerId: $tasker})",
        "inviting task", signed_in(NOT_ALLOWED, owner=VALUE), gives="invitation",
    ),
    Mutation(
        "declineInvitation(input: {invitationId: $invitation})",
        "invitation", signed_in(NOT_FOUND, owner=NOT_ALLOWED, poster=NOT_ALLOWED, tasker=VALUE), gives="invitation",
    ),
    Mutation("acceptBid(input: {bidId: $bid, expectedVersion: 1})", "bid", POSTER_DOES, gives="bid"),
    user_error(
        "bid",
        'updateBid(input: {bidId: $bid, amount: {amount: "150.00", currency: USD}, message: ""})',
        signed_in(VALUE),
        bounds=BIDDER_IS_TOLD,
        allowed=BIDDER_IS_TOLD,
    ),
]  # fmt: skip
