"""A limit per address counts the address that a client has, not one that it claims."""

import itertools

import pytest

from tests.e2e.people import new_email
from tests.supergraph.clients import Json, socket

# The first test waits for the whole system to start.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LOG_IN = "mutation ($input: LogInInput!) { logIn(input: $input) { userErrors { code } } }"
# shared/config.py: log_in_failures_per_account, counted per address.
WRONG_PASSWORDS = 10
_ids = itertools.count()


async def test_a_claimed_address_does_not_count_over_websocket(edge: str) -> None:
    email = new_email()
    # Addresses of its own, and others behind the other router.
    first, second = (f"127.0.{next(_ids)}.7{number}" for number in (1, 2))

    # Some more: where Redis is slow to answer, a process counts by itself meanwhile.
    for attempt in range(3 * WRONG_PASSWORDS):
        claimed = {"x-forwarded-for": f"203.0.113.{attempt}", "x-real-ip": f"203.0.113.{attempt}"}
        code = await log_in(edge, first, claimed, email)
        if attempt >= WRONG_PASSWORDS and code == "RATE_LIMITED":
            break
        assert code == "INVALID_CREDENTIALS"
    else:
        pytest.fail("a client that claims another address each time is never limited")

    assert await log_in(edge, first, {"headers": {"X-Forwarded-For": second}}, email) == "RATE_LIMITED"
    assert await log_in(edge, second, {"x-forwarded-for": first}, email) == "INVALID_CREDENTIALS"


async def log_in(edge: str, address: str, claimed: Json, email: str) -> str:
    """The code of an attempt with a wrong password, on a WebSocket from this address that claims another."""
    async with socket(f"{edge}/graphql", claimed, local_addr=(address, 0)) as client:
        await client.subscribe(LOG_IN, {"input": {"email": email, "password": "not the password"}})
        payload = (await client.until_end())[0]["payload"]
    errors = payload.get("errors") or payload["data"]["logIn"]["userErrors"]
    return str(errors[0].get("extensions", errors[0])["code"])
