"""logIn and completeLogIn with a second factor."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median

import pytest
from sqlalchemy import event

from shared import clock
from shared.graphql.scalars import parse_datetime
from subgraphs.users.revocations import RevocationKeeper
from tests.users.conftest import ME, OTHER_PASSWORD, PASSWORD, REFRESH, SIGN_UP, Serve, Users, new_email, sign_up_input
from tests.users.second_factors import (
    CHALLENGE,
    CONFIRM,
    ENABLE,
    NO_RECOVERY_CODE,
    challenge,
    code_of,
    complete,
    enable,
    is_refused,
    is_session,
)

# Far more than these tests need, where the limits are not what is tested.
UNLIMITED: dict[str, object] = {
    "log_in_failures_per_account": "1000/15 minutes",
    "log_in_failures_per_address": "1000/15 minutes",
}


async def test_a_login_takes_a_code_after_the_password(users: Users) -> None:
    person = await enable(users)

    payload = (await users.act(CHALLENGE, input={"email": person.email, "password": PASSWORD}))["logIn"]

    given = payload["secondFactor"]
    assert payload == {"session": None, "secondFactor": given, "userErrors": []}
    left = parse_datetime(given["expiresAt"]) - clock.now()
    assert timedelta(minutes=4, seconds=30) < left <= timedelta(minutes=5)
    assert len(await users.rows("SELECT 1 FROM sessions")) == 1

    completed = await complete(users, given["challenge"], person.code())
    assert isinstance(completed, dict)
    assert completed["userErrors"] == []
    token = completed["session"]["accessToken"]
    assert (await users.act(ME, token=token))["me"]["email"] == person.email
    assert len(await users.rows("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 2
    refreshed = await users.act(REFRESH, input={"refreshToken": completed["session"]["refreshToken"]})
    assert refreshed["refreshSession"]["userErrors"] == []


async def test_a_wrong_password_gets_no_challenge(users: Users) -> None:
    person = await enable(users)
    payload = (await users.act(CHALLENGE, input={"email": person.email, "password": OTHER_PASSWORD}))["logIn"]
    assert (payload["session"], payload["secondFactor"]) == (None, None)
    assert payload["userErrors"][0]["code"] == "INVALID_CREDENTIALS"
    assert await users.rows("SELECT 1 FROM second_factor_challenges") == []


async def test_the_challenge_lies_nowhere_readable(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    stored = str(await users.rows("SELECT c::text FROM second_factor_challenges c")) + str(await users.log())
    assert given not in stored
    assert given.encode().hex() not in stored


@pytest.mark.parametrize("steps", [-1, 0, 1])
async def test_codes_of_a_clock_that_differs_by_one_step_pass(users: Users, steps: int) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    # In the middle of a step, so that none ends between making the code and its use.
    middle = 15 - clock.now().timestamp() % 30
    with clock.offset(timedelta(seconds=middle)):
        assert is_session(await complete(users, given, person.code(steps)))


@pytest.mark.parametrize("steps", [-2, 2])
async def test_codes_of_a_clock_that_differs_by_more_do_not(users: Users, steps: int) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    middle = 15 - clock.now().timestamp() % 30
    with clock.offset(timedelta(seconds=middle)):
        assert is_refused(await complete(users, given, person.code(steps)))


async def test_a_code_is_accepted_once(users: Users) -> None:
    person = await enable(users)
    code = person.code()
    assert is_session(await complete(users, await challenge(users, person.email), code))

    before = await users.rows("SELECT id FROM sessions ORDER BY id")
    assert is_refused(await complete(users, await challenge(users, person.email), code))
    # Nor is an older one, which somebody may have seen before.
    assert is_refused(await complete(users, await challenge(users, person.email), person.code(-1)))
    assert await users.rows("SELECT id FROM sessions ORDER BY id") == before
    with clock.offset(timedelta(seconds=60)):
        assert is_session(await complete(users, await challenge(users, person.email), person.code()))


async def test_of_many_requests_with_one_code_at_the_same_time_one_gets_a_session(serve_users: Serve) -> None:
    async with serve_users(**UNLIMITED) as users:
        person = await enable(users)
        challenges = [await challenge(users, person.email) for _ in range(8)]
        code = person.code()

        answers = await asyncio.gather(*(complete(users, given, code) for given in challenges))

        assert sum(is_session(answer) for answer in answers) == 1
        assert sum(is_refused(answer) for answer in answers) == 7


async def test_a_challenge_is_met_once(serve_users: Serve) -> None:
    async with serve_users(**UNLIMITED) as users:
        person = await enable(users)
        given = await challenge(users, person.email)

        codes = [person.code(), person.code(1), *person.recovery_codes[:2]]
        answers = await asyncio.gather(*(complete(users, given, code) for code in codes))

        assert sum(is_session(answer) for answer in answers) == 1
        assert sum(is_refused(answer) for answer in answers) == 3
        assert is_refused(await complete(users, given, person.recovery_codes[5]))


async def test_a_challenge_expires(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    with clock.offset(timedelta(minutes=5, seconds=1)):
        assert is_refused(await complete(users, given, person.code()))
        assert is_refused(await complete(users, given, person.recovery_codes[0]))


async def test_a_challenge_bears_five_attempts(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    for attempt in range(5):
        wrong = person.wrong_code() if attempt % 2 else NO_RECOVERY_CODE
        assert is_refused(await complete(users, given, wrong))
    assert is_refused(await complete(users, given, person.code()))
    assert is_refused(await complete(users, given, person.recovery_codes[0]))
    assert is_session(await complete(users, await challenge(users, person.email), person.code()))


async def test_the_fifth_attempt_still_counts(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    for _ in range(4):
        assert is_refused(await complete(users, given, person.wrong_code()))
    assert is_session(await complete(users, given, person.code()))


async def test_attempts_at_the_same_time_are_counted_one_by_one(serve_users: Serve) -> None:
    async with serve_users(**UNLIMITED) as users:
        person = await enable(users)
        given = await challenge(users, person.email)
        await asyncio.gather(*(complete(users, given, person.wrong_code()) for _ in range(8)))
        assert is_refused(await complete(users, given, person.code()))
        assert await users.rows("SELECT attempts FROM second_factor_challenges") == [(9,)]


async def test_a_challenge_dies_with_the_password_that_it_is_of(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    await users.rows("UPDATE users SET password_hash = 'another' RETURNING id")
    assert is_refused(await complete(users, given, person.code()))


async def test_a_challenge_is_of_one_account(users: Users) -> None:
    person, other = await enable(users), await enable(users)
    given = await challenge(users, person.email)
    assert is_refused(await complete(users, given, other.code()))
    assert is_refused(await complete(users, given, other.recovery_codes[0]))


async def test_a_recovery_code_is_good_once_however_it_is_typed(users: Users) -> None:
    person = await enable(users)
    code = person.recovery_codes[3]
    typed = f" {code.upper().replace('-', ' ').replace('0', 'O').replace('1', 'l')} "
    assert is_session(await complete(users, await challenge(users, person.email), typed))
    assert is_refused(await complete(users, await challenge(users, person.email), code))
    assert await users.bodies("users.user.recovery_code_used") == [
        {"user_id": person.session["user"]["id"], "recovery_codes_left": 9}
    ]


async def test_of_many_requests_with_one_recovery_code_one_gets_a_session(serve_users: Serve) -> None:
    async with serve_users(**UNLIMITED) as users:
        person = await enable(users)
        challenges = [await challenge(users, person.email) for _ in range(6)]
        answers = await asyncio.gather(*(complete(users, given, person.recovery_codes[0]) for given in challenges))
        assert sum(is_session(answer) for answer in answers) == 1


@pytest.mark.parametrize(
    "code", ["", "0", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "x" * 100_000, "-" * 64, NO_RECOVERY_CODE]
)
async def test_whatever_is_wrong_the_answer_is_the_same(users: Users, code: str) -> None:
    person = await enable(users)
    sessions = await users.rows("SELECT * FROM sessions ORDER BY id")
    log = await users.log()
    given = await challenge(users, person.email)
    for presented in (given, "no challenge", "", "x" * 100_000):
        assert is_refused(await complete(users, presented, code))
    assert await users.rows("SELECT * FROM sessions ORDER BY id") == sessions
    assert await users.log() == log


async def test_whatever_is_presented_the_statements_are_the_same(serve_users: Serve) -> None:
    async with serve_users(**UNLIMITED) as users:
        person = await enable(users)
        used = await challenge(users, person.email)
        assert is_session(await complete(users, used, person.recovery_codes[0]))
        known = await challenge(users, person.email)
        for code in (person.wrong_code(), NO_RECOVERY_CODE):
            seen = []
            for given in (known, used, "never given"):
                with all_statements(users) as statements:
                    assert is_refused(await complete(users, given, code))
                seen.append(statements)
            assert seen[0] == seen[1] == seen[2]
            assert len(seen[0]) == (5 if code == NO_RECOVERY_CODE else 4)


@contextmanager
def all_statements(users: Users) -> Iterator[list[str]]:
    """The SQL about logins meanwhile, of reads and transactions."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if any(table in statement for table in ("second_factor", "FROM users", "recovery_codes")):
            seen.append(statement)

    engines = [engine.sync_engine for engine in users.services.database.pools().values()]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


@pytest.mark.timing
async def test_whatever_is_presented_the_work_is_the_same(serve_users: Serve) -> None:
    async with serve_users(**UNLIMITED) as users:
        person = await enable(users)
        used = await challenge(users, person.email)
        assert is_session(await complete(users, used, person.code()))

        async def seconds(given: str, number: int) -> float:
            started = time.process_time()
            assert is_refused(await complete(users, given, person.wrong_code(), address=f"203.0.113.{number}"))
            return time.process_time() - started

        # By turns, so that what else the machine does hits all three alike.
        known = [await challenge(users, person.email) for _ in range(15)]
        rounds = [
            (
                await seconds(known[number], number),
                await seconds(used, number),
                await seconds(f"never given {number}", number),
            )
            for number in range(15)
        ]
        wrong, spent, unknown = (median(each) for each in zip(*rounds, strict=True))
        assert abs(wrong - spent) < 0.005
        assert abs(wrong - unknown) < 0.005


async def test_ten_failures_shut_an_account_for_the_address_and_nobody_else(users: Users) -> None:
    person = await enable(users)
    answers = []
    for _ in range(3):
        given = await challenge(users, person.email)
        answers += [await complete(users, given, person.wrong_code()) for _ in range(4)]

    assert [is_refused(answer) for answer in answers[:10]] == [True] * 10
    assert answers[10:] == ["RATE_LIMITED"] * 2
    assert await complete(users, await challenge(users, person.email), person.code()) == "RATE_LIMITED"
    elsewhere = await complete(users, await challenge(users, person.email), person.code(), address="203.0.113.2")
    assert is_session(elsewhere)


async def test_all_attempts_of_one_request_count(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    fields = " ".join(f"a{n}: completeLogIn(input: $input) {{ userErrors {{ code }} }}" for n in range(30))
    document = f"mutation($input: CompleteLogInInput!) {{ {fields} }}"

    answer = await users.execute(document, {"input": {"challenge": given, "code": person.wrong_code()}})

    assert answer["data"] is None
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"RATE_LIMITED"}
    fresh = await challenge(users, person.email)
    assert await complete(users, fresh, person.code(), address="127.0.0.1") == "RATE_LIMITED"


async def test_an_address_that_presents_what_was_never_given_is_shut_out(serve_users: Serve) -> None:
    async with serve_users(log_in_failures_per_address="5/15 minutes") as users:
        person = await enable(users)
        for number in range(5):
            assert is_refused(await complete(users, f"guess {number}", "123456"))
        assert await complete(users, "guess 6", "123456") == "RATE_LIMITED"
        given = await challenge(users, person.email)
        assert is_session(await complete(users, given, person.code(), address="203.0.113.2"))


async def test_who_guesses_from_everywhere_leaves_the_owner_their_recovery_codes(serve_users: Serve) -> None:
    async with serve_users(wrong_one_time_codes_per_account="4/1 day") as users:
        person = await enable(users)
        given = await challenge(users, person.email)
        for number in range(4):
            assert is_refused(await complete(users, given, person.wrong_code(), address=f"203.0.113.{number}"))
        fresh = await challenge(users, person.email)
        assert await complete(users, fresh, person.code(), address="203.0.113.77") == "RATE_LIMITED"
        assert is_session(await complete(users, fresh, person.recovery_codes[0], address="203.0.113.77"))


async def test_a_suspended_account_gets_no_session(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    await users.rows("UPDATE users SET status = 'SUSPENDED' RETURNING id")
    assert is_refused(await complete(users, given, person.wrong_code()))
    payload = await complete(users, given, person.code())
    assert payload == {
        "session": None,
        "userErrors": [{"code": "ACCOUNT_SUSPENDED", "message": "This account is suspended.", "field": None}],
    }
    assert len(await users.rows("SELECT 1 FROM sessions")) == 1


async def test_an_account_that_is_gone_gets_none_either(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    await users.rows("UPDATE users SET status = 'ERASED' RETURNING id")
    payload = await complete(users, given, person.code())
    assert isinstance(payload, dict)
    assert payload["session"] is None


async def test_signing_up_again_with_the_key_is_no_way_round(users: Users) -> None:
    fine = sign_up_input(email=new_email(), idempotencyKey="the same")
    first = (await users.act(SIGN_UP, input=fine))["signUp"]["session"]
    assert (await users.act(SIGN_UP, input=fine))["signUp"]["session"]["user"] == first["user"]

    await enable_for(users, first["accessToken"])

    payload = (await users.act(SIGN_UP, input=fine))["signUp"]
    assert payload["session"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["SESSION_EXPIRED"]


async def enable_for(users: Users, token: str) -> None:
    secret = (await users.act(ENABLE, token=token, input={"password": PASSWORD}))["enableTotp"]["secret"]
    answer = await users.act(CONFIRM, token=token, input={"code": code_of(secret, clock.now())})
    assert answer["confirmTotp"]["userErrors"] == []


async def test_without_redis_a_challenge_bears_five_attempts_still(serve_users: Serve) -> None:
    async with serve_users(**UNLIMITED) as users:
        person = await enable(users)
        given = await challenge(users, person.email)
        async with serve_users(redis_url="redis://127.0.0.1:9/0", **UNLIMITED) as cut_off:
            for _ in range(5):
                assert is_refused(await complete(cut_off, given, person.wrong_code()))
            assert is_refused(await complete(cut_off, given, person.code()))


async def test_expired_challenges_and_forgotten_setups_are_deleted(users: Users) -> None:
    person = await enable(users)
    await challenge(users, person.email)
    beginner = await users.sign_up()
    await users.act(ENABLE, token=beginner["accessToken"], input={"password": PASSWORD})
    await complete(users, "never given", "123456")
    keeper = RevocationKeeper(users.services)
    await keeper._tidy()
    assert len(await users.rows("SELECT 1 FROM second_factor_challenges")) == 2
    assert len(await users.rows("SELECT 1 FROM second_factors")) == 2
    with clock.offset(timedelta(minutes=61)):
        await keeper._tidy()
    assert await users.rows("SELECT 1 FROM second_factor_challenges") == []
    assert await users.rows("SELECT user_id FROM second_factors") == [(person.session["user"]["id"],)]
