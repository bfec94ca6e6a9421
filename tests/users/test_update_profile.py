"""updateProfile."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.conftest import AccessToken
from tests.users.conftest import Users

FIELDS = "id displayName bio avatarUrl version"
UPDATE = (
    "mutation($input: UpdateProfileInput!)"
    f" {{ updateProfile(input: $input) {{ user {{ {FIELDS} }} userErrors {{ code field }} }} }}"
)

SKILLS = (
    "mutation($input: SetSkillsInput!)"
    " { setSkills(input: $input) { user { skills bio version } userErrors { code field } } }"
)
PRIVATE = "query($id: ID!) { user(id: $id) { phone preferences { locale timeZone } } }"
UPDATED = "users.user.profile_updated"


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
            "skills": [],
            "locale": "EN",
            "time_zone": "UTC",
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


async def test_phone_and_preferences_are_for_oneself_and_admins(users: Users, access_token: AccessToken) -> None:
    session, other = await users.sign_up(), await users.sign_up()
    token, user_id = session["accessToken"], session["user"]["id"]
    admin = access_token(new_id("user"), roles=("ADMIN",), scope="marketplace admin")
    support = access_token(new_id("user"), roles=("SUPPORT",), scope="marketplace support")

    async def seen(viewer: str | None) -> tuple[Any, ...]:
        user = (await users.act(PRIVATE, token=viewer, id=user_id))["user"]
        return user["phone"], user["preferences"]

    assert await seen(token) == (None, {"locale": "EN", "timeZone": "UTC"})
    given = {"phone": " +66 (81) 234-5678 ", "locale": "TH", "timeZone": "Asia/Bangkok"}
    await users.act(UPDATE, token=token, input=given)

    private = ("+66812345678", {"locale": "TH", "timeZone": "Asia/Bangkok"})
    assert [await seen(viewer) for viewer in (token, admin)] == [private] * 2
    assert [await seen(viewer) for viewer in (None, other["accessToken"], support)] == [(None, None)] * 3

    # What an update leaves out stays, and null takes it back.
    await users.act(UPDATE, token=token, input={"bio": "Painter."})
    assert await seen(token) == private
    await users.act(UPDATE, token=token, input={"phone": None, "locale": None, "timeZone": None})
    assert await seen(token) == (None, {"locale": "EN", "timeZone": "UTC"})
    told = [(body["bio"], body["locale"], body["time_zone"]) for body in await users.bodies(UPDATED)]
    assert told == [(None, "TH", "Asia/Bangkok"), ("Painter.", "TH", "Asia/Bangkok"), ("Painter.", "EN", "UTC")]


async def test_nobody_is_told_of_a_phone_number(users: Users) -> None:
    session = await users.sign_up()
    data = await users.act(UPDATE, token=session["accessToken"], input={"phone": "+14155552671"})
    assert data["updateProfile"]["user"]["version"] == 2
    await users.act(UPDATE, token=session["accessToken"], input={"phone": "+14155552672", "bio": "Painter."})
    assert "141555526" not in str(await users.rows("SELECT body FROM outbox"))
    assert len(await users.bodies(UPDATED)) == 1


async def test_skills_are_cleaned_and_named_once(users: Users) -> None:
    session = await users.sign_up()
    token = session["accessToken"]
    await users.act(UPDATE, token=token, input={"bio": "Painter."})
    given = ["  Painting ", "PAINTING", "Straße  fegen", "strasse fegen", "ซ่อมท่อ", "C#"]

    data = await users.act(SKILLS, token=token, input={"skills": given})

    expected = {"skills": ["Painting", "Straße fegen", "ซ่อมท่อ", "C#"], "bio": "Painter.", "version": 3}
    assert data == {"setSkills": {"user": expected, "userErrors": []}}
    assert (await users.bodies(UPDATED))[-1]["skills"] == expected["skills"]
    await users.act(UPDATE, token=token, input={"displayName": "Tom"})
    public = await users.act("query($id: ID!) { user(id: $id) { skills } }", id=session["user"]["id"])
    assert public["user"]["skills"] == expected["skills"]

    data = await users.act(SKILLS, token=token, input={"skills": [], "expectedVersion": 4})
    assert data["setSkills"]["user"]["skills"] == []
    conflict = await users.act(SKILLS, token=token, input={"skills": ["C#"], "expectedVersion": 4})
    assert conflict["setSkills"] == {
        "user": {"skills": [], "bio": "Painter.", "version": 5},
        "userErrors": [{"code": "VERSION_CONFLICT", "field": None}],
    }


@pytest.mark.parametrize(
    ("skills", "field"),
    [
        (["Painting", "x"], ["skills", "1"]),
        (["x" * 41], ["skills", "0"]),
        (["x" * 100_000], ["skills", "0"]),
        ([" "], ["skills", "0"]),
        (["a\u0007b"], ["skills", "0"]),
        (["two\nlines"], ["skills", "0"]),
        ([f"Skill {number}" for number in range(21)], ["skills"]),
        (["Skill"] * 101, ["skills"]),
    ],
)
async def test_skills_that_are_none_are_refused(users: Users, skills: list[str], field: list[str]) -> None:
    session = await users.sign_up()
    before = await users.state()
    data = await users.act(SKILLS, token=session["accessToken"], input={"skills": skills})
    assert data == {"setSkills": {"user": None, "userErrors": [{"code": "INVALID_INPUT", "field": field}]}}
    assert await users.state() == before


async def test_twenty_skills_fit_also_when_one_is_named_twice(users: Users) -> None:
    session = await users.sign_up()
    skills = [f"Skill {number}" for number in range(20)]
    data = await users.act(SKILLS, token=session["accessToken"], input={"skills": [*skills, "SKILL 3"]})
    assert data["setSkills"]["user"]["skills"] == skills


REFUSALS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no name": ({"displayName": None}, ["displayName"]),
    "blank name": ({"displayName": " "}, ["displayName"]),
    "name of two lines": ({"displayName": "a\nb"}, ["displayName"]),
    "long name": ({"displayName": "x" * 61}, ["displayName"]),
    "long bio": ({"bio": "x" * 1_001}, ["bio"]),
    "phone without country": ({"phone": "0812345678"}, ["phone"]),
    "phone with letters": ({"phone": "+66 81 CALL ME"}, ["phone"]),
    "long phone": ({"phone": "+1234567890123456"}, ["phone"]),
    "endless phone": ({"phone": "+" + " " * 100_000}, ["phone"]),
    "foreign digits": ({"phone": "+٦٦٨١٢٣٤٥٦٧٨"}, ["phone"]),
    "no time zone": ({"timeZone": "Bangkok"}, ["timeZone"]),
    "path as time zone": ({"timeZone": "../etc/passwd"}, ["timeZone"]),
    "machine's time zone": ({"timeZone": "localtime"}, ["timeZone"]),
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
