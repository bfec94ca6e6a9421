"""Identity documents: submitting one, the queue of the admins, approving, rejecting, expiry, who sees what."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.keys import encryption_key
from shared import clock
from shared.identity.cipher import Cipher
from shared.ids import new_id
from subgraphs.users import actions, secrets_at_rest
from tests.support.messaging import eventually
from tests.users.conftest import PASSWORD, Serve, Users

FIELDS = """id documentType country lastFour documentExpiresOn status rejectionReason rejectionNote expiresAt version
    otherAccounts user { id isVerified badges { kind awardedAt } }"""
ERRORS = "userErrors { code field }"


def mutation(name: str) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ verification {{ {FIELDS} }} {ERRORS} }} }}"


SUBMIT, APPROVE, REJECT = (mutation(f"{step}IdentityVerification") for step in ("submit", "approve", "reject"))
REVEAL = f"""mutation($input: RevealIdentityDocumentInput!) {{
    revealIdentityDocument(input: $input) {{ number fullName {ERRORS} }} }}"""
MINE = f"query {{ myIdentityVerifications {{ nodes {{ {FIELDS} }} }} }}"
QUEUE = f"""query($filter: IdentityVerificationFilter, $first: Int, $after: String) {{
    identityVerifications(filter: $filter, first: $first, after: $after) {{
        totalCount pageInfo {{ endCursor }} nodes {{ {FIELDS} }} }} }}"""
PUBLIC = "query($id: ID!) { user(id: $id) { isVerified badges { kind } } }"
PENDING = {"status": "PENDING"}
# A number whose check digit is right.
THAI = "1-2345-67890-12-1"
NUMBER = "1234567890121"


def document(**changes: Any) -> dict[str, Any]:
    """The input of a fine document."""
    return {"documentType": "NATIONAL_ID", "number": THAI, "country": "th", "fullName": "Somchai Srisuk"} | changes


@pytest.fixture
async def admin(users: Users) -> str:
    """The token of an admin."""
    return await new_admin(users)


async def new_admin(users: Users) -> str:
    session = await users.sign_up()
    roles = "UPDATE users SET roles = roles || ARRAY['ADMIN'] WHERE id = :id RETURNING id"
    await users.rows(roles, id=session["user"]["id"])
    email = (await users.rows("SELECT email FROM users WHERE id = :id", id=session["user"]["id"]))[0][0]
    token: str = (await users.log_in(email, PASSWORD))["accessToken"]
    return token


@pytest.fixture(autouse=True)
async def _clock() -> AsyncIterator[None]:
    yield
    clock.set_offset(timedelta(0))


async def submit(users: Users, token: str, **changes: Any) -> dict[str, Any]:
    payload = (await users.act(SUBMIT, token=token, input=document(**changes)))["submitIdentityVerification"]
    assert payload["userErrors"] == []
    check: dict[str, Any] = payload["verification"]
    return check


async def decide(users: Users, admin: str, step: str, check: dict[str, Any], **given: Any) -> dict[str, Any]:
    """The payload of an admin's decision."""
    name = f"{step}IdentityVerification"
    values = {"verificationId": check["id"], "expectedVersion": check["version"]} | given
    payload: dict[str, Any] = (await users.act(mutation(name), token=admin, input=values))[name]
    return payload


async def state(users: Users) -> list[Any]:
    return [await users.state(), await users.rows("SELECT * FROM identity_verifications ORDER BY id")]


async def codes(users: Users, document: str, token: str | None, **variables: Any) -> list[str]:
    """The codes of the top-level errors, or of the user errors, of an operation."""
    answer = await users.execute(document, variables, token=token)
    if "errors" in answer:
        return [error["extensions"]["code"] for error in answer["errors"]]
    return [error["code"] for payload in answer["data"].values() for error in payload["userErrors"]]


async def test_a_document_is_submitted_approved_and_shown_for_two_years(users: Users, admin: str) -> None:
    me = await users.sign_up()
    token, user_id = me["accessToken"], me["user"]["id"]

    check = await submit(users, token)

    person = {"id": user_id, "isVerified": False, "badges": []}
    expected = {
        "id": check["id"],
        "documentType": "NATIONAL_ID",
        "country": "TH",
        "lastFour": "0121",
        "documentExpiresOn": None,
        "status": "PENDING",
        "rejectionReason": None,
        "rejectionNote": None,
        "expiresAt": None,
        "version": 1,
        "otherAccounts": None,
        "user": person,
    }
    assert check == expected
    assert (await users.act(MINE, token=token))["myIdentityVerifications"]["nodes"] == [expected]
    queue = (await users.act(QUEUE, token=admin, filter=PENDING))["identityVerifications"]["nodes"]
    assert queue == [expected | {"otherAccounts": 0}]

    payload = await decide(users, admin, "approve", check)

    assert payload["userErrors"] == []
    approved = payload["verification"]
    awarded = approved["user"]["badges"][0].pop("awardedAt")
    assert (approved["status"], approved["version"]) == ("APPROVED", 2)
    assert approved["user"] == {"id": user_id, "isVerified": True, "badges": [{"kind": "IDENTITY"}]}
    assert (await users.act(PUBLIC, id=user_id))["user"] == {"isVerified": True, "badges": [{"kind": "IDENTITY"}]}
    decided = await users.rows("SELECT decided_at, expires_at FROM identity_verifications")
    assert decided[0][1] - decided[0][0] == timedelta(days=730)
    assert awarded[:19] == decided[0][0].isoformat()[:19]
    assert (await users.bodies("users.user.verification_submitted")) == [
        {"user_id": user_id, "verification_id": check["id"], "document_type": "NATIONAL_ID"}
    ]
    (body,) = await users.bodies("users.user.verified")
    assert (body["user_id"], body["verification_id"]) == (user_id, check["id"])


async def test_a_number_lies_nowhere_but_encrypted(users: Users, admin: str) -> None:
    me = await users.sign_up()
    check = await submit(users, me["accessToken"], idempotencyKey="key-1")
    await users.act(REVEAL, token=admin, input={"verificationId": check["id"]})
    await decide(users, admin, "reject", check, reason="NAME_MISMATCH")

    tables = [name for (name,) in await users.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    for table in tables:
        stored = "".join(str(row) for row in await users.rows(f"SELECT t::text FROM {table} AS t"))
        for secret in (NUMBER, THAI, "Srisuk"):
            assert secret not in stored, table
            assert secret.encode().hex() not in stored, table
    (row,) = await users.rows("SELECT number, fingerprint FROM identity_verifications")
    assert NUMBER.encode() not in row[0] + row[1]


async def test_the_full_number_is_for_admins_and_goes_on_record(users: Users, admin: str) -> None:
    me, other = await users.sign_up(), await users.sign_up()
    check = await submit(users, me["accessToken"])
    given = {"verificationId": check["id"]}

    data = await users.act(REVEAL, token=admin, input=given)

    assert data["revealIdentityDocument"] == {"number": NUMBER, "fullName": "Somchai Srisuk", "userErrors": []}
    (body,) = await users.bodies("users.user.document_revealed")
    assert body == {"user_id": me["user"]["id"], "verification_id": check["id"], "by": body["by"]}
    for token, code in (
        (None, "UNAUTHENTICATED"),
        (me["accessToken"], "FORBIDDEN"),
        (other["accessToken"], "FORBIDDEN"),
    ):
        for operation in (REVEAL, APPROVE):
            values = given if operation == REVEAL else given | {"expectedVersion": 1}
            assert await codes(users, operation, token, input=values) == [code]
        assert await codes(users, QUEUE, token) == [code]
    assert len(await users.bodies("users.user.document_revealed")) == 1


async def test_nobody_sees_the_documents_of_others(users: Users) -> None:
    me, other = await users.sign_up(), await users.sign_up()
    await submit(users, me["accessToken"])
    assert (await users.act(MINE, token=other["accessToken"]))["myIdentityVerifications"]["nodes"] == []
    assert await codes(users, MINE, None) == ["UNAUTHENTICATED"]


async def test_a_rejected_document_tells_why_and_the_next_can_be_submitted(users: Users, admin: str) -> None:
    me = await users.sign_up()
    first = await submit(users, me["accessToken"])
    assert await codes(users, SUBMIT, me["accessToken"], input=document()) == ["INVALID_TRANSITION"]

    payload = await decide(users, admin, "reject", first, reason="NAME_MISMATCH", note="It says Somsak.")

    rejected = payload["verification"]
    shown = (rejected["status"], rejected["rejectionReason"], rejected["rejectionNote"], rejected["version"])
    assert shown == ("REJECTED", "NAME_MISMATCH", "It says Somsak.", 2)
    (body,) = await users.bodies("users.user.verification_rejected")
    assert body == {
        "user_id": me["user"]["id"],
        "verification_id": first["id"],
        "reason": "NAME_MISMATCH",
        "by": body["by"],
    }
    assert (await users.act(PUBLIC, id=me["user"]["id"]))["user"]["isVerified"] is False
    second = await submit(users, me["accessToken"])
    mine = (await users.act(MINE, token=me["accessToken"]))["myIdentityVerifications"]["nodes"]
    assert [(each["id"], each["status"]) for each in mine] == [(second["id"], "PENDING"), (first["id"], "REJECTED")]


async def test_of_five_documents_at_once_one_is_pending(users: Users) -> None:
    me = await users.sign_up()
    answers = await asyncio.gather(
        *(users.execute(SUBMIT, {"input": document()}, token=me["accessToken"]) for _ in range(5))
    )
    refused = [
        error["code"] for answer in answers for error in answer["data"]["submitIdentityVerification"]["userErrors"]
    ]
    assert refused == ["INVALID_TRANSITION"] * 4
    assert await users.rows("SELECT status FROM identity_verifications") == [("PENDING",)]


async def test_nobody_decides_on_their_own_document(users: Users, admin: str) -> None:
    check = await submit(users, admin)
    before = await state(users)
    refusal = [{"code": "NOT_ALLOWED", "field": ["verificationId"]}]
    assert (await decide(users, admin, "approve", check))["userErrors"] == refusal
    assert (await decide(users, admin, "reject", check, reason="CANNOT_CONFIRM"))["userErrors"] == refusal
    data = await users.act(REVEAL, token=admin, input={"verificationId": check["id"]})
    assert data["revealIdentityDocument"] == {"number": None, "fullName": None, "userErrors": refusal}
    assert await state(users) == before


async def test_who_is_no_admin_any_more_decides_nothing(users: Users, admin: str) -> None:
    me = await users.sign_up()
    check = await submit(users, me["accessToken"])
    await users.rows("UPDATE users SET roles = ARRAY['POSTER'] WHERE 'ADMIN' = ANY(roles) RETURNING id")
    given = {"verificationId": check["id"], "expectedVersion": 1}
    assert await codes(users, APPROVE, admin, input=given) == ["FORBIDDEN"]
    assert await codes(users, REVEAL, admin, input={"verificationId": check["id"]}) == ["FORBIDDEN"]


async def test_of_two_decisions_at_once_one_counts(users: Users, admin: str) -> None:
    me = await users.sign_up()
    check = await submit(users, me["accessToken"])

    payloads = await asyncio.gather(
        decide(users, admin, "approve", check), decide(users, admin, "reject", check, reason="CANNOT_CONFIRM")
    )

    errors = [error for payload in payloads for error in payload["userErrors"]]
    assert errors == [{"code": "VERSION_CONFLICT", "field": None}]
    # Who came second is shown what the first one did.
    statuses = {payload["verification"]["status"] for payload in payloads}
    assert statuses in ({"APPROVED"}, {"REJECTED"})
    # The same again is answered with what is, the other one is refused.
    again = await decide(users, admin, "approve", check, expectedVersion=2)
    is_approved = statuses == {"APPROVED"}
    assert again["userErrors"] == ([] if is_approved else [{"code": "INVALID_TRANSITION", "field": None}])


async def test_what_is_not_there_is_not_found(users: Users, admin: str) -> None:
    missing = {"id": new_id("verification"), "version": 1}
    refusal = [{"code": "NOT_FOUND", "field": ["verificationId"]}]
    assert (await decide(users, admin, "approve", missing))["userErrors"] == refusal
    values = {"verificationId": "user_1", "expectedVersion": 1}
    assert await codes(users, APPROVE, admin, input=values) == ["INVALID_ID"]


async def test_the_clock_ends_an_approval_and_its_deadline_tells(users: Users, admin: str) -> None:
    me = await users.sign_up()
    token, user_id = me["accessToken"], me["user"]["id"]
    await decide(users, admin, "approve", await submit(users, token))
    # As if no worker came to it.
    await users.rows("UPDATE deadlines SET due_at = due_at + interval '1 day' RETURNING kind")
    ended = {"isVerified": False, "badges": []}

    clock.set_offset(timedelta(days=730, seconds=1))
    assert (await users.act(PUBLIC, id=user_id))["user"] == ended
    rows = "SELECT status FROM identity_verifications"
    assert await users.rows(rows) == [("APPROVED",)]
    clock.set_offset(timedelta(days=731, seconds=1))
    await eventually(lambda: is_expired(users), 30)

    assert (await users.act(PUBLIC, id=user_id))["user"] == ended
    assert await users.bodies("users.user.verification_expired") == [
        {"user_id": user_id, "verification_id": (await users.bodies("users.user.verified"))[0]["verification_id"]}
    ]
    verified = "SELECT identity_verified_at, identity_verified_until FROM users WHERE id = :id"
    assert await users.rows(verified, id=user_id) == [(None, None)]


async def is_expired(users: Users) -> bool:
    return await users.rows("SELECT status FROM identity_verifications") == [("EXPIRED",)]


async def test_an_approval_ends_with_the_document(users: Users, admin: str) -> None:
    me = await users.sign_up()
    day = (clock.now() + timedelta(days=100)).date()
    check = await submit(users, me["accessToken"], documentExpiresOn=day.isoformat())
    approved = (await decide(users, admin, "approve", check))["verification"]
    assert approved["documentExpiresOn"] == day.isoformat()
    assert approved["expiresAt"] == f"{(day + timedelta(days=1)).isoformat()}T00:00:00.000Z"


async def test_a_document_that_ran_out_meanwhile_is_not_approved(users: Users, admin: str) -> None:
    me = await users.sign_up()
    today = clock.now().date().isoformat()
    check = await submit(users, me["accessToken"], documentExpiresOn=today)
    await users.rows("UPDATE identity_verifications SET document_expires_on = document_expires_on - 1 RETURNING id")
    before = await state(users)
    payload = await decide(users, admin, "approve", check)
    assert payload == {"verification": None, "userErrors": [{"code": "INVALID_TRANSITION", "field": None}]}
    assert await state(users) == before


async def test_who_is_verified_renews_it_in_time_and_is_told_of_no_end(users: Users, admin: str) -> None:
    me = await users.sign_up()
    token = me["accessToken"]
    first = await submit(users, token)
    await decide(users, admin, "approve", first)
    assert await codes(users, SUBMIT, token, input=document()) == ["INVALID_TRANSITION"]
    renewable = "UPDATE identity_verifications SET expires_at = now() + interval '59 days' RETURNING id"
    await users.rows(renewable)

    second = await submit(users, token, documentType="PASSPORT", number="AB1234567")
    assert (await users.act(PUBLIC, id=me["user"]["id"]))["user"]["isVerified"] is True
    await decide(users, admin, "approve", second)

    statuses = await users.rows("SELECT id, status FROM identity_verifications ORDER BY id")
    assert statuses == [(first["id"], "EXPIRED"), (second["id"], "APPROVED")]
    assert await users.rows("SELECT subject_id FROM deadlines WHERE kind = 'identity_expiry'") == [(second["id"],)]
    assert await users.bodies("users.user.verification_expired") == []
    # A deadline of the first that a worker had claimed already.
    async with users.services.database.transaction() as session:
        await actions.verification.expire(session, first["id"])
    assert (await users.act(PUBLIC, id=me["user"]["id"]))["user"]["isVerified"] is True


async def test_the_queue_is_oldest_first_and_tells_of_the_same_document_on_other_accounts(
    users: Users, admin: str
) -> None:
    people = [await users.sign_up() for _ in range(4)]
    given: list[dict[str, Any]] = [
        {},
        # However it is written, and whatever else is told of it.
        {"number": "1 2345 67890 12 1", "country": None, "fullName": "Somsak"},
        {"documentType": "DRIVER_LICENSE"},
        {"number": "1-1014-00000-01-4"},
    ]
    ids = [
        (await submit(users, person["accessToken"], **changes))["id"]
        for person, changes in zip(people, given, strict=True)
    ]
    page = (await users.act(QUEUE, token=admin, first=2))["identityVerifications"]
    assert page["totalCount"] == 4
    assert [(each["id"], each["otherAccounts"]) for each in page["nodes"]] == [(ids[0], 1), (ids[1], 1)]
    after = page["pageInfo"]["endCursor"]
    page = (await users.act(QUEUE, token=admin, first=2, after=after, filter=PENDING))["identityVerifications"]
    assert [(each["id"], each["otherAccounts"]) for each in page["nodes"]] == [(ids[2], 0), (ids[3], 0)]
    mine = (await users.act(MINE, token=people[0]["accessToken"]))["myIdentityVerifications"]["nodes"]
    assert [each["otherAccounts"] for each in mine] == [None]


REFUSALS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "short number": ({"documentType": "PASSPORT", "number": "A1234"}, ["number"]),
    "long number": ({"number": "1" * 10 + "23" * 6, "country": None}, ["number"]),
    "endless number": ({"number": "1" * 100_000, "country": None}, ["number"]),
    "wrong check digit": ({"number": "1234567890122"}, ["number"]),
    "long passport": ({"documentType": "PASSPORT", "number": "AB12345678"}, ["number"]),
    "words": ({"documentType": "DRIVER_LICENSE", "number": "NOTANUMBER"}, ["number"]),
    "always the same": ({"documentType": "DRIVER_LICENSE", "number": "11111111"}, ["number"]),
    "foreign digits": ({"documentType": "DRIVER_LICENSE", "number": "١٢٣٤٥٦٧٨"}, ["number"]),
    "control character": ({"documentType": "DRIVER_LICENSE", "number": "123\u0007456789"}, ["number"]),
    "no country": ({"country": "Thailand"}, ["country"]),
    "unknown country": ({"country": "XX"}, ["country"]),
    "short name": ({"fullName": "x"}, ["fullName"]),
    "expired": ({"documentExpiresOn": "2020-01-01"}, ["documentExpiresOn"]),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_is_no_document_is_refused_and_changes_nothing(users: Users, name: str) -> None:
    changes, field = REFUSALS[name]
    me = await users.sign_up()
    before = await state(users)
    data = await users.act(SUBMIT, token=me["accessToken"], input=document(**changes))
    refusal = {"verification": None, "userErrors": [{"code": "INVALID_INPUT", "field": field}]}
    assert data == {"submitIdentityVerification": refusal}
    assert await state(users) == before


async def test_the_same_key_has_one_effect_and_one_answer(users: Users) -> None:
    me = await users.sign_up()
    given = document(idempotencyKey="key-1")
    first, second = [await users.act(SUBMIT, token=me["accessToken"], input=given) for _ in range(2)]
    assert first == second
    other = document(idempotencyKey="key-1", fullName="Somsak Srisuk")
    assert await codes(users, SUBMIT, me["accessToken"], input=other) == ["IDEMPOTENCY_KEY_REUSED"]


@pytest.mark.parametrize("limit", ["identity_verifications_per_account", "identity_verifications_per_address"])
async def test_submitting_is_counted(serve_users: Serve, limit: str) -> None:
    async with serve_users(**{limit: "2/1 day"}) as users:
        me = await users.sign_up()
        wrong = document(number="1")
        assert [await codes(users, SUBMIT, me["accessToken"], input=wrong) for _ in range(3)] == [
            ["INVALID_INPUT"],
            ["INVALID_INPUT"],
            ["RATE_LIMITED"],
        ]


async def test_what_an_admin_looks_at_is_counted(serve_users: Serve) -> None:
    async with serve_users(document_reveals_per_account="1/1 hour") as users:
        admin, me = await new_admin(users), await users.sign_up()
        given = {"verificationId": (await submit(users, me["accessToken"]))["id"]}
        assert await codes(users, REVEAL, admin, input=given) == []
        assert await codes(users, REVEAL, admin, input=given) == ["RATE_LIMITED"]


async def test_a_new_key_makes_fingerprints_anew(users: Users, tmp_path: Path, admin: str) -> None:
    people = [await users.sign_up() for _ in range(2)]
    check = await submit(users, people[0]["accessToken"])
    file = users.services.settings.encryption_keys_file
    assert file is not None
    rotated = tmp_path / "rotated.json"
    rotated.write_text(json.dumps({"keys": [encryption_key(), *json.loads(file.read_text())["keys"]]}))
    old, new = secrets_at_rest.cipher(users.services.settings), Cipher(rotated)
    document_type = actions.verification.DocumentType.NATIONAL_ID
    printed = "SELECT fingerprint FROM identity_verifications WHERE id = :id"
    assert await users.rows(printed, id=check["id"]) == [
        (actions.verification.fingerprint(old, document_type, NUMBER),)
    ]

    for limit in (1, 1):
        async with users.services.database.transaction() as session:
            await actions.verification.print_anew(session, new, "", limit)

    expected = actions.verification.fingerprint(new, document_type, NUMBER)
    assert await users.rows(printed, id=check["id"]) == [(expected,)]
