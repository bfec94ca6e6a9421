"""suspendUser, reinstateUser, grantRole, revokeRole and the list of accounts."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from shared.identity.actor import Role
from subgraphs.users import admin
from tests.users.conftest import ERRORS, LOG_IN, ME, PASSWORD, Serve, Users, new_email

ACCOUNT = "user { id status roles suspension { reason } version }"
SUSPEND = f"mutation($input: SuspendUserInput!) {{ suspendUser(input: $input) {{ {ACCOUNT} {ERRORS} }} }}"
REINSTATE = f"mutation($input: ReinstateUserInput!) {{ reinstateUser(input: $input) {{ {ACCOUNT} {ERRORS} }} }}"
GRANT = f"mutation($input: GrantRoleInput!) {{ grantRole(input: $input) {{ {ACCOUNT} {ERRORS} }} }}"
REVOKE = f"mutation($input: RevokeRoleInput!) {{ revokeRole(input: $input) {{ {ACCOUNT} {ERRORS} }} }}"
USERS = "query($filter: UserFilter) { users(filter: $filter) { nodes { id } totalCount } }"

REASON = "Asked people to pay outside of the marketplace."


async def an_admin(users: Users) -> dict[str, Any]:
    """The session of somebody who is an admin, with the scope in its token."""
    email = new_email()
    session = await users.sign_up(email=email)
    await admin.grant(users.services.database, email, Role.ADMIN)
    return (await users.refresh(session["refreshToken"]))["session"] | {"email": email}  # type: ignore[no-any-return]


async def refused(users: Users, token: str) -> bool:
    """Whether a token is good for nothing."""
    answer = await users.execute(ME, token=token)
    return [error["extensions"]["code"] for error in answer.get("errors", [])] == ["UNAUTHENTICATED"]


async def test_a_suspended_user_is_out_and_a_reinstated_one_may_log_in_again(users: Users) -> None:
    boss, email = await an_admin(users), new_email()
    session = await users.sign_up(email=email)
    other_device = await users.log_in(email)
    user_id = session["user"]["id"]

    data = await users.act(SUSPEND, token=boss["accessToken"], input={"userId": user_id, "reason": REASON})

    account = {"id": user_id, "roles": ["POSTER", "TASKER"], "version": 2}
    suspended = account | {"status": "SUSPENDED", "suspension": {"reason": REASON}}
    assert data == {"suspendUser": {"user": suspended, "userErrors": []}}
    assert await users.bodies("users.user.suspended") == [
        {"user_id": user_id, "reason": REASON, "by": boss["user"]["id"]}
    ]
    assert {body["session_id"] for body in await users.bodies("users.user.session_revoked")} == {
        row[0] for row in await users.rows("SELECT id FROM sessions WHERE user_id = :id", id=user_id)
    }
    for each in (session, other_device):
        assert await refused(users, each["accessToken"])
        assert (await users.refresh(each["refreshToken"]))["userErrors"][0]["code"] == "SESSION_EXPIRED"
    log_in = {"input": {"email": email, "password": PASSWORD}}
    assert (await users.act(LOG_IN, **log_in))["logIn"]["userErrors"][0]["code"] == "ACCOUNT_SUSPENDED"

    data = await users.act(REINSTATE, token=boss["accessToken"], input={"userId": user_id})

    back = account | {"status": "PENDING_VERIFICATION", "suspension": None, "version": 3}
    assert data == {"reinstateUser": {"user": back, "userErrors": []}}
    assert await users.bodies("users.user.reinstated") == [{"user_id": user_id, "by": boss["user"]["id"]}]
    again = await users.log_in(email)
    assert not await refused(users, again["accessToken"])
    assert await refused(users, session["accessToken"])


async def test_only_the_person_and_admins_read_why(users: Users) -> None:
    boss = await an_admin(users)
    suspended, neighbour = await users.sign_up(), await users.sign_up()
    user_id = suspended["user"]["id"]
    await users.act(SUSPEND, token=boss["accessToken"], input={"userId": user_id, "reason": REASON})

    look = "query($id: ID!) { user(id: $id) { status suspension { reason } } }"
    for token, reason in ((boss["accessToken"], {"reason": REASON}), (neighbour["accessToken"], None), (None, None)):
        data = await users.act(look, token=token, id=user_id)
        assert data == {"user": {"status": "SUSPENDED", "suspension": reason}}


@pytest.mark.timing
async def test_other_processes_shut_a_suspended_user_out_within_5_seconds(users: Users, serve_users: Serve) -> None:
    async with serve_users() as other:
        boss, session = await an_admin(users), await users.sign_up()
        assert not await refused(other, session["accessToken"])
        suspension = {"userId": session["user"]["id"], "reason": REASON}
        await users.act(SUSPEND, token=boss["accessToken"], input=suspension)
        async with asyncio.timeout(5):
            while not await refused(other, session["accessToken"]):
                await asyncio.sleep(0.05)


async def test_a_role_is_given_and_taken(users: Users) -> None:
    boss, session = await an_admin(users), await users.sign_up(roles=["POSTER"])
    user_id = session["user"]["id"]
    change = {"userId": user_id, "role": "SUPPORT"}

    for _ in range(2):
        data = await users.act(GRANT, token=boss["accessToken"], input=change)
        assert data["grantRole"]["user"]["roles"] == ["POSTER", "SUPPORT"]
        assert data["grantRole"]["user"]["version"] == 2
    assert await users.bodies("users.user.role_granted") == [
        {"user_id": boss["user"]["id"], "role": "ADMIN", "roles": ["POSTER", "TASKER", "ADMIN"], "by": None},
        {"user_id": user_id, "role": "SUPPORT", "roles": ["POSTER", "SUPPORT"], "by": boss["user"]["id"]},
    ]
    session = (await users.refresh(session["refreshToken"]))["session"]
    assert "support" in users.services.verifier.verify(session["accessToken"]).scopes

    for _ in range(2):
        data = await users.act(REVOKE, token=boss["accessToken"], input=change)
        assert data["revokeRole"]["user"]["roles"] == ["POSTER"]
        assert data["revokeRole"]["user"]["version"] == 3
    assert await users.bodies("users.user.role_revoked") == [
        {"user_id": user_id, "role": "SUPPORT", "roles": ["POSTER"], "by": boss["user"]["id"]}
    ]
    assert await refused(users, session["accessToken"])


REFUSALS: dict[str, tuple[str, dict[str, Any], tuple[str, list[str] | None]]] = {
    "suspending oneself": (SUSPEND, {"userId": "self", "reason": REASON}, ("NOT_ALLOWED", ["userId"])),
    "taking one's own role": (REVOKE, {"userId": "self", "role": "ADMIN"}, ("NOT_ALLOWED", ["userId"])),
    "suspending nobody": (SUSPEND, {"userId": "nobody", "reason": REASON}, ("NOT_FOUND", ["userId"])),
    "suspending without a reason": (SUSPEND, {"userId": "other", "reason": " - "}, ("INVALID_INPUT", ["reason"])),
    "suspending with a control character": (
        SUSPEND,
        {"userId": "other", "reason": "a\u0007bc"},
        ("INVALID_INPUT", ["reason"]),
    ),
    "reinstating who is not suspended": (REINSTATE, {"userId": "other"}, ("INVALID_TRANSITION", None)),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_the_rules_forbid_is_refused_and_changes_nothing(users: Users, name: str) -> None:
    document, given, (code, field) = REFUSALS[name]
    boss, other = await an_admin(users), await users.sign_up()
    ids = {"self": boss["user"]["id"], "other": other["user"]["id"], "nobody": "user_01jd0000000000000000000000"}
    before = await users.state()

    data = await users.act(document, token=boss["accessToken"], input=given | {"userId": ids[given["userId"]]})

    (payload,) = data.values()
    assert payload["user"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert await users.state() == before


async def test_suspending_again_is_for_the_same_admin_and_changes_nothing(users: Users) -> None:
    boss, another, other = await an_admin(users), await an_admin(users), await users.sign_up()
    suspension = {"userId": other["user"]["id"], "reason": REASON}
    await users.act(SUSPEND, token=boss["accessToken"], input=suspension)
    before = await users.state()
    data = await users.act(SUSPEND, token=boss["accessToken"], input=suspension)
    assert data["suspendUser"]["userErrors"] == []
    data = await users.act(SUSPEND, token=another["accessToken"], input=suspension)
    assert data["suspendUser"]["userErrors"][0]["code"] == "INVALID_TRANSITION"
    assert await users.state() == before


@pytest.mark.parametrize("document", [SUSPEND, REINSTATE, GRANT, REVOKE])
async def test_only_admins_may(users: Users, document: str) -> None:
    somebody, other = await users.sign_up(), await users.sign_up()
    given = {"userId": other["user"]["id"]}
    if document == SUSPEND:
        given["reason"] = REASON
    elif document in (GRANT, REVOKE):
        given["role"] = "ADMIN"
    before = await users.state()
    for token, code in ((somebody["accessToken"], "FORBIDDEN"), (None, "UNAUTHENTICATED")):
        answer = await users.execute(document, {"input": given}, token=token)
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert await users.state() == before


async def test_of_two_admins_who_suspend_each_other_one_remains(users: Users) -> None:
    for _ in range(5):
        one, two = await an_admin(users), await an_admin(users)
        answers = await asyncio.gather(
            *(
                users.execute(
                    SUSPEND, {"input": {"userId": target["user"]["id"], "reason": REASON}}, token=by["accessToken"]
                )
                for by, target in ((one, two), (two, one))
            )
        )
        states = await users.rows(
            "SELECT status FROM users WHERE id IN (:one, :two)", one=one["user"]["id"], two=two["user"]["id"]
        )
        assert sorted(row[0] for row in states) == ["PENDING_VERIFICATION", "SUSPENDED"]
        codes = {error["extensions"]["code"] for answer in answers for error in answer.get("errors", [])}
        assert codes <= {"FORBIDDEN", "UNAUTHENTICATED"}
        assert len(codes) == 1


async def test_accounts_are_listed_by_status_role_address_and_name(users: Users) -> None:
    boss = await an_admin(users)
    anong = await users.sign_up(displayName="Anong K.", roles=["TASKER"])
    percent = await users.sign_up(displayName="100% Anong", email="Hundred@Example.com")
    await users.act(SUSPEND, token=boss["accessToken"], input={"userId": anong["user"]["id"], "reason": REASON})

    async def found(**filter: str) -> list[str]:
        data = await users.act(USERS, token=boss["accessToken"], filter=filter)
        assert data["users"]["totalCount"] == len(data["users"]["nodes"])
        return [node["id"] for node in data["users"]["nodes"]]

    a, p, b = anong["user"]["id"], percent["user"]["id"], boss["user"]["id"]
    assert await found() == [p, a, b]
    assert await found(status="SUSPENDED") == [a]
    assert await found(role="ADMIN") == [b]
    assert await found(role="TASKER", status="PENDING_VERIFICATION") == [p, b]
    assert await found(email="hundred@example.COM") == [p]
    assert await found(name="aNONG") == [a]
    assert await found(name="100%") == [p]
    assert await found(name="%") == []


@pytest.mark.parametrize("filter", [{"email": "nobody"}, {"name": ""}, {"name": "a\u0007"}, {"name": "x" * 61}])
async def test_a_filter_that_means_nothing_is_refused(users: Users, filter: dict[str, str]) -> None:
    boss = await an_admin(users)
    answer = await users.execute(USERS, {"filter": filter}, token=boss["accessToken"])
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]
    assert answer["data"] == {"users": None}


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("lower(display_name) LIKE 'anong%'", "users_name"),
        ("status = 'SUSPENDED'", "users_status"),
        ("roles @> ARRAY['ADMIN']", "users_roles"),
        ("lower(email) = 'a@example.com'", "users_email"),
    ],
)
async def test_each_filter_has_its_index(users: Users, condition: str, index: str) -> None:
    async with users.services.database.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = (await session.execute(text(f"EXPLAIN SELECT id FROM users WHERE {condition}"))).all()
    assert any(index in row[0] for row in plan), plan
