"""Proving who one is, and the queue of those who check it."""

from shared.access import (
    ANEW,
    EMPTY,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    admins,
    connection,
    everybody,
    own_list,
    signed_in,
)

MINE = "myIdentityVerifications"
QUEUE = "identityVerifications(filter: {status: PENDING}, last: 30)"

DOCUMENT = "id documentType country lastFour documentExpiresOn status submittedAt version user"

SEEN = everybody(NULL, owner=VALUE, admin=VALUE)
LISTED = signed_in(EMPTY, owner=VALUE)
ADMINS = admins(VALUE)

ACCESS: list[Declaration] = [
    Object("identity document", "one that waits for an admin", owner="whose it is"),
    Object("queued document", "the same, as admins find it", owner="whose it is"),
    Object("checked documents", "one that was rejected and then one that was approved", owner="whose they are"),
    *own_list("IdentityVerification", DOCUMENT, "identity document", MINE),
    Type("IdentityVerification", "identity document", "", {
        DOCUMENT: SEEN,
        "otherAccounts": everybody(NULL, admin=VALUE),
    }),
    Type("IdentityVerification", "checked documents", "", {
        "decidedAt expiresAt": SEEN,
        # The last one was approved.
        "rejectionReason rejectionNote": everybody(NULL),
    }),
    Query(QUEUE, "queued document", ADMINS),
    Type("IdentityVerification", "identity document", f"{MINE}.nodes", {
        "otherAccounts": signed_in(EMPTY, owner=NULL),
    }),
    Type("IdentityVerification", "queued document", f"{QUEUE}.nodes", {
        f"{DOCUMENT} otherAccounts": ADMINS,
    }),
    Type("IdentityVerification", "checked documents", f"{MINE}.nodes", {
        "rejectionReason rejectionNote decidedAt expiresAt": LISTED,
    }),
    *connection("IdentityVerification", "queued document", QUEUE, ADMINS),
    Type("User", "checked documents", "user(id: $user)", {"badges": everybody(VALUE)}),
    Type("Badge", "checked documents", "user(id: $user).badges", {"kind awardedAt": everybody(VALUE)}),
    Mutation(
        'submitIdentityVerification(input: {documentType: PASSPORT, number: "AB1234567", idempotencyKey: "one"})',
        "account",
        signed_in(VALUE),
        gives="verification",
        repeatable=True,
    ),
    Mutation(
        "approveIdentityVerification(input: {verificationId: $verification, expectedVersion: 1})",
        "identity document",
        ADMINS,
        gives="verification",
    ),
    Mutation(
        "rejectIdentityVerification(input: {verificationId: $verification, expectedVersion: 1, "
        "reason: CANNOT_CONFIRM})",
        "identity document",
        ADMINS,
        gives="verification",
    ),
    Mutation(
        "revealIdentityDocument(input: {verificationId: $verification})",
        "identity document",
        ADMINS,
        gives="number fullName",
        repeatable=True,
        again=ANEW,
    ),
]  # fmt: skip
