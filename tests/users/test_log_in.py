"""logIn."""

import asyncio
import time
from statistics import median
from typing import Any

import pytest

from tests.users.conftest import LOG_IN, ME, PASSWORD, Serve, Users, new_email

REFUSED = {
    "logIn": {
        "session": None,
        "userErrors": [
            {
                "code": "INVALID_CREDENTIALS",
                "message": "E-mail address and password do not belong together.",
                "field": None,
            }
        ],
    }
}
WRONG = "this is not the password"


async def attempt(
    users: Users, email: str, password: str = WRONG, address: str = "203.0.113.1"
) -> dict[str, Any] | str:
    """The data of a login, or the code of its top-level error."""
    answer = await users.execute(LOG_IN, {"input": {"email": email, "password": password}}, address=address)
    if "errors" in answer:
        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["retryAfterSeconds"] > 0
        return str(answer["errors"][0]["extensions"]["code"])
    data: dict[str, Any] = answer["data"]
    return data


async def test_a_person_logs_in(users: Users) -> None:
    email = new_email()
    first = await users.sign_up(email=email)

    session = await users.log_in(f" {email.upper()} ")

    assert session["user"] == first["user"]
    verify = users.services.verifier.verify
    assert verify(session["accessToken"]).session_id != verify(first["accessToken"]).session_id
    assert (await users.act(ME, token=session["accessToken"]))["me"]["email"] == email
    assert len(await users.log()) == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("somchai@example.com", WRONG),
        ("somchai@example.com", ""),
        ("somchai@example.com", PASSWORD + " "),
        ("somchai@example.com", "x" * 100_000),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        ("x" * 100_000, PASSWORD),
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(users: Users, email: str, password: str) -> None:
    await users.sign_up(email="somchai@example.com")
    before = await users.state()

    assert await attempt(users, email, password) == REFUSED
    assert await users.state() == before


@pytest.mark.timing
async def test_whatever_is_wrong_the_work_is_the_same(serve_users: Serve) -> None:
    async with serve_users(argon2_memory_kib=19_456, argon2_time_cost=4) as users:
        email = new_email()
        await users.sign_up(email=email)

        async def seconds(account: str) -> float:
            started = time.process_time()
            assert await attempt(users, account) == REFUSED
            return time.process_time() - started

        for wrong in (new_email(), "no address"):
            known = median([await seconds(email) for _ in range(4)])
            assert 0.6 < median([await seconds(wrong) for _ in range(4)]) / known < 1.6


async def test_ten_failures_shut_an_account_for_the_address_and_nobody_else(users: Users) -> None:
    email, other = new_email(), new_email()
    await users.sign_up(email=email)
    await users.sign_up(email=other)

    assert [await attempt(users, email) for _ in range(11)] == [*[REFUSED] * 10, "RATE_LIMITED"]
    assert await attempt(users, email, PASSWORD) == "RATE_LIMITED"
    # The owner elsewhere, and others here, are not shut out.
    assert await attempt(users, email, PASSWORD, address="203.0.113.2") != "RATE_LIMITED"
    assert await attempt(users, other, PASSWORD) not in (REFUSED, "RATE_LIMITED")


async def test_unknown_accounts_are_throttled_like_known_ones(users: Users) -> None:
    email = new_email()
    assert [await attempt(users, email) for _ in range(11)] == [*[REFUSED] * 10, "RATE_LIMITED"]


async def test_all_attempts_of_one_request_count(users: Users) -> None:
    email = new_email()
    await users.sign_up(email=email)
    fields = " ".join(f"a{n}: logIn(input: $input) {{ userErrors {{ code }} }}" for n in range(30))
    document = f"mutation($input: LogInInput!) {{ {fields} }}"

    answer = await users.execute(document, {"input": {"email": email, "password": WRONG}})

    codes = [error["extensions"]["code"] for error in answer["errors"]]
    assert answer["data"] is None
    assert set(codes) == {"RATE_LIMITED"}
    assert await attempt(users, email, PASSWORD, address="127.0.0.1") == "RATE_LIMITED"
    # The owner elsewhere is not locked out.
    assert await attempt(users, email, PASSWORD, address="198.51.100.7") not in (REFUSED, "RATE_LIMITED")


async def test_one_customers_ipv6_addresses_count_as_one(users: Users) -> None:
    email = new_email()
    await users.sign_up(email=email)

    answers = [await attempt(users, email, address=f"2001:db8:1:2::{number:x}") for number in range(11)]

    assert answers == [*[REFUSED] * 10, "RATE_LIMITED"]
    assert await attempt(users, email, address="2001:db8:1:3::1") == REFUSED


async def test_attempts_at_the_same_time_are_counted_one_by_one(users: Users) -> None:
    email = new_email()
    await users.sign_up(email=email)
    answers = await asyncio.gather(*(attempt(users, email) for _ in range(40)))
    assert answers.count(REFUSED) == 10
    assert answers.count("RATE_LIMITED") == 30


async def test_success_counts_for_nothing(users: Users) -> None:
    email = new_email()
    await users.sign_up(email=email)
    for _ in range(3):
        assert [await attempt(users, email) for _ in range(9)] == [REFUSED] * 9
        assert await attempt(users, email, PASSWORD) != REFUSED

    answers = await asyncio.gather(*(attempt(users, email, PASSWORD) for _ in range(30)))
    assert REFUSED not in answers
    assert "RATE_LIMITED" not in answers


async def test_an_address_that_tries_many_accounts_is_shut_out(serve_users: Serve) -> None:
    async with serve_users(log_in_failures_per_address="5/15 minutes") as users:
        email = new_email()
        await users.sign_up(email=email)

        for _ in range(5):
            assert await attempt(users, new_email()) == REFUSED
        assert await attempt(users, new_email()) == "RATE_LIMITED"
        assert await attempt(users, email, PASSWORD) == "RATE_LIMITED"
        assert await attempt(users, email, PASSWORD, address="203.0.113.2") != "RATE_LIMITED"


async def test_nobody_but_a_trusted_proxy_says_where_the_client_is(serve_users: Serve) -> None:
    async with serve_users(log_in_failures_per_account="1/15 minutes") as users:
        email = new_email()
        assert await attempt(users, email, address="203.0.113.9, 198.51.100.1") == REFUSED
        # The last address that is not a proxy's counts: what stands before it, the client may have written.
        assert await attempt(users, email, address="203.0.113.10, 198.51.100.1, 127.0.0.1") == "RATE_LIMITED"


async def test_a_suspended_account_is_told_so_with_the_right_password_only(users: Users) -> None:
    email = new_email()
    await users.sign_up(email=email)
    await users.rows("UPDATE users SET status = 'SUSPENDED' RETURNING id")
    before = await users.state()

    assert await attempt(users, email) == REFUSED
    assert await attempt(users, email, PASSWORD) == {
        "logIn": {
            "session": None,
            "userErrors": [{"code": "ACCOUNT_SUSPENDED", "message": "This account is suspended.", "field": None}],
        }
    }
    assert await users.state() == before


async def test_a_password_is_hashed_anew_when_the_parameters_change(users: Users, serve_users: Serve) -> None:
    email = new_email()
    await users.sign_up(email=email)

    async with serve_users(argon2_time_cost=2) as later:
        sessions = await asyncio.gather(*(later.log_in(email) for _ in range(3)), return_exceptions=True)
        ((password_hash,),) = await users.rows("SELECT password_hash FROM users")
        assert "t=2" in password_hash
        assert any(isinstance(session, dict) for session in sessions)
        await later.log_in(email)
    await users.log_in(email)


async def test_without_redis_logging_in_works_within_stricter_limits(serve_users: Serve) -> None:
    async with serve_users(redis_url="redis://127.0.0.1:9/0") as users:
        email = new_email()
        await users.sign_up(email=email)
        await users.log_in(email)
        assert [await attempt(users, email) for _ in range(3)] == [REFUSED, REFUSED, "RATE_LIMITED"]
