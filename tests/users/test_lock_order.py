"""Transactions that meet: if one locked rows in another order than the rest, PostgreSQL would end it or the other.

Each test holds a row until two actions wait for it or for each other, in an order that is the worst.
"""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.ids import new_id
from subgraphs.users import actions, models, store
from subgraphs.users.actions.exports import DEADLINE
from subgraphs.users.revocations import RevocationKeeper
from subgraphs.users.rules.exports import LIFETIME, PATIENCE, Status
from tests.users.conftest import PASSWORD, Users
from tests.users.second_factors import COMPLETE, DISABLE, REMOVE, challenge, enable, is_refused
from tests.users.test_administration import REASON, REVOKE, SUSPEND, an_admin
from tests.users.test_blocks import BLOCK, UNBLOCK
from tests.users.test_erase_my_account import ERASE
from tests.users.test_log_out import LOG_OUT, session_id
from tests.users.test_reports import REPORT, report_of
from tests.users.test_verification import decide, new_admin, submit

Action = Coroutine[Any, Any, Any]

A_SESSION = "SELECT 1 FROM sessions WHERE id = :id FOR UPDATE"
AN_ACCOUNT = "SELECT 1 FROM users WHERE id = :id FOR UPDATE"
A_BLOCK = "SELECT 1 FROM blocks WHERE (blocker_id, blocked_id) = (:blocker, :blocked) FOR UPDATE"
AN_EXPORT = "SELECT 1 FROM data_exports WHERE id = :id FOR UPDATE"
A_PART = "SELECT 1 FROM export_parts WHERE export_id = :id FOR UPDATE"
A_CHECK = "SELECT 1 FROM identity_verifications WHERE id = :id FOR UPDATE"
ALL_CHALLENGES = "SELECT 1 FROM second_factor_challenges FOR UPDATE"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def meet(users: Users, held: str, parameters: Mapping[str, object], first: Action, second: Action) -> list[Any]:
    """What two actions come to that begin one after the other while somebody holds a row."""
    tasks: list[asyncio.Task[Any]] = []
    async with users.services.database.transaction() as session:
        assert (await session.execute(text(held), parameters)).all()
        for action in (first, second):
            tasks.append(asyncio.create_task(action))
            await _until_all_wait(users, tasks)
    return await asyncio.gather(*tasks)


async def _until_all_wait(users: Users, tasks: list[asyncio.Task[Any]]) -> None:
    """Waits until each of these stands before a lock, or is done."""
    async with asyncio.timeout(30):
        while (await users.rows(_WAITING))[0][0] + sum(task.done() for task in tasks) < len(tasks):
            await asyncio.sleep(0.02)


async def act(users: Users, document: str, session: Mapping[str, Any], **input: object) -> list[str]:
    """The codes of the user errors of a mutation; fails for any other error, such as that of a deadlock."""
    ((_, payload),) = (await users.act(document, token=session["accessToken"], input=input)).items()
    return [error["code"] for error in payload["userErrors"]]


async def run(users: Users, action: Callable[[AsyncSession], Awaitable[object]]) -> None:
    """Runs an action that no mutation is of."""
    async with users.services.database.transaction() as session:
        await action(session)


def erase(users: Users, session: Mapping[str, Any], **given: object) -> Action:
    return act(users, ERASE, session, password=PASSWORD, **given)


def log_out(users: Users, session: dict[str, Any], ends: dict[str, Any]) -> Action:
    return act(users, LOG_OUT, session, sessionId=session_id(users, ends))


async def email_of(users: Users, session: Mapping[str, Any]) -> str:
    ((email,),) = await users.rows("SELECT email FROM users WHERE id = :id", id=session["user"]["id"])
    return str(email)


@pytest.mark.parametrize("document", [SUSPEND, REVOKE], ids=["suspendUser", "revokeRole"])
async def test_a_logout_and_an_admin_who_ends_all_sessions(users: Users, document: str) -> None:
    boss, person = await an_admin(users), await users.sign_up()
    given = {"userId": person["user"]["id"]} | ({"reason": REASON} if document == SUSPEND else {"role": "TASKER"})

    answers = await meet(
        users,
        A_SESSION,
        {"id": session_id(users, person)},
        log_out(users, person, person),
        act(users, document, boss, **given),
    )

    assert answers == [[], []]


@pytest.mark.parametrize("ending", ["disableTotp", "eraseMyAccount"])
async def test_a_logout_and_what_ends_all_sessions_by_a_recovery_code(users: Users, ending: str) -> None:
    person = await enable(users)
    other = await users.act(
        COMPLETE, input={"challenge": await challenge(users, person.email), "code": person.recovery_codes[0]}
    )
    other_session = other["completeLogIn"]["session"]
    code = person.recovery_codes[1]

    answers = await meet(
        users,
        A_SESSION,
        {"id": session_id(users, other_session)},
        log_out(users, other_session, other_session),
        erase(users, person.session, code=code)
        if ending == "eraseMyAccount"
        else act(users, DISABLE, person.session, password=PASSWORD, code=code),
    )

    assert answers == [[], []]


async def test_an_erasure_and_the_logout_of_a_session_that_has_expired(users: Users) -> None:
    person = await users.sign_up()
    other = await users.log_in(await email_of(users, person))
    other_id = session_id(users, other)
    await users.rows(
        "UPDATE sessions SET expires_at = now() - interval '1 day' WHERE id = :id RETURNING 1", id=other_id
    )

    answers = await meet(users, A_SESSION, {"id": other_id}, log_out(users, person, other), erase(users, person))

    assert answers == [[], []]


async def test_an_erasure_and_a_login_that_is_being_answered(users: Users) -> None:
    person = await enable(users)
    given = {"challenge": await challenge(users, person.email), "code": person.recovery_codes[0]}

    erased, payload = await meet(
        users,
        AN_ACCOUNT,
        {"id": person.session["user"]["id"]},
        erase(users, person.session, code=person.recovery_codes[1]),
        users.act(COMPLETE, input=given),
    )

    assert erased == []
    assert is_refused(payload["completeLogIn"])
    left = "SELECT 1 FROM second_factor_challenges WHERE user_id IS NOT NULL"
    assert await users.rows(left) == []


async def test_a_second_factor_that_is_removed_and_a_login_that_is_being_answered(users: Users) -> None:
    boss, person = await an_admin(users), await enable(users)
    user_id = person.session["user"]["id"]
    given = {"challenge": await challenge(users, person.email), "code": person.recovery_codes[0]}

    removed, payload = await meet(
        users,
        AN_ACCOUNT,
        {"id": user_id},
        act(users, REMOVE, boss, userId=user_id, reason=REASON),
        users.act(COMPLETE, input=given),
    )

    assert removed == []
    assert is_refused(payload["completeLogIn"])
    assert await users.rows("SELECT 1 FROM sessions WHERE user_id = :id AND ended_at IS NULL", id=user_id) == []


async def test_an_erasure_and_the_end_of_a_block(users: Users) -> None:
    person, other = await users.sign_up(), await users.sign_up()
    ids = {"blocker": person["user"]["id"], "blocked": other["user"]["id"]}
    await act(users, BLOCK, person, userId=ids["blocked"])

    answers = await meet(users, A_BLOCK, ids, act(users, UNBLOCK, person, userId=ids["blocked"]), erase(users, person))

    assert answers == [[], []]


async def test_the_erasures_of_two_people_who_blocked_each_other(users: Users) -> None:
    one, two = await users.sign_up(), await users.sign_up()
    one_id, two_id = one["user"]["id"], two["user"]["id"]
    await act(users, BLOCK, one, userId=two_id)
    await act(users, BLOCK, two, userId=one_id)

    answers = await meet(users, A_BLOCK, {"blocker": two_id, "blocked": one_id}, erase(users, two), erase(users, one))

    assert answers == [[], []]
    assert await users.rows("SELECT 1 FROM blocks") == []


@pytest.mark.parametrize("document", [BLOCK, REPORT], ids=["blockUser", "reportUser"])
async def test_an_admin_who_suspends_somebody_that_blocks_or_reports_them(users: Users, document: str) -> None:
    # In this order, so that the admin's id is the higher one.
    person, boss = await users.sign_up(), await an_admin(users)
    boss_id = boss["user"]["id"]
    given = {"userId": boss_id} if document == BLOCK else report_of(boss_id)

    answers = await meet(
        users,
        AN_ACCOUNT,
        {"id": boss_id},
        act(users, document, person, **given),
        act(users, SUSPEND, boss, userId=person["user"]["id"], reason=REASON),
    )

    assert answers == [[], []]


async def an_export(users: Users, session: Mapping[str, Any], age: timedelta = timedelta(0)) -> events.BidsDataSealed:
    """Adds an export that waits for bids only; answers the part that would make it ready."""
    requested_at = clock.now() - age
    export = models.DataExport(
        id=new_id("export"),
        user_id=session["user"]["id"],
        status=Status.PENDING,
        expected=["bids"],
        private_key=None,
        requested_at=requested_at,
        ready_at=None,
        expires_at=requested_at + LIFETIME,
    )
    await run(users, lambda session: store.exports.add_export(session, export))
    return events.BidsDataSealed(
        export_id=export.id, user_id=export.user_id, number=1, last=True, sealed=b64encode(b"sealed").decode()
    )


async def test_an_erasure_and_a_part_of_an_export_that_comes(users: Users) -> None:
    person = await users.sign_up()
    part = await an_export(users, person)

    _, erased = await meet(
        users,
        AN_EXPORT,
        {"id": part.export_id},
        run(users, lambda session: actions.exports.take_part(session, "bids", part)),
        erase(users, person),
    )

    assert erased == []
    assert await users.rows("SELECT 1 FROM data_exports") == await users.rows("SELECT 1 FROM export_parts") == []


async def test_an_erasure_and_the_deadline_of_an_export(users: Users) -> None:
    person = await users.sign_up()
    part = await an_export(users, person, PATIENCE)
    half = models.ExportPart(export_id=part.export_id, subgraph="bids", number=2, last=True, sealed=b"sealed")
    await run(users, lambda session: store.exports.add_part(session, half))

    erased, _ = await meet(
        users,
        A_PART,
        {"id": part.export_id},
        erase(users, person),
        run(users, lambda session: actions.exports.time_is_up(session, part.export_id)),
    )

    assert erased == []
    assert await users.rows("SELECT 1 FROM data_exports") == await users.rows("SELECT 1 FROM export_parts") == []


async def test_the_last_part_of_an_export_and_its_deadline(users: Users) -> None:
    person = await users.sign_up()
    part = await an_export(users, person, PATIENCE)
    # Not due, so that the worker of the subgraph leaves it to the one here.
    due_at = clock.now() + timedelta(hours=1)
    await run(users, lambda session: deadlines.schedule(session, DEADLINE, part.export_id, due_at))

    async def handle(session: AsyncSession) -> None:
        await session.execute(text("DELETE FROM deadlines WHERE kind = :kind"), {"kind": DEADLINE})
        await actions.exports.time_is_up(session, part.export_id)

    await meet(
        users,
        AN_EXPORT,
        {"id": part.export_id},
        run(users, lambda session: actions.exports.take_part(session, "bids", part)),
        run(users, handle),
    )

    ((status, expires_at),) = await users.rows("SELECT status, expires_at FROM data_exports")
    assert status == Status.READY
    assert await users.rows("SELECT due_at FROM deadlines WHERE kind = :kind", kind=DEADLINE) == [(expires_at,)]


async def test_an_approval_and_the_fingerprints_that_are_made_anew(users: Users) -> None:
    admin, person = await new_admin(users), await users.sign_up()
    earlier = await submit(users, person["accessToken"])
    await decide(users, admin, "approve", earlier)
    # As close to its end as it must be for the next one.
    await users.rows("UPDATE identity_verifications SET expires_at = now() + interval '1 day' RETURNING 1")
    later = await submit(users, person["accessToken"])

    payload, _ = await meet(
        users,
        A_CHECK,
        {"id": later["id"]},
        decide(users, admin, "approve", later),
        run(users, lambda session: store.verification.lock_checks_printed_before(session, b"none", "", 100)),
    )

    assert (payload["verification"]["status"], payload["userErrors"]) == ("APPROVED", [])


async def test_an_erasure_and_the_housekeeping(users: Users) -> None:
    person = await enable(users)
    await challenge(users, person.email)
    past = "now() - interval '1 day'"
    await users.rows(f"UPDATE second_factor_challenges SET expires_at = {past} RETURNING 1")
    assert await users.rows(f"UPDATE mailed_codes SET expires_at = {past} RETURNING 1") == [(1,)]

    erased, _ = await meet(
        users,
        ALL_CHALLENGES,
        {},
        erase(users, person.session, code=person.code()),
        RevocationKeeper(users.services)._tidy(),
    )

    assert erased == []


EXPIRED = {
    "refresh_tokens": "UPDATE refresh_tokens SET expires_at = now() - interval '1 day' RETURNING 1",
    "sessions": "UPDATE sessions SET expires_at = now() - interval '31 days' RETURNING 1",
    "mailed_codes": "UPDATE mailed_codes SET expires_at = now() - interval '1 day' RETURNING 1",
    "openid_sign_ins": """
        INSERT INTO openid_sign_ins (handle_hash, salt, provider, expires_at)
        VALUES ('handle', 'salt', 'somewhere', now() - interval '1 day') RETURNING 1""",
    "second_factor_challenges": """
        INSERT INTO second_factor_challenges (challenge_hash, attempts, expires_at)
        VALUES ('challenge', 1, now() - interval '1 day') RETURNING 1""",
    "second_factors": """
        INSERT INTO second_factors (user_id, secret, created_at)
        SELECT id, 'secret', now() - interval '1 day' FROM users RETURNING 1""",
}


@pytest.mark.parametrize("table", EXPIRED)
async def test_housekeeping_waits_for_nobody(users: Users, table: str) -> None:
    await users.sign_up()
    assert await users.rows(EXPIRED[table]) == [(1,)]
    keeper = RevocationKeeper(users.services)

    async with users.services.database.transaction() as session:
        await session.execute(text(f"SELECT 1 FROM {table} FOR UPDATE"))
        async with asyncio.timeout(30):
            await keeper._tidy()
    assert len(await users.rows(f"SELECT 1 FROM {table}")) == 1

    await keeper._tidy()
    assert await users.rows(f"SELECT 1 FROM {table}") == []
