"""reportUser, myReports."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.users.conftest import Serve, Users

REPORT = """mutation($input: ReportUserInput!) { reportUser(input: $input) {
    report { id reason text user { id } } userErrors { code field } } }"""
MINE = "{ myReports { totalCount nodes { id reason text user { id } } } }"
TEXT = "Asked me twice\nto pay by bank transfer."


def report_of(user_id: str, **changes: Any) -> dict[str, Any]:
    return {"userId": user_id, "reason": "PAYMENT_OUTSIDE", "text": TEXT} | changes


async def test_a_report_is_kept_and_told_without_its_text(users: Users) -> None:
    me, other = await users.sign_up(), await users.sign_up()
    token, other_id = me["accessToken"], other["user"]["id"]

    payload = (await users.act(REPORT, token=token, input=report_of(other_id)))["reportUser"]

    report = payload["report"]
    assert payload == {
        "report": {"id": report["id"], "reason": "PAYMENT_OUTSIDE", "text": TEXT, "user": {"id": other_id}},
        "userErrors": [],
    }
    assert await users.act(MINE, token=token) == {"myReports": {"totalCount": 1, "nodes": [report]}}
    assert await users.act(MINE, token=other["accessToken"]) == {"myReports": {"totalCount": 0, "nodes": []}}
    assert await users.bodies("users.user.reported") == [
        {
            "user_id": me["user"]["id"],
            "report_id": report["id"],
            "reported_id": other_id,
            "reason": "PAYMENT_OUTSIDE",
        }
    ]


async def test_sent_again_with_its_key_it_is_one_report(users: Users) -> None:
    me, other = await users.sign_up(), await users.sign_up()
    given = report_of(other["user"]["id"], idempotencyKey="once")
    answers = [await users.act(REPORT, token=me["accessToken"], input=given) for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(await users.bodies("users.user.reported")) == 1


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"userId": "oneself"}, "NOT_ALLOWED", ["userId"]),
        ({"userId": new_id("user")}, "NOT_FOUND", ["userId"]),
        ({"text": "too short"}, "INVALID_INPUT", ["text"]),
        ({"text": "x" * 2_001}, "INVALID_INPUT", ["text"]),
        ({"text": "a bell \u0007 in the text"}, "INVALID_INPUT", ["text"]),
    ],
)
async def test_what_the_rules_forbid_is_refused_and_changes_nothing(
    users: Users, changes: dict[str, str], code: str, field: list[str]
) -> None:
    me, other = await users.sign_up(), await users.sign_up()
    if changes.get("userId") == "oneself":
        changes = {"userId": me["user"]["id"]}
    before = await users.state()
    given = report_of(other["user"]["id"], **changes)
    payload = (await users.act(REPORT, token=me["accessToken"], input=given))["reportUser"]
    assert payload == {"report": None, "userErrors": [{"code": code, "field": field}]}
    assert await users.state() == before
    assert await users.rows("SELECT * FROM reports") == []


@pytest.mark.parametrize("limit", ["reports_per_account", "reports_per_address"])
async def test_a_reporter_has_a_quota(serve_users: Serve, limit: str) -> None:
    async with serve_users(**{limit: "2/1 day"}) as users:
        me, other = await users.sign_up(), await users.sign_up()
        given = {"input": report_of(other["user"]["id"])}
        answers = [await users.execute(REPORT, given, token=me["accessToken"]) for _ in range(3)]
        assert [answer.get("errors", [{}])[0].get("extensions", {}).get("code") for answer in answers] == [
            None,
            None,
            "RATE_LIMITED",
        ]
        assert len(await users.rows("SELECT 1 FROM reports")) == 2
