"""Reaching for what admins do, for other people's documents, and for a marketplace that one was shut out of."""

import pytest

from tests.abuse.accounts import (
    Names,
    call,
    challenged,
    erased,
    floods,
    kept,
    newcomer,
    rows,
    suspended,
    tries,
    until_refused,
    with_factor,
)
from tests.abuse.arena import Arena, Case, Given, Target
from tests.abuse.attacks import WAIT, operation, subscribe, talk
from tests.abuse.table import defended, everywhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NOBODY, NOT_HERE = "200 UNAUTHENTICATED", "200 FORBIDDEN"
ONESELF = "200 userErrors NOT_ALLOWED(userId)"
UNKNOWN_USER = "user_01jd0000000000000000000000"
UNKNOWN_CHECK = "verification_01jd0000000000000000000000"
LICENSE = {"documentType": "DRIVER_LICENSE", "number": "AB-123-456-78"}
QUEUE = "{ identityVerifications { nodes { lastFour user { id } } } }"
HASHED = {"users": 0.3}
LOST = "They lost their phone, and came with their passport."


def acts(expected: str, who: str, mutation: str, given: Given | None = None, **input: object) -> Case:
    return Case(tries(mutation, who, **input), expected, expected, at="users", given=given)


def asks(expected: str, who: str, query: str, given: Given | None = None, at: str = "users") -> Case:
    return Case(operation(query, who=who, shows=True), expected, expected, at=at, given=given)


def removes(expected: str, who: str, given: Given | None, **changes: object) -> Case:
    """A second factor that an admin removes; each attempt is another admin's, since few are allowed."""
    return acts(expected, who, "removeSecondFactor", given, **({"userId": "<victoria>", "reason": LOST} | changes))


def submits(expected: str, **changes: object) -> Case:
    """A document with changes to a good one; each attempt is another person's, since few are allowed."""
    return acts(expected, "mallory", "submitIdentityVerification", newcomer, **(LICENSE | changes))


def shut_out(expected: str, query: str, at: str) -> Case:
    """A query of somebody who was suspended."""
    return Case(operation(query, who="mallory"), expected, expected, at=at, given=kept(suspended))


async def submitted(target: Target) -> Names:
    """A newcomer whose document waits."""
    names = await newcomer(target)
    payload = await call(target.scene, "submitIdentityVerification", LICENSE, "verification { id }", names)
    return names | {"mallory check": payload["verification"]["id"]}


async def approved(target: Target) -> Names:
    names = await submitted(target)
    ada = {"ada token": target.scene["ada token"]}
    given = {"verificationId": names["mallory check"], "expectedVersion": 1}
    await call(target.scene, "approveIdentityVerification", given, "__typename", ada)
    return names


async def admins_own(target: Target) -> Names:
    """An admin whose own document waits."""
    names = await submitted(target)
    return names | await admin(target, names)


async def admin(target: Target, names: Names | None = None) -> Names:
    """A newcomer who was made an admin, signed in as one."""
    return await promoted(target, names or await newcomer(target), "ADMIN")


async def promoted(target: Target, names: Names, role: str) -> Names:
    """Somebody with one more role, signed in with it."""
    ada = {"ada token": target.scene["ada token"]}
    await call(target.scene, "grantRole", {"userId": names["mallory"], "role": role}, "__typename", ada)
    given = {"refreshToken": names["mallory refresh"]}
    session = (await call(target.scene, "refreshSession", given, "session { accessToken refreshToken }"))["session"]
    return names | {"mallory token": session["accessToken"], "mallory refresh": session["refreshToken"]}


async def supporter(target: Target) -> Names:
    """A newcomer who was made one of the support, signed in as such."""
    return await promoted(target, await newcomer(target), "SUPPORT")


async def former_admin(target: Target) -> Names:
    names = await admin(target)
    ada = {"ada token": target.scene["ada token"]}
    await call(target.scene, "revokeRole", {"userId": names["mallory"], "role": "ADMIN"}, "__typename", ada)
    await until_refused(target, names["mallory token"])
    return names


async def admin_by_token_alone(target: Target) -> Names:
    """An admin whose role was taken where no token is told of it: only the database knows."""
    names = await admin(target)
    await rows(target.scene, "UPDATE users SET roles = '{POSTER}' WHERE id = $1", names["mallory"])
    return names


async def former_admin_and_a_document(target: Target) -> Names:
    """The same, and somebody else's document."""
    check = (await submitted(target))["mallory check"]
    return await admin_by_token_alone(target) | {"victoria check": check}


async def guarded_supporter(target: Target) -> Names:
    """One of the support, and Victoria with a second factor."""
    return await with_factor(target, "victoria") | await supporter(target)


async def guarded(target: Target) -> Names:
    """A new admin, and Victoria with a second factor."""
    return await with_factor(target, "victoria") | await admin(target)


async def guarded_admin(target: Target) -> Names:
    """A new admin with a second factor."""
    return await admin(target, await with_factor(target))


async def guarded_from_a_former_admin(target: Target) -> Names:
    """An admin by their token alone, and Victoria with a second factor."""
    return await with_factor(target, "victoria") | await admin_by_token_alone(target)


async def removed(target: Target) -> Names:
    """A new admin, and Victoria, who had begun to log in when the admin removed her second factor."""
    names = await guarded(target)
    names |= await challenged(target, names, "victoria")
    mallory = {"mallory token": names["mallory token"]}
    given = {"userId": names["victoria"], "reason": LOST}
    await call(target.scene, "removeSecondFactor", given, "__typename", mallory)
    await until_refused(target, names["victoria token"])
    return names


async def admin_and_who_left(target: Target) -> Names:
    left = await erased(target)
    return {"victoria": left["mallory"]} | await admin(target)


CASES = {
    # --- admins' mutations, by everybody else ---
    "nobody suspends": acts(NOBODY, "", "suspendUser", userId="<tina>", reason="Because I can"),
    "a stranger suspends": acts(NOT_HERE, "tina", "suspendUser", userId="<paula>", reason="Because I can"),
    "a stranger reinstates": acts(NOT_HERE, "tina", "reinstateUser", userId="<paula>"),
    "a stranger reinstates themselves": acts(NOT_HERE, "tina", "reinstateUser", userId="<tina>"),
    "nobody gives a role": acts(NOBODY, "", "grantRole", userId="<tina>", role="ADMIN"),
    "a stranger makes themselves an admin": acts(NOT_HERE, "tina", "grantRole", userId="<tina>", role="ADMIN"),
    "a stranger gives a role": acts(NOT_HERE, "tina", "grantRole", userId="<tom>", role="SUPPORT"),
    "a stranger takes a role": acts(NOT_HERE, "tina", "revokeRole", userId="<ada>", role="ADMIN"),
    "a stranger lists accounts": asks(NOT_HERE, "tina", "{ users { nodes { id email } } }"),
    "a stranger looks an address up": asks(
        NOT_HERE, "tina", '{ users(filter: { email: "<paula email>" }) { nodes { id } } }'
    ),
    "nobody lists accounts": asks(NOBODY, "", "{ users { nodes { id email } } }"),
    # --- admins, on themselves and beyond ---
    "an admin suspends themselves": acts(ONESELF, "ada", "suspendUser", userId="<ada>", reason="A day off"),
    "an admin reinstates themselves": acts(ONESELF, "ada", "reinstateUser", userId="<ada>"),
    "an admin gives themselves a role": acts(ONESELF, "ada", "grantRole", userId="<ada>", role="SUPPORT"),
    "an admin takes their own role": acts(ONESELF, "ada", "revokeRole", userId="<ada>", role="ADMIN"),
    "an admin suspends who is not there": acts(
        "200 userErrors NOT_FOUND(userId)", "ada", "suspendUser", userId=UNKNOWN_USER, reason="Because I can"
    ),
    "an admin suspends who left": acts(
        "200 userErrors NOT_FOUND(userId)", "ada", "suspendUser", kept(erased), userId="<mallory>", reason="Too late"
    ),
    "an admin suspends twice": acts(
        "200 ok", "ada", "suspendUser", kept(suspended), userId="<mallory>", reason="Again"
    ),
    "an admin reinstates who is free": acts(
        "200 userErrors INVALID_TRANSITION", "ada", "reinstateUser", userId="<tina>"
    ),
    "an admin suspends without a reason": acts(
        "200 userErrors INVALID_INPUT(reason)", "ada", "suspendUser", userId="<tina>", reason=""
    ),
    "an admin suspends for 900,000 letters": acts(
        "200 userErrors INVALID_INPUT(reason)", "ada", "suspendUser", userId="<tina>", reason="a" * 900_000
    ),
    "an admin gives a role that is not there": Case(
        tries("grantRole", "ada", userId="<tina>", role="ROOT"),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
        at="users",
    ),
    "a former admin lists accounts": asks(
        NOBODY, "mallory", "{ users { nodes { id email } } }", kept(former_admin)
    ),
    "a former admin suspends, by a token that is alive": acts(
        NOT_HERE, "mallory", "suspendUser", kept(admin_by_token_alone), userId="<tina>", reason="Because I could"
    ),
    "a former admin gives a role, by a token that is alive": acts(
        NOT_HERE, "mallory", "grantRole", kept(admin_by_token_alone), userId="<tina>", role="ADMIN"
    ),
    # --- second factors of others ---
    "nobody removes a second factor": removes(NOBODY, "", kept(guarded)),
    "a stranger removes a second factor": removes(NOT_HERE, "tina", kept(guarded)),
    "support removes a second factor": removes(NOT_HERE, "mallory", kept(guarded_supporter)),
    "an owner without a code removes their second factor": removes(
        NOT_HERE, "mallory", kept(with_factor), userId="<mallory>"
    ),
    "an admin without a code removes their own": removes(ONESELF, "mallory", guarded_admin, userId="<mallory>"),
    "an admin removes a second factor twice": removes("200 userErrors NOT_FOUND", "mallory", removed),
    "an admin removes the second factor of who has none": removes(
        "200 userErrors NOT_FOUND", "mallory", admin, userId="<tina>"
    ),
    "an admin removes the second factor of who left": removes(
        "200 userErrors NOT_FOUND(userId)", "mallory", admin_and_who_left
    ),
    "an admin removes the second factor of who is not there": removes(
        "200 userErrors NOT_FOUND(userId)", "mallory", admin, userId=UNKNOWN_USER
    ),
    "an admin removes the second factor of a task": removes("200 INVALID_ID", "mallory", admin, userId="<task>"),
    "an admin removes a second factor without a reason": removes(
        "200 userErrors INVALID_INPUT(reason)", "mallory", guarded, reason=" "
    ),
    "an admin removes a second factor for 900,000 letters": removes(
        "200 userErrors INVALID_INPUT(reason)", "mallory", guarded, reason="a" * 900_000
    ),
    "a former admin removes a second factor, by a token that is alive": removes(
        NOT_HERE, "mallory", guarded_from_a_former_admin
    ),
    "thirty removals in one request": Case(
        floods("removeSecondFactor", 30, "mallory", userId="<victoria>", reason=LOST),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=guarded,
        once=True,
    ),
    "a device from before a second factor was removed": asks(NOBODY, "victoria", "{ me { id } }", kept(removed)),
    "a login from before a second factor was removed": acts(
        "200 userErrors INVALID_SECOND_FACTOR", "", "completeLogIn", kept(removed),
        challenge="<victoria challenge>", code="<victoria recovery code>",
    ),
    # --- who was shut out ---
    "a suspended token at users": shut_out(NOBODY, "{ me { id } }", "users"),
    "a suspended token at tasks": shut_out(NOBODY, "{ myTasks(as: POSTER) { nodes { id } } }", "tasks"),
    "a suspended token at bids": shut_out(NOBODY, "{ myBids { nodes { id } } }", "bids"),
    "a suspended token at notifications": shut_out(NOBODY, "{ unreadCount }", "notifications"),
    "a suspended token for what everybody reads": shut_out(NOBODY, "{ categories { id } }", "tasks"),
    "a suspended token subscribes": Case(
        talk(
            {"type": "connection_init", "payload": {"authorization": "Bearer <mallory token>"}},
            WAIT,
            subscribe("subscription { notificationEvents(after: 0) { seq } }"),
            init=None,
        ),
        "error UNAUTHENTICATED",
        "next UNAUTHENTICATED",
        at="notifications",
        given=kept(suspended),
    ),
    "a suspended login": Case(
        tries("logIn", email="<mallory email>", password="<mallory password>"),
        "200 userErrors ACCOUNT_SUSPENDED",
        "200 userErrors ACCOUNT_SUSPENDED",
        at="users",
        cpu=HASHED,
        given=kept(suspended),
    ),
    "a suspended login with a guess": Case(
        tries("logIn", email="<mallory email>", password="a guess"),
        "200 userErrors INVALID_CREDENTIALS",
        "200 userErrors INVALID_CREDENTIALS",
        at="users",
        cpu=HASHED,
        given=suspended,
    ),
    "a suspended refresh": acts(
        "200 userErrors SESSION_EXPIRED", "", "refreshSession", kept(suspended), refreshToken="<mallory refresh>"
    ),
    "a suspended report": acts(
        NOBODY, "mallory", "reportUser", kept(suspended), userId="<ada>", reason="OTHER", text="They shut me out."
    ),
    # --- reports ---
    "nobody reports": acts(NOBODY, "", "reportUser", userId="<tina>", reason="SPAM", text="They advertise a lot."),
    "a report of oneself": acts(
        ONESELF, "mallory", "reportUser", newcomer, userId="<mallory>", reason="OTHER", text="Do look at me."
    ),
    "a report of who is not there": acts(
        "200 userErrors NOT_FOUND(userId)", "mallory", "reportUser", newcomer,
        userId=UNKNOWN_USER, reason="SPAM", text="They advertise a lot.",
    ),
    "a report of a task": acts(
        "200 INVALID_ID", "mallory", "reportUser", newcomer, userId="<task>", reason="SPAM", text="They advertise it."
    ),
    "a report of nine letters": acts(
        "200 userErrors INVALID_INPUT(text)", "mallory", "reportUser", newcomer,
        userId="<tina>", reason="SPAM", text="It is bad",
    ),
    "a report of 2,001 letters": acts(
        "200 userErrors INVALID_INPUT(text)", "mallory", "reportUser", newcomer,
        userId="<tina>", reason="SPAM", text="a" * 2_001,
    ),
    "a report of 900,000 letters": acts(
        "200 userErrors INVALID_INPUT(text)", "mallory", "reportUser", newcomer,
        userId="<tina>", reason="SPAM", text="a" * 900_000,
    ),
    "a report that reads from the right": acts(
        "200 userErrors INVALID_INPUT(text)", "mallory", "reportUser", newcomer,
        userId="<tina>", reason="SPAM", text="They advertise \u202etol a",
    ),
    "thirty reports in one request": Case(
        floods("reportUser", 30, "mallory", userId="<tina>", reason="SPAM", text="They advertise a lot."),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=newcomer,
        once=True,
    ),
    "a stranger blocks themselves": acts(ONESELF, "tina", "blockUser", userId="<tina>"),
    "nobody blocks": acts(NOBODY, "", "blockUser", userId="<tina>"),
    # --- identity documents ---
    "nobody submits a document": acts(NOBODY, "", "submitIdentityVerification", **LICENSE),
    "a number of five letters": submits("200 userErrors INVALID_INPUT(number)", number="A1234"),
    "a number of 900,000 digits": submits("200 userErrors INVALID_INPUT(number)", number="1" * 900_000),
    "a number that is one digit": submits("200 userErrors INVALID_INPUT(number)", number="11111111"),
    "a number in digits of another script": submits("200 userErrors INVALID_INPUT(number)", number="١٢٣٤٥٦٧٨"),
    "SQL for a number": submits("200 userErrors INVALID_INPUT(number)", number="1'; DROP TABLE users"),
    "a Thai number that is none": submits(
        "200 userErrors INVALID_INPUT(number)", documentType="NATIONAL_ID", country="TH", number="1234567890122"
    ),
    "a country that is not there": submits("200 userErrors INVALID_INPUT(country)", country="XX"),
    "a document that has run out": submits(
        "200 userErrors INVALID_INPUT(documentExpiresOn)", documentExpiresOn="2020-01-01"
    ),
    "a document of a person of one letter": submits("200 userErrors INVALID_INPUT(fullName)", fullName="x"),
    "a document while one waits": acts(
        "200 userErrors INVALID_TRANSITION", "mallory", "submitIdentityVerification", submitted, **LICENSE
    ),
    "a document while one is approved": acts(
        "200 userErrors INVALID_TRANSITION", "mallory", "submitIdentityVerification", approved, **LICENSE
    ),
    "thirty documents in one request": Case(
        floods("submitIdentityVerification", 30, "mallory", **LICENSE),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=newcomer,
        once=True,
    ),
    "nobody reads the queue": asks(NOBODY, "", QUEUE),
    "a stranger reads the queue": asks(NOT_HERE, "tina", QUEUE),
    "a stranger reads their own documents": asks(
        '200 {"myIdentityVerifications":{"nodes":[]}}',
        "tina",
        "{ myIdentityVerifications { nodes { lastFour } } }",
        kept(submitted),
    ),
    "an owner asks who else has their document": asks(
        '200 {"myIdentityVerifications":{"nodes":[{"lastFour":"5678","otherAccounts":null}]}}',
        "mallory",
        "{ myIdentityVerifications { nodes { lastFour otherAccounts } } }",
        kept(submitted),
    ),
    "a stranger reveals a document": acts(
        NOT_HERE, "tina", "revealIdentityDocument", kept(submitted), verificationId="<mallory check>"
    ),
    "an owner reveals their own document": acts(
        NOT_HERE, "mallory", "revealIdentityDocument", kept(submitted), verificationId="<mallory check>"
    ),
    "an owner approves their own document": acts(
        NOT_HERE, "mallory", "approveIdentityVerification", kept(submitted),
        verificationId="<mallory check>", expectedVersion=1,
    ),
    "a stranger rejects a document": acts(
        NOT_HERE, "tina", "rejectIdentityVerification", kept(submitted),
        verificationId="<mallory check>", reason="CANNOT_CONFIRM", expectedVersion=1,
    ),
    "nobody reveals a document": acts(
        NOBODY, "", "revealIdentityDocument", kept(submitted), verificationId="<mallory check>"
    ),
    "an admin approves their own document": acts(
        "200 userErrors NOT_ALLOWED(verificationId)", "mallory", "approveIdentityVerification", kept(admins_own),
        verificationId="<mallory check>", expectedVersion=1,
    ),
    "an admin reveals their own document": acts(
        "200 userErrors NOT_ALLOWED(verificationId)", "mallory", "revealIdentityDocument", kept(admins_own),
        verificationId="<mallory check>",
    ),
    "an admin approves what changed meanwhile": acts(
        "200 userErrors VERSION_CONFLICT", "ada", "approveIdentityVerification", kept(submitted),
        verificationId="<mallory check>", expectedVersion=7,
    ),
    "an admin approves twice": acts(
        "200 ok", "ada", "approveIdentityVerification", kept(approved),
        verificationId="<mallory check>", expectedVersion=2,
    ),
    "an admin reveals what is not there": acts(
        "200 userErrors NOT_FOUND(verificationId)", "walter", "revealIdentityDocument", verificationId=UNKNOWN_CHECK
    ),
    "a former admin reveals, by a token that is alive": acts(
        NOT_HERE, "mallory", "revealIdentityDocument", kept(former_admin_and_a_document),
        verificationId="<victoria check>",
    ),
}  # fmt: skip


@everywhere(CASES, share=1 / 2)
async def test_nobody_administers_who_is_no_admin(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
