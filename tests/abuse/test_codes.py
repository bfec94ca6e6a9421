"""Codes out of mails, and passwords that somebody else would like to set."""

import pytest

from tests.abuse.accounts import (
    RESET,
    VERIFY,
    Names,
    at_once,
    call,
    code_mailed_to,
    erased,
    floods,
    from_one_address,
    kept,
    newcomer,
    rows,
    sha256,
    tries,
    with_code,
    with_reset,
)  # fmt: skip
from tests.abuse.arena import EDGE_CPU_SECONDS, ROUTER_CPU_SECONDS, SUBGRAPH_CPU_SECONDS, Arena, Case, Given, Target
from tests.abuse.attacks import operation
from tests.abuse.table import defended, everywhere
from tests.e2e.people import eventually, new_password

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NO_CODE = "200 userErrors INVALID_TOKEN(token)"
# A hash of Argon2, as slow as it is meant to be, or two: of the present password and of the new one.
HASHED, HASHED_TWICE = {"users": 0.3}, {"users": 0.6}
GUESS = "A" * 43
# Ten times what one may take.
TEN_REQUESTS = {
    "users": 10 * SUBGRAPH_CPU_SECONDS,
    "edge": 10 * EDGE_CPU_SECONDS,
    **{router: 10 * bound for router, bound in ROUTER_CPU_SECONDS.items()},
}


def verifies(expected: str, token: object, given: Given | None = None) -> Case:
    """An address verified with this code."""
    return Case(tries("verifyEmail", token=token), expected, expected, at="users", given=given)


def resets(expected: str, token: object, given: Given | None = None, new: str = "<new password>") -> Case:
    """A new password set with this code."""
    attack = tries("resetPassword", token=token, newPassword=new)
    return Case(attack, expected, expected, at="users", cpu=HASHED, given=given)


def changes(expected: str, *, who: str = "mallory", new: str = "<new password>", current: str = "a guess") -> Case:
    """A password changed; each attempt is another person's, since few are allowed."""
    attack = tries("changePassword", who, currentPassword=current, newPassword=new)
    return Case(attack, expected, expected, at="users", cpu=HASHED_TWICE, given=newcomer if who else None)


# --- codes that hold no more ---


async def verified(target: Target) -> Names:
    names = await with_code(target)
    await call(target.scene, "verifyEmail", {"token": names["mallory code"]}, "__typename")
    return names


async def verified_late(target: Target) -> Names:
    names = await with_code(target)
    await rows(target.scene, "UPDATE mailed_codes SET expires_at = now() WHERE user_id = $1", names["mallory"])
    return names


async def asked_for_another(target: Target) -> Names:
    names = await with_code(target)
    await call(target.scene, "requestEmailVerification", {}, "__typename", names)
    old = names["mallory code"]

    async def replaced() -> bool:
        return await code_mailed_to(target.scene, names["mallory email"], VERIFY) != old

    await eventually(replaced, 30)
    return names


async def reset(target: Target) -> Names:
    names = await with_reset(target)
    given = {"token": names["mallory reset"], "newPassword": new_password()}
    await call(target.scene, "resetPassword", given, "__typename")
    return names


async def reset_late(target: Target) -> Names:
    names = await with_reset(target)
    await rows(target.scene, "UPDATE mailed_codes SET expires_at = now() WHERE user_id = $1", names["mallory"])
    return names


async def reset_asked_for_twice(target: Target) -> Names:
    names = await with_reset(target)
    await call(target.scene, "requestPasswordReset", {"email": names["mallory email"]}, "__typename")
    old = names["mallory reset"]

    async def replaced() -> bool:
        return await code_mailed_to(target.scene, names["mallory email"], RESET) != old

    await eventually(replaced, 30)
    return names


async def changed(target: Target) -> Names:
    """Somebody who asked for a reset, then remembered the password and changed it."""
    names = await with_reset(target)
    given = {"currentPassword": names["mallory password"], "newPassword": new_password()}
    await call(target.scene, "changePassword", given, "__typename", names)
    return names


async def changed_elsewhere(target: Target) -> Names:
    """Somebody whose other device changed the password; the names are those of the first device."""
    names = await newcomer(target)
    given = {"email": names["mallory email"], "password": names["mallory password"]}
    session = (await call(target.scene, "logIn", given, "session { accessToken }"))["session"]
    new = {"currentPassword": names["mallory password"], "newPassword": new_password()}
    await call(target.scene, "changePassword", new, "__typename", {"other token": session["accessToken"]})
    return names


async def left_with_a_code(target: Target) -> Names:
    names = await with_code(target)
    await call(target.scene, "eraseMyAccount", {"password": names["mallory password"]}, "__typename", names)
    return names


async def left_with_a_reset(target: Target) -> Names:
    names = await with_reset(target)
    await call(target.scene, "eraseMyAccount", {"password": names["mallory password"]}, "__typename", names)
    return names


async def shut_out_with_a_code(target: Target) -> Names:
    names = await with_code(target)
    ada = {"ada token": target.scene["ada token"]}
    await call(target.scene, "suspendUser", {"userId": names["mallory"], "reason": "Spam"}, "__typename", ada)
    return names


async def hash_of_a_code(target: Target) -> Names:
    """What a thief of the database reads."""
    names = await with_code(target)
    [row] = await rows(target.scene, "SELECT code_hash FROM mailed_codes WHERE user_id = $1", names["mallory"])
    assert row["code_hash"] == sha256(names["mallory code"])
    return names | {"mallory hash": row["code_hash"].hex()}


# --- attacks of more than one request ---


async def resets_with_the_own_code(target: Target) -> str:
    """Mallory's code; whom it names is nowhere in the request, and Tina's password is still hers."""
    own = await tries("resetPassword", token="<mallory reset>", newPassword="<new password>")(target)
    tina = await tries("logIn", email="<tina email>", password="<tina password>")(target)
    return f"{own}, Tina {tina}"


async def compares_known_and_unknown(target: Target) -> str:
    """Whether a reset is answered differently for an account that is there."""
    texts = []
    for email in ("<tina email>", "nobody-at-all@example.com"):
        await tries("requestPasswordReset", email=email)(target)
        texts.append(target.said[-1])
    return "the same" if texts[0] == texts[1] else f"{texts}"


async def fills_a_mailbox(target: Target) -> str:
    """Thirty wishes for a reset; how many mails they come to once none waits."""
    answer = await floods("requestPasswordReset", 30, email="<mallory email>")(target)

    async def sent() -> bool:
        waiting = "SELECT 1 FROM mails WHERE user_id IS NULL OR user_id = $1"
        return not await rows(target.scene, waiting, target.scene["mallory"])

    await eventually(sent, 60)
    mails = [mail for mail in target.scene.mails(target.scene["mallory email"]) if mail.subject == RESET]
    return f"{answer}, {len(mails)} mails"


CASES = {
    # --- verifying an address ---
    "no code": verifies(NO_CODE, ""),
    "a code that was guessed": verifies(NO_CODE, GUESS),
    "a code of 900,000 letters": verifies(NO_CODE, "A" * 900_000),
    "a code that is an object": Case(
        tries("verifyEmail", token={"$ne": ""}),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
        at="users",
    ),
    "SQL for a code": verifies(NO_CODE, "' OR '1'='1"),
    "an access token for a code": verifies(NO_CODE, "<tina token>"),
    "a refresh token for a code": verifies(NO_CODE, "<tina refresh>"),
    "an account's id for a code": verifies(NO_CODE, "<tina>"),
    "the hash of a code": verifies(NO_CODE, "<mallory hash>", kept(hash_of_a_code)),
    "a code that was used": verifies(NO_CODE, "<mallory code>", kept(verified)),
    "a code of yesterday": verifies(NO_CODE, "<mallory code>", kept(verified_late)),
    "a code in whose place a newer one came": verifies(NO_CODE, "<mallory code>", kept(asked_for_another)),
    "a code for another purpose": verifies(NO_CODE, "<mallory reset>", kept(with_reset)),
    "a code of somebody who left": verifies(NO_CODE, "<mallory code>", kept(left_with_a_code)),
    "a code of somebody who was shut out": verifies(
        "200 userErrors INVALID_TRANSITION", "<mallory code>", kept(shut_out_with_a_code)
    ),
    "one code by ten at once": Case(
        at_once(tries("verifyEmail", token="<mallory code>")),
        f"1 of 10, else {NO_CODE}",
        f"1 of 10, else {NO_CODE}",
        at="users",
        given=with_code,
        cpu=TEN_REQUESTS,
    ),
    "120 codes from one address": Case(
        from_one_address("verifyEmail", "127.250.1.1", 4, token=GUESS),
        "200 userErrors INVALID_TOKEN, then 200 RATE_LIMITED",
        at="users",
        once=True,
    ),
    "nobody asks for a mail": Case(
        tries("requestEmailVerification"), "200 UNAUTHENTICATED", "200 UNAUTHENTICATED", at="users"
    ),
    "thirty mails in one request": Case(
        floods("requestEmailVerification", 30, "mallory"),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=newcomer,
        once=True,
    ),
    # --- a new password instead of a forgotten one ---
    "no code for a new password": resets(NO_CODE, ""),
    "a guessed code for a new password": resets(NO_CODE, GUESS),
    "a code for a new password of 900,000 letters": resets(NO_CODE, "A" * 900_000),
    "a code for a new password that was used": resets(NO_CODE, "<mallory reset>", kept(reset)),
    "a code for a new password of an hour ago": resets(NO_CODE, "<mallory reset>", kept(reset_late)),
    "a code for a new password in whose place a newer one came": resets(
        NO_CODE, "<mallory reset>", kept(reset_asked_for_twice)
    ),
    "a code for a new password from before the last one": resets(NO_CODE, "<mallory reset>", kept(changed)),
    "a code that verifies an address, for a new password": resets(NO_CODE, "<mallory code>", kept(with_code)),
    "a code for a new password of somebody who left": resets(NO_CODE, "<mallory reset>", kept(left_with_a_reset)),
    "a weak password by a code": resets(
        "200 userErrors WEAK_PASSWORD(newPassword)", "<mallory reset>", kept(with_reset), new="password123"
    ),
    "a password of 900,000 letters by a code": resets(
        "200 userErrors WEAK_PASSWORD(newPassword)", "<mallory reset>", kept(with_reset), new="a1!" * 300_000
    ),
    "the own code, for somebody else": Case(
        resets_with_the_own_code, "200 ok, Tina 200 ok", at="users", given=with_reset, cpu=HASHED_TWICE
    ),
    "one code for a new password by ten at once": Case(
        at_once(tries("resetPassword", token="<mallory reset>", newPassword="<new password>")),
        f"1 of 10, else {NO_CODE}",
        at="users",
        given=with_reset,
        once=True,
    ),
    "120 codes for a new password from one address": Case(
        from_one_address("resetPassword", "127.250.1.2", 4, token=GUESS, newPassword="<new password>"),
        "200 userErrors INVALID_TOKEN, then 200 RATE_LIMITED",
        at="users",
        once=True,
    ),
    "a session from before a new password": Case(
        operation("{ me { id } }", who="mallory"),
        "200 UNAUTHENTICATED",
        "200 UNAUTHENTICATED",
        at="users",
        given=kept(reset),
    ),
    "a refresh token from before a new password": Case(
        tries("refreshSession", refreshToken="<mallory refresh>"),
        "200 userErrors SESSION_EXPIRED",
        "200 userErrors SESSION_EXPIRED",
        at="users",
        given=kept(reset),
    ),
    "the old password after a new one": Case(
        tries("logIn", email="<mallory email>", password="<mallory password>"),
        "200 userErrors INVALID_CREDENTIALS",
        at="users",
        cpu=HASHED,
        given=kept(reset),
    ),
    # --- finding out and pestering by resets ---
    "a reset for a known and an unknown account": Case(compares_known_and_unknown, "the same", at="users"),
    "a reset for what is no address": Case(
        tries("requestPasswordReset", email="tina"),
        "200 userErrors INVALID_EMAIL(email)",
        "200 userErrors INVALID_EMAIL(email)",
        at="users",
    ),
    "a reset for two addresses": Case(
        tries("requestPasswordReset", email="<tina email>\r\nBcc: mallory@example.com"),
        "200 userErrors INVALID_EMAIL(email)",
        "200 userErrors INVALID_EMAIL(email)",
        at="users",
    ),
    "a reset for an address of 900,000 letters": Case(
        tries("requestPasswordReset", email="a" * 900_000 + "@example.com"),
        "200 userErrors INVALID_EMAIL(email)",
        "200 userErrors INVALID_EMAIL(email)",
        at="users",
    ),
    "thirty resets of one account": Case(fills_a_mailbox, "200 ok, 5 mails", at="users", given=newcomer, once=True),
    # --- a new password instead of the present one ---
    "nobody changes a password": changes("200 UNAUTHENTICATED", who=""),
    "a password changed with a guess": changes("200 userErrors INVALID_CREDENTIALS(currentPassword)"),
    "a password changed without the present one": changes(
        "200 userErrors INVALID_CREDENTIALS(currentPassword)", current=""
    ),
    "a password changed with somebody else's": changes(
        "200 userErrors INVALID_CREDENTIALS(currentPassword)", current="<tina password>"
    ),
    "a password changed to a weak one": changes(
        "200 userErrors WEAK_PASSWORD(newPassword)", current="<mallory password>", new="qwertyuiop"
    ),
    "a password changed to one of 900,000 letters": changes(
        "200 userErrors WEAK_PASSWORD(newPassword)", current="<mallory password>", new="a1!" * 300_000
    ),
    "thirty guesses at the present password": Case(
        floods("changePassword", 30, "mallory", currentPassword="a guess", newPassword="<new password>"),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=newcomer,
        once=True,
    ),
    "another device after a password was changed": Case(
        operation("{ me { id } }", who="mallory"),
        "200 UNAUTHENTICATED",
        "200 UNAUTHENTICATED",
        at="users",
        given=kept(changed_elsewhere),
    ),
    "a password of somebody who left": Case(
        tries("logIn", email="<mallory email>", password="<mallory password>"),
        "200 userErrors INVALID_CREDENTIALS",
        at="users",
        cpu=HASHED,
        given=kept(erased),
    ),
}


@everywhere(CASES, share=1 / 2)
async def test_no_code_and_no_guess_sets_what_is_not_ones_own(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
