"""Whether there is an account does not show in how long an answer takes."""

import time
from collections.abc import Awaitable, Callable
from statistics import median

import pytest

from shared.config import Settings
from tests.users.conftest import LOG_IN, Serve, new_email
from tests.users.post import Post
from tests.users.test_reset_password import REQUEST

LIMIT_SECONDS = 0.005
# A busy machine needs more pairs until the median is what it is about.
LEAST_PAIRS, MOST_PAIRS = 20, 120
PRODUCTION: dict[str, object] = {
    **{
        name: Settings.model_fields[name].default
        for name in ("argon2_memory_kib", "argon2_time_cost", "argon2_parallelism", "password_concurrency")
    },
    "log_in_failures_per_account": "1000000/15 minutes",
    "log_in_failures_per_address": "1000000/15 minutes",
    "password_resets_per_address": "1000000/1 hour",
    "password_resets_per_account": "1000000/30 minutes",
}
Step = Callable[[str], Awaitable[None]]


async def differences(known: str, unknown: str, attempt: Step, before: Step) -> tuple[float, float]:
    """How much longer the known account takes, in seconds by the clock and of CPU: medians of pairs.

    The two of a pair follow each other at once, in turning order, so that what slows the machine meets both.
    """

    async def seconds(email: str) -> tuple[float, float]:
        await before(email)
        clock, cpu = time.perf_counter(), time.process_time()
        await attempt(email)
        return time.perf_counter() - clock, time.process_time() - cpu

    for email in (known, unknown):
        await seconds(email)
    pairs: list[tuple[float, float]] = []
    found = (0.0, 0.0)
    while len(pairs) < MOST_PAIRS:
        order = (known, unknown) if len(pairs) % 2 else (unknown, known)
        took = {email: await seconds(email) for email in order}
        pairs.append((took[known][0] - took[unknown][0], took[known][1] - took[unknown][1]))
        found = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
        if len(pairs) >= LEAST_PAIRS and max(map(abs, found)) < LIMIT_SECONDS / 2:
            break
    print(
        f"known - unknown: {found[0] * 1000:.2f} ms by the clock, {found[1] * 1000:.2f} ms of CPU, {len(pairs)} pairs"
    )
    return found


@pytest.mark.timing
async def test_a_login_takes_as_long_for_an_unknown_account(serve_users: Serve) -> None:
    async with serve_users(**PRODUCTION) as users:
        known = new_email()
        await users.sign_up(email=known)

        async def attempt(email: str) -> None:
            answer = await users.act(LOG_IN, input={"email": email, "password": "this is not the password"})
            assert answer["logIn"]["userErrors"][0]["code"] == "INVALID_CREDENTIALS"

        async def nothing(email: str) -> None:
            """Nothing goes on after an answer."""

        found = await differences(known, new_email(), attempt, nothing)
        assert max(map(abs, found)) < LIMIT_SECONDS


@pytest.mark.timing
async def test_a_password_reset_takes_as_long_for_an_unknown_account(serve_users: Serve, post: Post) -> None:
    async with serve_users(**PRODUCTION, **post.settings) as users:
        known = new_email()
        await users.sign_up(email=known)

        async def attempt(email: str) -> None:
            assert await users.act(REQUEST, input={"email": email}) == {"requestPasswordReset": {"userErrors": []}}

        async def until_mails_are_sent(email: str) -> None:
            await users.until_no_mail_waits()

        found = await differences(known, new_email(), attempt, until_mails_are_sent)
        assert max(map(abs, found)) < LIMIT_SECONDS
