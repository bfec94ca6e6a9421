"""eraseMyAccount and eraseUser: what is left of somebody who left."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, events
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from shared.privacy import erasure
from subgraphs.users import actions
from tests.conftest import Elsewhere
from tests.support import factories
from tests.support.messaging import eventually
from tests.support.redelivery import deliver, deliver_twice
from tests.users.conftest import LOG_IN, OTHER_PASSWORD, PASSWORD, Users, new_email
from tests.users.second_factors import challenge, complete, enable, is_session
from tests.users.test_export_my_data import export
from tests.users.test_log_out import code, refused_within

ERASE = """
    mutation($input: EraseMyAccountInput!) { eraseMyAccount(input: $input) {
      user { id displayName bio avatarUrl status email } userErrors { code field }
    } }
"""
ERASE_USER = """
    mutation($input: EraseUserInput!) { eraseUser(input: $input) {
      user { id displayName status } userErrors { code }
    } }
"""
MARKS = ("Marked-name", "marked-bio", "marked.example.org")


async def erase(users: Users, session: dict[str, Any], **given: str) -> dict[str, Any]:
    given = {"password": PASSWORD, **given}
    payload: dict[str, Any] = (await users.act(ERASE, token=session["accessToken"], input=given))["eraseMyAccount"]
    return payload


async def dump(users: Users) -> str:
    """Everything that the database holds, as text."""
    tables = await users.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = [await users.rows(f'SELECT CAST(t AS text) FROM "{table}" AS t') for (table,) in tables]
    return str(found)


async def marked(users: Users) -> tuple[dict[str, Any], str]:
    """Somebody who can be recognised wherever they left something, and their address."""
    email = f"marked-{new_email()}"
    session = await users.sign_up(email=email, displayName="Marked-name", idempotencyKey="marked-key")
    change = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }"
    profile = {"bio": "marked-bio", "avatarUrl": "https://marked.example.org/me.png"}
    await users.act(change, token=session["accessToken"], input=profile)
    return session, email


async def test_nothing_of_a_person_is_left_but_their_id(users: Users) -> None:
    session, email = await marked(users)
    other = await users.log_in(email)
    await export(users, session)
    before = await dump(users)
    assert all(mark in before for mark in (email, *MARKS[:3]))

    payload = await erase(users, session)

    user_id = session["user"]["id"]
    assert payload == {
        "user": {
            "id": user_id,
            "displayName": "Deleted user",
            "bio": None,
            "avatarUrl": None,
            "status": "ERASED",
            "email": None,
        },
        "userErrors": [],
    }
    left = await dump(users)
    assert [mark for mark in (email, "marked", "Marked", "argon2") if mark in left] == []
    assert await users.rows("SELECT * FROM refresh_tokens") == []
    assert await users.rows("SELECT * FROM data_exports") == []
    # The log keeps its numbers.
    log = await users.rows("SELECT seq, type FROM outbox WHERE stream = :stream ORDER BY seq", stream=f"user:{user_id}")
    assert [seq for seq, _ in log] == list(range(1, len(log) + 1))
    assert log[-1][1] == "users.user.erased"
    assert await users.bodies("users.user.erased") == [{"user_id": user_id, "by": None, "reason": None}]
    for each in (session, other):
        assert await refused_within(users, each, 30)
        assert (await users.refresh(each["refreshToken"]))["userErrors"][0]["code"] == "SESSION_EXPIRED"
    refused = (await users.act(LOG_IN, input={"email": email, "password": PASSWORD}))["logIn"]
    assert [error["code"] for error in refused["userErrors"]] == ["INVALID_CREDENTIALS"]
    # The address is free again, and its next owner is somebody else.
    assert (await users.sign_up(email=email, idempotencyKey="marked-key"))["user"]["id"] != user_id


async def test_the_password_is_asked_for_again(users: Users) -> None:
    session, _ = await marked(users)
    before = await users.state()

    payload = await erase(users, session, password=OTHER_PASSWORD)

    assert payload == {"user": None, "userErrors": [{"code": "INVALID_CREDENTIALS", "field": ["password"]}]}
    assert await users.state() == before


async def test_who_has_a_second_factor_gives_a_code_too(users: Users) -> None:
    person = await enable(users, displayName="Marked-name")
    used = person.recovery_codes[0]
    await complete(users, await challenge(users, person.email), used)
    before = await users.state()

    for given, error in (
        ({}, "SECOND_FACTOR_REQUIRED"),
        ({"code": person.wrong_code()}, "INVALID_SECOND_FACTOR"),
        ({"code": used}, "INVALID_SECOND_FACTOR"),
        ({"password": OTHER_PASSWORD, "code": person.code()}, "INVALID_CREDENTIALS"),
    ):
        payload = await erase(users, person.session, **given)
        assert (payload["user"], [each["code"] for each in payload["userErrors"]]) == (None, [error])
    assert await users.state() == before

    payload = await erase(users, person.session, code=person.recovery_codes[1])
    assert (payload["user"]["status"], payload["userErrors"]) == ("ERASED", [])
    assert [mark for mark in (person.email, "Marked", "argon2") if mark in await dump(users)] == []
    assert await users.rows("SELECT 1 FROM second_factors") + await users.rows("SELECT 1 FROM recovery_codes") == []


async def test_a_code_is_kept_when_nothing_comes_of_it(users: Users) -> None:
    person = await enable(users)
    engaged = "INSERT INTO engagements (task_id, poster_id, tasker_id, open, version) "
    await users.rows(
        f"{engaged} VALUES ('task_x', :id, 'user_x', true, 1) RETURNING 1", id=person.session["user"]["id"]
    )
    code = person.recovery_codes[0]

    payload = await erase(users, person.session, code=code)

    assert [each["code"] for each in payload["userErrors"]] == ["ACCOUNT_HAS_OPEN_ENGAGEMENTS"]
    assert is_session(await complete(users, await challenge(users, person.email), code))


async def test_without_a_password_a_new_session_and_the_code_are_enough(users: Users) -> None:
    person = await enable(users)
    await users.rows("UPDATE users SET password_hash = NULL RETURNING 1")
    with clock.offset(timedelta(minutes=11)):
        later = (await users.refresh(person.session["refreshToken"]))["session"]
        refused = await erase(users, later, code=person.code())
        assert [each["code"] for each in refused["userErrors"]] == ["CONFIRMATION_REQUIRED"]
    refused = await erase(users, person.session)
    assert [each["code"] for each in refused["userErrors"]] == ["SECOND_FACTOR_REQUIRED"]
    assert (await erase(users, person.session, code=person.code()))["userErrors"] == []


@pytest.mark.parametrize("end", ["CANCELLED", "COMPLETED"])
@pytest.mark.parametrize("side", ["poster_id", "tasker_id"])
async def test_nobody_leaves_whom_somebody_counts_on(users: Users, elsewhere: Elsewhere, side: str, end: str) -> None:
    session, _ = await marked(users)
    people = {"poster_id": new_id("user"), "tasker_id": new_id("user")} | {side: session["user"]["id"]}
    assigned = factories.task_snapshot(status="ASSIGNED", version=3, **people)
    ended = assigned.model_copy(update={"status": end, "version": 4})
    cancelled, completed = (
        events.TaskCancelled(task=ended, reason="Rain", by="POSTER"),
        events.TaskCompleted(task=ended, by="TIMER"),
    )
    others = factories.task_snapshot(status="ASSIGNED", tasker_id=new_id("user"))
    await deliver_twice(
        elsewhere,
        "users",
        events.TaskAssigned(task=assigned, bid_id=new_id("bid")),
        events.TaskAssigned(task=others, bid_id=new_id("bid")),
    )
    before = await users.state()

    payload = await erase(users, session)

    assert payload == {"user": None, "userErrors": [{"code": "ACCOUNT_HAS_OPEN_ENGAGEMENTS", "field": None}]}
    assert await users.state() == before

    await deliver_twice(elsewhere, "users", cancelled if end == "CANCELLED" else completed)
    # A dead letter that is replayed tells nothing new.
    await deliver_twice(elsewhere, "users", events.TaskAssigned(task=assigned, bid_id=new_id("bid")))
    assert (await erase(users, session))["userErrors"] == []


ERASE_AND_SAY = """
    mutation($input: EraseMyAccountInput!) { eraseMyAccount(input: $input) { userErrors { code field message } } }
"""


async def why_not(users: Users, session: dict[str, Any]) -> list[dict[str, Any]]:
    """What is said against the erasure of somebody, which changes nothing; nothing if they are erased."""
    before = await users.state()
    given = {"password": PASSWORD}
    errors: list[dict[str, Any]] = (await users.act(ERASE_AND_SAY, token=session["accessToken"], input=given))[
        "eraseMyAccount"
    ]["userErrors"]
    assert not errors or await users.state() == before
    return errors


def has_money(*what: str) -> list[dict[str, Any]]:
    return [{"code": "ACCOUNT_HAS_MONEY", "field": None, "message": " ".join(what)}]


@pytest.mark.parametrize("side", ["poster_id", "tasker_id"])
async def test_nobody_leaves_while_money_for_a_task_of_theirs_is_held(
    users: Users, elsewhere: Elsewhere, side: str
) -> None:
    session, _ = await marked(users)
    escrow = factories.escrow_snapshot(status="PENDING", version=1, **{side: session["user"]["id"]})

    def at(status: str, version: int) -> events.EscrowSnapshot:
        return escrow.model_copy(update={"status": status, "version": version})

    others = factories.escrow_snapshot()
    for happened in (
        events.EscrowOpened(escrow=escrow),
        events.EscrowFunded(escrow=at("FUNDED", 2)),
        events.EscrowFrozen(escrow=at("FROZEN", 3), reason="DISPUTE"),
    ):
        await deliver_twice(elsewhere, "users", happened, events.EscrowFunded(escrow=others))
        assert await why_not(users, session) == has_money("Money for a task is still held.")

    await deliver_twice(elsewhere, "users", events.EscrowSplit(escrow=at("SPLIT", 4)))
    # A dead letter that is replayed tells nothing new.
    await deliver(elsewhere, "users", events.EscrowFunded(escrow=at("FUNDED", 2)))
    assert await why_not(users, session) == []


async def test_nobody_leaves_while_they_are_owed_money_or_owe_some(users: Users, elsewhere: Elsewhere) -> None:
    session, _ = await marked(users)

    def balance(minor: int, on_its_way: int = 0, currency: CurrencyCode = CurrencyCode.EUR) -> events.BalanceChanged:
        amounts = {"balance": Money(minor, currency), "on_its_way": Money(on_its_way, currency)}
        return events.BalanceChanged(user_id=session["user"]["id"], **amounts)

    owed, sent = "12.00 EUR is in the balance, to be paid out.", "12.00 EUR is on its way to the bank."
    in_yen = "500 JPY is owed to the marketplace."
    first = balance(1_200)
    for happened, what in (
        (first, (owed,)),
        (balance(-500, currency=CurrencyCode.JPY), (owed, in_yen)),
        (balance(0, 1_200), (in_yen, sent)),
        (balance(0, currency=CurrencyCode.JPY), (sent,)),
    ):
        await deliver_twice(elsewhere, "users", happened)
        assert await why_not(users, session) == has_money(*what)

    await deliver_twice(elsewhere, "users", balance(0))
    # What is older tells nothing new, also under another id.
    async with users.services.database.transaction() as transaction:
        await actions.erasure.copy_balance(transaction, first, 1)
    assert await why_not(users, session) == []


async def test_of_two_erasures_at_once_one_counts(users: Users) -> None:
    session, _ = await marked(users)

    answers = await asyncio.gather(
        *(users.execute(ERASE, {"input": {"password": PASSWORD}}, token=session["accessToken"]) for _ in range(4))
    )

    done = [each for each in answers if each["data"] and each["data"]["eraseMyAccount"]["user"]]
    assert len(done) == 1
    assert len(await users.bodies("users.user.erased")) == 1


async def test_an_admin_erases_somebody_and_says_why(users: Users) -> None:
    session, _ = await marked(users)
    email = new_email()
    await users.sign_up(email=email)
    await users.rows("UPDATE users SET roles = '{POSTER,ADMIN}' WHERE email = :email RETURNING 1", email=email)
    admin = await users.log_in(email)
    given = {"userId": session["user"]["id"], "reason": "They asked for it by post."}

    answer = await users.execute(ERASE_USER, {"input": given}, token=session["accessToken"])
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await code(users, session) == "OK"

    payload = (await users.act(ERASE_USER, token=admin["accessToken"], input=given))["eraseUser"]

    assert payload == {
        "user": {"id": session["user"]["id"], "displayName": "Deleted user", "status": "ERASED"},
        "userErrors": [],
    }
    (body,) = await users.bodies("users.user.erased")
    assert body["by"] == admin["user"]["id"]
    assert await refused_within(users, session, 30)


async def test_what_comes_later_is_erased_as_well(users: Users) -> None:
    session, _ = await marked(users)
    await erase(users, session)
    # As by a request that had begun before.
    await users.rows("UPDATE users SET bio = 'marked-bio' RETURNING 1")

    for kind, after in erasure.PASSES.items():
        with clock.offset(after + after / 100):

            async def done(kind: str = kind) -> bool:
                return not await users.rows("SELECT 1 FROM deadlines WHERE kind = :kind", kind=kind)

            await eventually(done)

    assert "marked" not in await dump(users)
    # Nor is there a session any more.
    assert await users.rows("SELECT * FROM sessions") == []
