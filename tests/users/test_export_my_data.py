"""exportMyData: all of it, readable by its owner alone, for a week."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from nacl.public import PublicKey, SealedBox

from shared import clock, events
from subgraphs.users import actions
from subgraphs.users.rules.sessions import SessionExpired
from tests.conftest import Elsewhere
from tests.support.messaging import eventually
from tests.users.conftest import OTHER_PASSWORD, PASSWORD, Serve, Users, new_email
from tests.users.second_factors import NO_RECOVERY_CODE, enable
from tests.users.test_verification import submit

OTHERS = sorted(events.DATA_SEALED.keys() - {"users"})
EXPORT = """
    mutation($input: ExportMyDataInput!) { exportMyData(input: $input) {
      export { id status requestedAt readyAt expiresAt waitingFor parts { totalCount } } userErrors { code field }
    } }
"""
READ = """
    query($id: ID!, $first: Int, $after: String) { dataExport(id: $id) {
      id status readyAt waitingFor
      parts(first: $first, after: $after) {
        totalCount nodes { subgraph number json } pageInfo { hasNextPage endCursor }
      }
    } }
"""
MINE = "{ myDataExports { nodes { id status waitingFor parts(first: 100) { nodes { subgraph } } } } }"


async def export(users: Users, session: dict[str, Any], **given: str) -> dict[str, Any]:
    """An export that was granted."""
    given = {"password": PASSWORD, **given}
    payload = (await users.act(EXPORT, token=session["accessToken"], input=given))["exportMyData"]
    assert payload["userErrors"] == []
    granted: dict[str, Any] = payload["export"]
    return granted


async def is_limited(users: Users, session: dict[str, Any], code: str | None = None) -> bool:
    given = {"password": PASSWORD, "code": code}
    answer = await users.execute(EXPORT, {"input": given}, token=session["accessToken"])
    return [error["extensions"]["code"] for error in answer.get("errors", ())] == ["RATE_LIMITED"]


async def refusal(users: Users, session: dict[str, Any], password: str | None, code: str | None = None) -> str:
    given = {"password": password, "code": code}
    payload = (await users.act(EXPORT, token=session["accessToken"], input=given))["exportMyData"]
    assert payload["export"] is None
    (error,) = payload["userErrors"]
    return str(error["code"])


async def read(users: Users, session: dict[str, Any], export_id: str, **window: object) -> dict[str, Any] | None:
    data = await users.act(READ, token=session["accessToken"], id=export_id, **window)
    found: dict[str, Any] | None = data["dataExport"]
    return found


async def ready(users: Users, session: dict[str, Any], export_id: str) -> dict[str, Any]:
    async def answered() -> dict[str, Any] | None:
        found = await read(users, session, export_id, first=100)
        return found if found and found["status"] == "READY" else None

    return await eventually(answered)


async def answers(
    users: Users, export_id: str, subgraphs: Sequence[str] = OTHERS, parts: int = 1
) -> list[events.DataSealed]:
    """What these subgraphs would send."""
    (request,) = [each for each in await users.bodies("users.user.export_requested") if each["export_id"] == export_id]
    key = events.UserExportRequested.model_validate(request).public_key
    box = SealedBox(PublicKey(b64decode(key)))
    return [
        events.DATA_SEALED[name](
            export_id=export_id,
            user_id=request["user_id"],
            number=number,
            last=number == parts,
            sealed=b64encode(box.encrypt(json.dumps({"of": name, "number": number}).encode())).decode(),
        )
        for name in subgraphs
        for number in range(1, parts + 1)
    ]


async def told(users: Users) -> str:
    """All bodies of events, with what is sealed in them as the bytes that it is."""
    bodies = [body for (body,) in await users.rows("SELECT body FROM outbox ORDER BY position")]
    return str([body | {"sealed": b64decode(body["sealed"])} if "sealed" in body else body for body in bodies])


async def waits_for(users: Users, session: dict[str, Any], export_id: str, *subgraphs: str) -> None:
    async def so() -> bool:
        found = await read(users, session, export_id)
        return found is not None and found["waitingFor"] == sorted(subgraphs)

    await eventually(so)


async def test_sent_again_with_its_key_it_answers_the_same_export(users: Users) -> None:
    person = await enable(users)
    given = {"code": person.code(), "idempotencyKey": "1"}
    granted = await export(users, person.session, **given)
    # The code is used up, and counts as before.
    assert await export(users, person.session, **given) == granted
    assert len(await users.bodies("users.user.export_requested")) == 1


async def test_everything_is_put_together_and_read_by_its_owner(users: Users, elsewhere: Elsewhere) -> None:
    email = new_email()
    session = await users.sign_up(email=email, displayName="Somchai")
    other = await users.sign_up()

    granted = await export(users, session)

    assert granted["status"] == "PENDING"
    assert granted["parts"] is None
    await waits_for(users, session, granted["id"], *OTHERS)
    # In pieces, in any order, and again.
    sent = await answers(users, granted["id"], parts=3)
    await elsewhere.emit(*reversed(sent[1:]))
    await waits_for(users, session, granted["id"], OTHERS[0])
    assert (await read(users, session, granted["id"]) or {})["parts"] is None
    await elsewhere.emit(sent[0], sent[0])
    found = await ready(users, session, granted["id"])

    nodes = found["parts"]["nodes"]
    own = [json.loads(node["json"]) for node in nodes if node["subgraph"] == "users"]
    assert [(node["subgraph"], json.loads(node["json"])) for node in nodes if node["subgraph"] != "users"] == [
        (name, {"of": name, "number": number}) for name in OTHERS for number in (1, 2, 3)
    ]
    by_table = {document["table"]: document["rows"] for document in own[:-1]}
    (account,) = by_table["users"]
    assert (account["id"], account["email"], account["display_name"]) == (session["user"]["id"], email, "Somchai")
    assert "password_hash" not in account
    assert [row["user_agent"] for row in by_table["sessions"]] == ["tests"]
    assert own[-1]["rows"]["users.id"] == 1
    assert own[-1]["left_out"]["users.password_hash"] == "Only serves to check the password."
    assert own[-1]["left_out"]["blocks.blocked_id"] == "Nobody is told who blocked them."
    assert await users.bodies("users.user.export_ready") == [
        {"user_id": session["user"]["id"], "export_id": granted["id"]}
    ]
    mine = (await users.act(MINE, token=session["accessToken"]))["myDataExports"]["nodes"]
    assert [(each["id"], each["status"], len(each["parts"]["nodes"])) for each in mine] == [
        (granted["id"], "READY", len(nodes))
    ]

    # Somebody else's is as if it did not exist.
    assert await read(users, other, granted["id"]) is None
    assert (await users.act(MINE, token=other["accessToken"]))["myDataExports"]["nodes"] == []


async def test_what_is_stored_encrypted_is_read_as_it_was_written(users: Users, elsewhere: Elsewhere) -> None:
    session, other = await users.sign_up(), await users.sign_up()
    await submit(users, session["accessToken"], fullName="Ménage Åse 東京")
    await submit(users, other["accessToken"], documentType="PASSPORT", number="AA1234567", fullName="Somebody Else")
    granted = await export(users, session)
    await elsewhere.emit(*await answers(users, granted["id"]))

    found = await ready(users, session, granted["id"])

    own = [json.loads(node["json"]) for node in found["parts"]["nodes"] if node["subgraph"] == "users"]
    (check,) = [row for part in own if part.get("table") == "identity_verifications" for row in part["rows"]]
    assert (check["number"], check["full_name"]) == ("1234567890121", "Ménage Åse 東京")
    assert "Somebody Else" not in json.dumps(own)
    # What would let somebody in is named, not handed out.
    assert {"identity_verifications.fingerprint", "second_factors.secret", "mails.content"} <= own[-1][
        "left_out"
    ].keys()
    # Between the subgraphs and in the database nobody can read it.
    assert "1234567890121" not in await told(users)


async def test_what_lies_between_the_subgraphs_can_be_read_by_nobody(users: Users, elsewhere: Elsewhere) -> None:
    email = new_email()
    session = await users.sign_up(email=email)
    granted = await export(users, session)
    await elsewhere.emit(*await answers(users, granted["id"]))
    await ready(users, session, granted["id"])

    assert await users.bodies("users.export.sealed")
    assert email not in await told(users)
    for (sealed,) in await users.rows("SELECT sealed FROM export_parts"):
        assert email.encode() not in sealed
    # The key is encrypted for this export alone.
    ((key,),) = await users.rows("SELECT private_key FROM data_exports")
    assert len(key) > 44


async def test_many_parts_are_read_page_by_page(users: Users, elsewhere: Elsewhere) -> None:
    session = await users.sign_up()
    granted = await export(users, session)
    await elsewhere.emit(*await answers(users, granted["id"], parts=5))
    total = (await ready(users, session, granted["id"]))["parts"]["totalCount"]

    seen: list[tuple[str, int]] = []
    window: dict[str, Any] = {"first": 4}
    while True:
        found = await read(users, session, granted["id"], **window)
        assert found is not None
        seen += [(node["subgraph"], node["number"]) for node in found["parts"]["nodes"]]
        if not found["parts"]["pageInfo"]["hasNextPage"]:
            break
        window["after"] = found["parts"]["pageInfo"]["endCursor"]

    assert len(seen) == total
    assert seen == sorted(set(seen))


async def test_the_password_is_asked_for_again(serve_users: Serve) -> None:
    async with serve_users(exports_per_account="100/1 day") as users:
        session = await users.sign_up()
        before = await users.state()

        assert await refusal(users, session, None) == "INVALID_CREDENTIALS"
        assert await refusal(users, session, OTHER_PASSWORD) == "INVALID_CREDENTIALS"
        assert await users.state() == before
        assert await users.rows("SELECT * FROM data_exports") == []

        for _ in range(8):
            await refusal(users, session, OTHER_PASSWORD)
        assert await is_limited(users, session)


async def test_who_has_a_second_factor_gives_a_code_too(serve_users: Serve) -> None:
    async with serve_users(exports_per_account="100/1 day") as users:
        person = await enable(users)
        before = await users.state()

        for wrong, error in (
            (None, "SECOND_FACTOR_REQUIRED"),
            ("", "INVALID_SECOND_FACTOR"),
            (person.wrong_code(), "INVALID_SECOND_FACTOR"),
            (NO_RECOVERY_CODE, "INVALID_SECOND_FACTOR"),
        ):
            assert await refusal(users, person.session, PASSWORD, wrong) == error
        # Without the password nothing is told of the code.
        assert await refusal(users, person.session, OTHER_PASSWORD, person.code()) == "INVALID_CREDENTIALS"
        assert await users.state() == before
        assert await users.rows("SELECT * FROM data_exports") == []

        code = person.code()
        await export(users, person.session, code=code)
        # The code was used up with it.
        assert await refusal(users, person.session, PASSWORD, code) == "INVALID_SECOND_FACTOR"


async def test_codes_cannot_be_guessed_here_either(serve_users: Serve) -> None:
    async with serve_users(exports_per_account="100/1 day") as users:
        person = await enable(users)
        # Asking without one is no guess.
        for _ in range(12):
            assert await refusal(users, person.session, PASSWORD) == "SECOND_FACTOR_REQUIRED"
        for _ in range(10):
            assert await refusal(users, person.session, PASSWORD, person.wrong_code()) == "INVALID_SECOND_FACTOR"
        assert await is_limited(users, person.session, person.code())


async def test_it_is_nothing_for_a_session_that_has_ended_meanwhile(users: Users) -> None:
    session = await users.sign_up()
    actor = users.services.verifier.verify(session["accessToken"])
    await users.rows("UPDATE sessions SET ended_at = now() RETURNING id")
    with pytest.raises(SessionExpired):
        async with users.services.database.transaction() as transaction:
            await actions.exports.export_my_data(transaction, actor, users.services.settings, None)


async def test_without_a_password_a_new_session_is_enough(users: Users) -> None:
    session = await users.sign_up()
    await users.rows("UPDATE users SET password_hash = NULL RETURNING 1")

    with clock.offset(timedelta(minutes=11)):
        assert await refusal(users, session, None) == "CONFIRMATION_REQUIRED"
    payload = (await users.act(EXPORT, token=session["accessToken"], input={}))["exportMyData"]
    assert payload["userErrors"] == []


async def test_one_at_a_time(users: Users, elsewhere: Elsewhere) -> None:
    session = await users.sign_up()

    async def ask() -> str:
        payload = (await users.act(EXPORT, token=session["accessToken"], input={"password": PASSWORD}))["exportMyData"]
        return "OK" if payload["export"] else str(payload["userErrors"][0]["code"])

    outcomes = await asyncio.gather(*(ask() for _ in range(5)))
    assert sorted(outcomes) == [*["EXPORT_IN_PROGRESS"] * 4, "OK"]

    # Five tries a day, and those were five.
    assert await is_limited(users, session)


async def test_many_people_ask_by_one_connection(serve_users: Serve) -> None:
    async with serve_users(transaction_pool_size=1) as users:
        people = [await users.sign_up() for _ in range(8)]
        # PostgreSQL plans a statement anew at its sixth use.
        assert [(await export(users, session))["status"] for session in people] == ["PENDING"] * 8


async def test_it_is_deleted_after_a_week(users: Users, elsewhere: Elsewhere) -> None:
    session = await users.sign_up()
    granted = await export(users, session)
    await elsewhere.emit(*await answers(users, granted["id"]))
    await ready(users, session, granted["id"])

    async def deleted() -> bool:
        return not await users.rows("SELECT * FROM data_exports") and not await users.rows("SELECT * FROM export_parts")

    with clock.offset(timedelta(days=7, seconds=5)):
        await eventually(deleted)
    assert await users.rows("SELECT * FROM deadlines WHERE kind = 'data_export'") == []


async def test_it_fails_when_a_subgraph_does_not_answer_within_a_day(users: Users, elsewhere: Elsewhere) -> None:
    session = await users.sign_up()
    granted = await export(users, session)
    late, *others = await answers(users, granted["id"])
    await elsewhere.emit(*others)
    await waits_for(users, session, granted["id"], OTHERS[0])

    async def failed() -> bool:
        return bool(await users.rows("SELECT 1 FROM data_exports WHERE status = 'FAILED' AND private_key IS NULL"))

    with clock.offset(timedelta(days=1, seconds=5)):
        await eventually(failed)
    assert await users.rows("SELECT * FROM export_parts") == []
    # What comes too late is kept nowhere, and another export can be asked for.
    await elsewhere.emit(late)
    email = (await users.rows("SELECT email FROM users"))[0][0]
    again = await users.log_in(email)
    second = await export(users, again)
    await elsewhere.emit(*await answers(users, second["id"]))
    await ready(users, again, second["id"])
    assert await users.rows("SELECT * FROM export_parts WHERE export_id = :id", id=granted["id"]) == []


async def test_nobody_can_answer_for_another_persons_export(users: Users, elsewhere: Elsewhere) -> None:
    session = await users.sign_up()
    granted = await export(users, session)
    sent = await answers(users, granted["id"])
    foreign = [each.model_copy(update={"user_id": "user_somebody_else"}) for each in sent]

    await elsewhere.emit(*foreign, *sent[:1])
    await waits_for(users, session, granted["id"], *OTHERS[1:])


async def test_it_needs_somebody_who_is_signed_in(users: Users) -> None:
    for document, variables in ((EXPORT, {"input": {}}), (MINE, {}), (READ, {"id": "export_01jdtest"})):
        answer = await users.execute(document, variables)
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
