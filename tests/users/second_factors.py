"""What tests of the second factor begin with."""

from datetime import datetime, timedelta
from typing import Any

import pyotp

from shared import clock
from tests.users.conftest import ERRORS, PASSWORD, TOKENS, Users

ENABLE = f"mutation($input: EnableTotpInput!) {{ enableTotp(input: $input) {{ secret uri {ERRORS} }} }}"
CONFIRM = (
    f"mutation($input: ConfirmTotpInput!) {{ confirmTotp(input: $input) {{ recoveryCodes user {{ id }} {ERRORS} }} }}"
)
DISABLE = f"mutation($input: DisableTotpInput!) {{ disableTotp(input: $input) {{ user {{ id }} {ERRORS} }} }}"
REGENERATE = (
    "mutation($input: RegenerateRecoveryCodesInput!) "
    f"{{ regenerateRecoveryCodes(input: $input) {{ recoveryCodes user {{ id }} {ERRORS} }} }}"
)
REMOVE = (
    f"mutation($input: RemoveSecondFactorInput!) {{ removeSecondFactor(input: $input) {{ user {{ id }} {ERRORS} }} }}"
)
CHALLENGE = (
    f"mutation($input: LogInInput!) {{ logIn(input: $input) {{ {TOKENS} secondFactor {{ challenge expiresAt }} "
    f"{ERRORS} }} }}"
)
COMPLETE = f"mutation($input: CompleteLogInInput!) {{ completeLogIn(input: $input) {{ {TOKENS} {ERRORS} }} }}"
STATUS = "{ me { secondFactor { enabledAt recoveryCodesLeft } } }"

REFUSED = {
    "code": "INVALID_SECOND_FACTOR",
    "message": "The code is wrong or was used, or the login has expired; try the next code.",
    "field": None,
}
NO_RECOVERY_CODE = "00000-00000-00000-00000"


class Factor:
    """A person with an active second factor, and their authenticator app."""

    def __init__(self, email: str, session: dict[str, Any], secret: str, recovery_codes: list[str]) -> None:
        self.email, self.session, self.secret, self.recovery_codes = email, session, secret, recovery_codes

    @property
    def token(self) -> str:
        return str(self.session["accessToken"])

    def code(self, steps: int = 0) -> str:
        """The code that the app shows, or the one that it shows so many steps later."""
        return code_of(self.secret, clock.now() + timedelta(seconds=30 * steps))

    def wrong_code(self) -> str:
        """Six digits that pass neither now nor soon."""
        taken = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(100_000, 999_999)) if code not in taken)


def code_of(secret: str, moment: datetime) -> str:
    return pyotp.TOTP(secret).at(moment)


async def enable(users: Users, **changes: Any) -> Factor:
    """A new account whose second factor has been active for some minutes, and whose code is fresh again."""
    session = await users.sign_up(**changes)
    email = (await users.rows("SELECT email FROM users WHERE id = :id", id=session["user"]["id"]))[0][0]
    token = session["accessToken"]
    secret = (await users.act(ENABLE, token=token, input={"password": PASSWORD}))["enableTotp"]["secret"]
    with clock.offset(timedelta(minutes=-5)):
        code = code_of(secret, clock.now())
        answer = (await users.act(CONFIRM, token=token, input={"code": code}))["confirmTotp"]
    assert answer["userErrors"] == []
    return Factor(email, session, secret, answer["recoveryCodes"])


async def challenge(users: Users, email: str, password: str = PASSWORD) -> str:
    """The challenge of a login with the right password."""
    payload = (await users.act(CHALLENGE, input={"email": email, "password": password}))["logIn"]
    assert (payload["session"], payload["userErrors"]) == (None, [])
    return str(payload["secondFactor"]["challenge"])


async def complete(users: Users, challenge: str, code: str, address: str = "203.0.113.1") -> dict[str, Any] | str:
    """The payload of a completed login, or the code of its top-level error."""
    answer = await users.execute(COMPLETE, {"input": {"challenge": challenge, "code": code}}, address=address)
    if "errors" in answer:
        assert answer["data"] is None
        return str(answer["errors"][0]["extensions"]["code"])
    payload: dict[str, Any] = answer["data"]["completeLogIn"]
    return payload


def is_refused(payload: dict[str, Any] | str) -> bool:
    return payload == {"session": None, "userErrors": [REFUSED]}


def is_session(payload: dict[str, Any] | str) -> bool:
    return isinstance(payload, dict) and payload["session"] is not None and payload["userErrors"] == []
