"""What is wrong with a form of users is said all at once, and never whether there is an account."""

from typing import Any

import pytest

from shared import clock
from shared.ids import new_id
from subgraphs.users import credentials
from tests.support.wrong_inputs import document
from tests.users.conftest import PASSWORD, Users, new_email, sign_up_input
from tests.users.forms import FORMS
from tests.users.second_factors import enable
from tests.users.test_administration import an_admin

FILLED_IN = [name for name, form in FORMS.items() if form.wrong]


def answers(data: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """Code and field of every user error."""
    (payload,) = data.values()
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


@pytest.mark.parametrize("mutation", FILLED_IN)
async def test_every_wrong_field_is_told_at_once(users: Users, mutation: str) -> None:
    form = FORMS[mutation]
    token, given = await form.prepare(users)
    before = await users.state()

    data = await users.act(document(mutation), token=token or None, input=form.input(given))

    assert data == {mutation: {"userErrors": form.errors()}}
    assert await users.state() == before


async def test_every_wrong_skill_is_told_and_how_many_there_may_be(users: Users) -> None:
    token = (await users.sign_up())["accessToken"]
    for skills, expected in (
        (["?", "Painting", "x" * 41, "x" * 100], [(["skills", place], "2", "40") for place in "023"]),
        ([f"Skill {number}" for number in range(21)], [(["skills"], None, "20")]),
        (["?"] * 101, [(["skills"], None, "20")]),
    ):
        data = await users.act(document("setSkills"), token=token, input={"skills": skills})
        errors = data["setSkills"]["userErrors"]
        assert [(error["field"], error["min"], error["max"]) for error in errors] == expected


@pytest.mark.parametrize(
    ("given", "field", "least", "most"),
    [
        ({"documentType": "NATIONAL_ID", "country": "TH", "number": "12345678"}, "number", "13", "13"),
        ({"documentType": "DRIVER_LICENSE", "number": "1" * 21}, "number", "6", "20"),
        # Of the right length, and yet none.
        ({"documentType": "NATIONAL_ID", "country": "TH", "number": "1234567890122"}, "number", None, None),
    ],
)
async def test_how_long_a_number_is_depends_on_the_document(
    users: Users, given: dict[str, Any], field: str, least: str | None, most: str | None
) -> None:
    token = (await users.sign_up())["accessToken"]
    data = await users.act(document("submitIdentityVerification"), token=token, input=given)
    [error] = data["submitIdentityVerification"]["userErrors"]
    assert (error["field"], error["min"], error["max"]) == ([field], least, most)


async def test_the_first_day_of_a_document_that_is_valid_is_today(users: Users) -> None:
    token = (await users.sign_up())["accessToken"]
    given = {"documentType": "PASSPORT", "number": "AB1234567", "documentExpiresOn": "2020-01-01"}
    before = clock.now().date()
    data = await users.act(document("submitIdentityVerification"), token=token, input=given)
    [error] = data["submitIdentityVerification"]["userErrors"]
    assert error["min"] in {before.isoformat(), clock.now().date().isoformat()}


async def test_an_address_says_what_is_wrong_with_its_length_only_if_that_is_it(users: Users) -> None:
    for email, most in (("somchai", None), (f"{'x' * 250}@example.com", "254")):
        data = await users.act(document("requestPasswordReset"), input={"email": email})
        [error] = data["requestPasswordReset"]["userErrors"]
        assert (error["code"], error["field"], error["max"]) == ("INVALID_EMAIL", ["email"], most)


async def test_a_form_that_is_wrong_tells_of_no_account_and_costs_no_guess(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = new_email()
    await users.sign_up(email=known)
    worked: list[str] = []
    judge, hash_password = credentials._score, credentials.hash_password

    def judged(*args: Any) -> int:
        worked.append("judged")
        return judge(*args)

    async def hashed(*args: Any) -> str:
        worked.append("hashed")
        return await hash_password(*args)

    monkeypatch.setattr(credentials, "_score", judged)
    monkeypatch.setattr(credentials, "hash_password", hashed)
    before = await users.state()

    for wrong, expected in (
        # The password is easily guessed, which is told when nothing else is wrong.
        ({"displayName": "", "password": "password1234"}, [("INVALID_INPUT", ["displayName"])]),
        ({"roles": ["ADMIN"]}, [("INVALID_INPUT", ["roles"])]),
        ({"password": "short", "roles": []}, [("WEAK_PASSWORD", ["password"]), ("INVALID_INPUT", ["roles"])]),
    ):
        for email in (known, new_email()):
            given = sign_up_input(email=email) | wrong
            assert answers(await users.act(document("signUp"), input=given)) == expected
    assert worked == []

    for email in (known, new_email()):
        given = sign_up_input(email=email, password="password1234")  # an example
        assert answers(await users.act(document("signUp"), input=given)) == [("WEAK_PASSWORD", ["password"])]
    assert worked == ["judged"] * 2
    # It is looked up after the same work, as every address.
    assert answers(await users.act(document("signUp"), input=sign_up_input(email=known))) == [
        ("EMAIL_TAKEN", ["email"])
    ]
    assert worked == ["judged"] * 3 + ["hashed"]
    assert await users.state() == before


async def test_what_proves_who_one_is_comes_first_and_alone(users: Users) -> None:
    token = (await users.sign_up())["accessToken"]
    short = {"newPassword": "short"}
    for mutation, given, expected in (
        ("changePassword", {"currentPassword": "another one"} | short, ("INVALID_CREDENTIALS", ["currentPassword"])),
        ("resetPassword", {"token": "none"} | short, ("INVALID_TOKEN", ["token"])),
        ("disableTotp", {"password": "another one", "code": "x"}, ("INVALID_CREDENTIALS", ["password"])),
        ("disableTotp", {"password": PASSWORD, "code": "x"}, ("NOT_FOUND", None)),
        ("logIn", {"email": "somchai", "password": ""}, ("INVALID_CREDENTIALS", None)),
    ):
        data = await users.act(document(mutation), token=token, input=given)
        assert answers(data) == [expected], (mutation, given)


async def test_a_document_that_waits_is_told_before_what_is_wrong_with_the_next_one(users: Users) -> None:
    form = FORMS["submitIdentityVerification"]
    token, given = await form.prepare(users)
    await users.act(document("submitIdentityVerification"), token=token, input=given | {"number": "AB1234567"})

    data = await users.act(document("submitIdentityVerification"), token=token, input=form.input(given))

    assert answers(data) == [("INVALID_TRANSITION", None)]


async def test_who_may_not_is_told_nothing_of_the_text(users: Users) -> None:
    boss, other_boss, person = await an_admin(users), await an_admin(users), await users.sign_up()
    suspended, bound, guarded = await users.sign_up(), await users.sign_up(), await enable(users)
    rich = await users.sign_up()
    admin, me = boss["accessToken"], boss["user"]["id"]

    def about(user_id: str, **given: str) -> dict[str, Any]:
        return {"userId": user_id, "reason": ""} | given

    await users.act(
        document("suspendUser"),
        token=other_boss["accessToken"],
        input=about(suspended["user"]["id"], reason="Sells nothing."),
    )
    await users.rows(
        "INSERT INTO engagements (task_id, poster_id, tasker_id, open, version)"
        " VALUES (:task_id, :poster_id, :tasker_id, true, 1) RETURNING task_id",
        task_id=new_id("task"),
        poster_id=bound["user"]["id"],
        tasker_id=new_id("user"),
    )
    await users.rows(
        "INSERT INTO balances (user_id, currency, available_minor, on_its_way_minor, seq)"
        " VALUES (:user_id, 'EUR', 100, 0, 1) RETURNING seq",
        user_id=rich["user"]["id"],
    )
    submitted = await users.act(
        "mutation ($input: SubmitIdentityVerificationInput!)"
        " { submitIdentityVerification(input: $input) { verification { id } } }",
        token=person["accessToken"],
        input={"documentType": "PASSPORT", "number": "AB1234567"},
    )
    check = submitted["submitIdentityVerification"]["verification"]["id"]
    rejection = {"verificationId": check, "expectedVersion": 1, "reason": "CANNOT_CONFIRM", "note": ""}
    report = {"reason": "SPAM", "text": ""}
    too_short = [("INVALID_INPUT", ["reason"])]

    for mutation, given, expected in (
        ("suspendUser", about(me), [("NOT_ALLOWED", ["userId"])]),
        ("suspendUser", about(new_id("user")), [("NOT_FOUND", ["userId"])]),
        ("suspendUser", about(suspended["user"]["id"]), [("INVALID_TRANSITION", None)]),
        ("suspendUser", about(person["user"]["id"]), too_short),
        ("eraseUser", about(me), [("NOT_ALLOWED", ["userId"])]),
        ("eraseUser", about(bound["user"]["id"]), [("ACCOUNT_HAS_OPEN_ENGAGEMENTS", None)]),
        ("eraseUser", about(rich["user"]["id"]), [("ACCOUNT_HAS_MONEY", None)]),
        ("eraseUser", about(person["user"]["id"]), too_short),
        ("removeSecondFactor", about(person["user"]["id"]), [("NOT_FOUND", None)]),
        ("removeSecondFactor", about(guarded.session["user"]["id"]), too_short),
        ("reportUser", report | {"userId": me}, [("NOT_ALLOWED", ["userId"])]),
        ("reportUser", report | {"userId": new_id("user")}, [("NOT_FOUND", ["userId"])]),
        ("reportUser", report | {"userId": person["user"]["id"]}, [("INVALID_INPUT", ["text"])]),
        (
            "rejectIdentityVerification",
            rejection | {"verificationId": new_id("verification")},
            [("NOT_FOUND", ["verificationId"])],
        ),
        ("rejectIdentityVerification", rejection | {"expectedVersion": 2}, [("VERSION_CONFLICT", None)]),
        ("rejectIdentityVerification", rejection, [("INVALID_INPUT", ["note"])]),
    ):
        before = await users.state()
        data = await users.act(document(mutation), token=admin, input=given)
        assert answers(data) == expected, (mutation, given)
        assert await users.state() == before


@pytest.mark.parametrize("session_id", ["", "user_1"])
async def test_an_id_that_is_none_ends_no_session(users: Users, session_id: str) -> None:
    token = (await users.sign_up())["accessToken"]
    before = await users.state()

    answer = await users.execute(document("logOut"), {"input": {"sessionId": session_id}}, token=token)

    [error] = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID_ID", "input.sessionId")
    assert await users.state() == before
