"""Inputs of users that are wrong in every field. Who may fill one in is named by their token."""

from unittest.mock import ANY

from subgraphs.users import actions
from subgraphs.users.rules.mailed_codes import Purpose
from tests.support.wrong_inputs import Form, Given, Wrong
from tests.users.conftest import PASSWORD, Users

NOBODY = ""
_NEW_PASSWORD = Wrong("kX9!qz", "WEAK_PASSWORD", min="10", max="128")
_CREDENTIAL = "It is checked before all else, and told alone."


async def _stranger(users: Users) -> tuple[str, Given]:
    return NOBODY, {}


async def _person(users: Users) -> tuple[str, Given]:
    return (await users.sign_up())["accessToken"], {}


async def _who_knows_their_password(users: Users) -> tuple[str, Given]:
    token, _ = await _person(users)
    return token, {"currentPassword": PASSWORD}


async def _reader_of_a_mail(users: Users) -> tuple[str, Given]:
    user_id = (await users.sign_up())["user"]["id"]
    async with users.services.database.transaction() as session:
        return NOBODY, {"token": await actions.mailed_codes.issue(session, user_id, Purpose.RESET_PASSWORD)}


async def _owner_of_a_passport(users: Users) -> tuple[str, Given]:
    token, _ = await _person(users)
    return token, {"documentType": "PASSPORT"}


def _proof(*names: str) -> Form[Users]:
    return Form(_person, {}, dict.fromkeys(names, _CREDENTIAL))


FORMS: dict[str, Form[Users]] = {
    "signUp": Form(
        _stranger,
        {
            "email": Wrong("somchai", "INVALID_EMAIL"),
            "password": _NEW_PASSWORD,
            "displayName": Wrong(" ", min="1", max="60"),
            "roles": Wrong([], min="1", allowed=["POSTER", "TASKER"]),
        },
    ),
    "updateProfile": Form(
        _person,
        {
            "displayName": Wrong("x" * 61, min="1", max="60"),
            "bio": Wrong("x" * 1_001, max="1000"),
            "avatarUrl": Wrong("https://img.example.com/" + "x" * 2_000, max="2000"),
            "phone": Wrong("0812345678"),
            "timeZone": Wrong("Bangkok"),
        },
    ),
    "submitIdentityVerification": Form(
        _owner_of_a_passport,
        {
            "number": Wrong("AB12345678", min="6", max="9"),
            "country": Wrong("XX"),
            "fullName": Wrong("S", min="2", max="120"),
            # The least is today.
            "documentExpiresOn": Wrong("2020-01-01", min=ANY),
        },
    ),
    "changePassword": Form(
        _who_knows_their_password,
        {"newPassword": _NEW_PASSWORD},
        {"currentPassword": _CREDENTIAL},
    ),
    "resetPassword": Form(
        _reader_of_a_mail,
        {"newPassword": _NEW_PASSWORD},
        {"token": _CREDENTIAL},
    ),
    "logIn": _proof("email", "password"),
    "completeLogIn": _proof("challenge", "code"),
    "disableTotp": _proof("password", "code"),
    "regenerateRecoveryCodes": _proof("password", "code"),
    "exportMyData": _proof("password", "code"),
    "eraseMyAccount": _proof("password", "code"),
    "completeOpenIdSignIn": _proof("handle", "code", "state", "iss"),
    "linkOpenIdIdentity": _proof("handle", "code", "state", "iss", "password"),
}
