"""updateProfile."""

from typing import Any

import pytest

from tests.users.conftest import Users

FIELDS = "id displayName bio avatarUrl version"
UPDATE = (
    "mutation($input: UpdateProfileInput!)"
    f" {{ updateProfile(input: $input) {{ user {{ {FIELDS} }} userErrors {{ code field }} }} }}"
)


async def test_a_user_changes_their_profile_and_clears_it_again(users: Users) -> None:
    session = await users.sign_up()
    token, user_id = session["accessToken"], session["user"]["id"]
    changes = {
        "displayName": "  Somchai S. ",
        "bio": "Painter.\r\nTen years.",
        "avatarUrl": "https://img.example.com/a.png",
    }

    data = await users.act(UPDATE, token=token, input=changes)

    changed = {
        "id": user_id,
        "displayName": "Somchai S.",
        "bio": "Painter.\nTen years.",
        "avatarUrl": "https://img.example.com/a.png",
        "version": 2,
    }
    assert data == {"updateProfile": {"user": changed, "userErrors": []}}
    assert await users.bodies("users.user.profile_updated") == [
        {
            "user_id": user_id,
            "display_name": "Somchai S.",
            "bio": "Painter.\nTen years.",
            "avatar_url": "https://img.example.com/a.png",
        }
    ]

    data = await users.act(UPDATE, token=token, input={"bio": None, "avatarUrl": None, "expectedVersion": 2})
    assert data["updateProfile"]["user"] == changed | {"bio": None, "avatarUrl": None, "version": 3}


async def test_what_changes_nothing_leaves_no_trace(users: Users) -> None:
    session = await users.sign_up()
    before = await users.state()
    for given in ({}, {"displayName": "Somchai"}, {"bio": "  "}):
        data = await users.act(UPDATE, token=session["accessToken"], input=given)
        assert data["updateProfile"]["user"]["version"] == 1
    assert await users.state() == before


REFUSALS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no name": ({"displayName": None}, ["displayName"]),
    "blank name": ({"displayName": " "}, ["displayName"]),
    "name of two lines": ({"displayName": "a\nb"}, ["displayName"]),
    "long name": ({"displayName": "x" * 61}, ["displayName"]),
    "long bio": ({"bio": "x" * 1_001}, ["bio"]),
    "control character": ({"bio": "a\u0007b"}, ["bio"]),
    "avatar without TLS": ({"avatarUrl": "http://img.example.com/a.png"}, ["avatarUrl"]),
    "avatar inside": ({"avatarUrl": "https://169.254.169.254/latest/meta-data"}, ["avatarUrl"]),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_the_rules_forbid_is_refused_and_changes_nothing(users: Users, name: str) -> None:
    given, field = REFUSALS[name]
    session = await users.sign_up()
    before = await users.state()

    data = await users.act(UPDATE, token=session["accessToken"], input={"bio": "New"} | given)

    assert data == {"updateProfile": {"user": None, "userErrors": [{"code": "INVALID_INPUT", "field": field}]}}
    assert await users.state() == before


async def test_who_saw_an_older_version_is_shown_the_current_one(users: Users) -> None:
    session = await users.sign_up()
    token = session["accessToken"]
    await users.act(UPDATE, token=token, input={"displayName": "Second"})
    before = await users.state()

    data = await users.act(UPDATE, token=token, input={"displayName": "Third", "expectedVersion": 1})

    assert data == {
        "updateProfile": {
            "user": {
                "id": session["user"]["id"],
                "displayName": "Second",
                "bio": None,
                "avatarUrl": None,
                "version": 2,
            },
            "userErrors": [{"code": "VERSION_CONFLICT", "field": None}],
        }
    }
    assert await users.state() == before


async def test_nobody_without_a_session_changes_anything(users: Users) -> None:
    await users.sign_up()
    before = await users.state()
    answer = await users.execute(UPDATE, {"input": {"displayName": "Mallory"}})
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert await users.state() == before
