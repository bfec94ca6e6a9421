"""Every mutation that strangers can call has a quota, and each field of a request that tries one counts."""

from typing import Any, cast

import pytest
from strawberry.federation.schema_directives import Authenticated
from strawberry.types.base import StrawberryObjectDefinition

from shared.graphql.quotas import Quota
from shared.graphql.schema import mutation
from subgraphs.users.schema import schema
from tests.users.conftest import OTHER_PASSWORD, Serve, Users, new_email, sign_up_input

ALIASES = 30
# For each of them the setting with its quota and an input that a stranger can send.
OPEN_TO_STRANGERS: dict[str, tuple[str, dict[str, Any]]] = {
    "signUp": ("sign_ups_per_address", sign_up_input(password="too easy")),
    "logIn": ("log_in_failures_per_address", {"email": new_email(), "password": "not the password"}),
    "completeLogIn": ("log_in_failures_per_address", {"challenge": "x" * 43, "code": "123456"}),
    "startOpenIdSignIn": ("openid_sign_ins_per_address", {"provider": "nobody"}),
    "completeOpenIdSignIn": (
        "openid_sign_ins_per_address",
        {"handle": "x" * 43, "code": "x", "state": "x", "roles": ["POSTER"]},
    ),
    "verifyEmail": ("mailed_codes_per_address", {"token": "x" * 43}),
    "requestPasswordReset": ("password_resets_per_address", {"email": new_email()}),
    "resetPassword": ("mailed_codes_per_address", {"token": "x" * 43, "newPassword": OTHER_PASSWORD}),
    "refreshSession": ("refresh_failures_per_address", {"refreshToken": "x" * 43}),
}


# Those that are counted for whoever is signed in.
OF_SIGNED_IN: dict[str, tuple[str, dict[str, Any]]] = {
    "changePassword": ("password_changes_per_account", {"currentPassword": "wrong", "newPassword": OTHER_PASSWORD}),
    "requestEmailVerification": ("email_verifications_per_account", {}),
    "exportMyData": ("exports_per_account", {"password": "wrong"}),
}


def open_mutations() -> set[str]:
    """The mutations without `@authenticated`."""
    fields = cast("StrawberryObjectDefinition", schema.get_type_by_name("Mutation")).fields
    name = schema.config.name_converter.get_graphql_name
    return {name(field) for field in fields if not any(isinstance(each, Authenticated) for each in field.directives)}


def test_every_mutation_that_strangers_can_call_is_in_the_table() -> None:
    assert open_mutations() == set(OPEN_TO_STRANGERS)


@pytest.mark.parametrize("name", OPEN_TO_STRANGERS)
async def test_each_alias_of_a_request_is_an_attempt(serve_users: Serve, name: str) -> None:
    setting, given = OPEN_TO_STRANGERS[name]
    async with serve_users(**{setting: "7/15 minutes"}) as users:
        # Non-null payloads: the first refusal empties the data, so the allowed ones are tried before.
        assert await codes(users, name, given, aliases=7) == []
        assert await codes(users, name, given, aliases=1) == ["RATE_LIMITED"]
        assert set(await codes(users, name, given, aliases=ALIASES)) == {"RATE_LIMITED"}
        assert await codes(users, name, given, aliases=7, address="203.0.113.2") == []
    async with serve_users(**{setting: "7/15 minutes"}) as users:
        refused = await codes(users, name, given, aliases=ALIASES, address="203.0.113.3")
        assert set(refused) == {"RATE_LIMITED"}
        assert await codes(users, name, given, aliases=1, address="203.0.113.3") == ["RATE_LIMITED"]


@pytest.mark.parametrize("name", OF_SIGNED_IN)
async def test_each_alias_of_somebody_signed_in_is_an_attempt_of_theirs(serve_users: Serve, name: str) -> None:
    setting, given = OF_SIGNED_IN[name]
    async with serve_users(**{setting: "7/15 minutes"}) as users:
        one, other = (await users.sign_up())["accessToken"], (await users.sign_up())["accessToken"]
        assert await codes(users, name, given, aliases=7, token=one) == []
        # From wherever: with a stolen session they could come from many addresses.
        assert await codes(users, name, given, aliases=1, address="203.0.113.2", token=one) == ["RATE_LIMITED"]
        assert set(await codes(users, name, given, aliases=ALIASES, token=one)) == {"RATE_LIMITED"}
        assert await codes(users, name, given, aliases=7, address="203.0.113.2", token=other) == []


async def codes(
    users: Users, name: str, given: dict[str, Any], aliases: int, address: str = "203.0.113.1", token: str | None = None
) -> list[str]:
    """The codes of the top-level errors of so many attempts in one request."""
    input_type = f"{name[0].upper()}{name[1:]}Input"
    fields = " ".join(f"a{number}: {name}(input: $input) {{ userErrors {{ code }} }}" for number in range(aliases))
    document = f"mutation($input: {input_type}!) {{ {fields} }}"
    answer = await users.execute(document, {"input": given}, address=address, token=token)
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


def test_a_quota_without_its_setting_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no such"):
        mutation(description="A mutation.", quotas=[Quota("x", "no such")])
