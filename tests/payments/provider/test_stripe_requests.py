"""Whether Stripe would take what it is asked: each kind of request is sent to stripe-mock as well."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local import stripe_mock
from shared import clock
from shared.money import CurrencyCode, Money
from subgraphs.payments.provider.port import PayoutFault
from tests.payments.provider.stripe_world import StripeWorld, stripe_world
from tests.payments.provider.world import Bank, TestCard
from tests.support.loopback import NO_TLS

HUNDRED = Money(10_000, CurrencyCode.EUR)

# All that the adapter ever asks.
KINDS = {
    "GET /v1/accounts/{}",
    "GET /v1/balance",
    "GET /v1/balance_transactions",
    "GET /v1/disputes/{}",
    "GET /v1/payment_intents/{}",
    "GET /v1/payment_methods/{}",
    "GET /v1/payouts",
    "GET /v1/refunds",
    "GET /v1/setup_intents/{}",
    "GET /v1/transfers",
    "POST /v1/account_links",
    "POST /v1/accounts",
    "POST /v1/customers",
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/{}/cancel",
    "POST /v1/payment_intents/{}/confirm",
    "POST /v1/payment_methods/{}/detach",
    "POST /v1/payouts",
    "POST /v1/refunds",
    "POST /v1/setup_intents",
    "POST /v1/transfers",
    "POST /v1/transfers/{}/reversals",
}


@pytest.fixture
def mock() -> Iterator[httpx.Client]:
    """stripe-mock, at ports that it chooses itself."""
    anywhere = ("-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
    with subprocess.Popen([stripe_mock.program(), *anywhere], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            address = next(line for line in running.stdout if line.startswith("Listening for HTTP at")).split()[-1]
            authorization = {"authorization": "Bearer sk_test_123"}
            with httpx.Client(base_url=f"http://{address}", headers=authorization, verify=NO_TLS) as client:
                yield client
        finally:
            running.terminate()


async def everything(world: StripeWorld) -> None:
    """Each call of the port, and of those with several ways each."""
    provider, peer = world.provider, world.peer
    customer = await provider.create_customer("user_1", key="1")
    setup = await provider.start_setup(customer, key="2")
    await world.give_card(setup, TestCard.SUCCEEDS)
    card = (await provider.get_setup(setup.id)).card
    assert card is not None
    paid = await provider.prepare_charge(customer, HUNDRED, key="3", subject_id="escrow_1")
    await provider.confirm_charge(paid.id, card.token, key="4")
    await provider.refund(paid.id, Money(1_000, CurrencyCode.EUR), key="5")
    other = await provider.prepare_charge(customer, HUNDRED, key="6", subject_id="escrow_2")
    await provider.detach_card(card.token)
    await provider.confirm_charge(other.id, card.token, key="7")
    await provider.cancel_charge(other.id)
    account = await provider.create_account("user_2", key="8")
    await world.finish_onboarding(account.id, await provider.start_onboarding(account.id, "https://app/"), Bank.GOOD)
    await provider.get_account(account.id)
    payout = await provider.pay_out(account.id, Money(9_000, CurrencyCode.EUR), key="9")
    await world.fail_payout(payout, PayoutFault.DECLINED)
    await provider.find_payout(account.id, "9")
    await provider.get_dispute(peer.open_dispute(paid.id))
    await provider.balances()
    now = clock.now()
    assert [each async for each in provider.movements(now.replace(microsecond=0), now)] == []


async def test_stripe_would_take_each_request(mock: httpx.Client, tmp_path: Path) -> None:
    async with stripe_world(tmp_path) as world:
        await everything(world)
        requests = world.peer.requests
    asked = set()
    for method, path, query, body, account in requests:
        asked.add(f"{method} " + re.sub(r"(?<=[a-z]/)[a-z]+_\d+", "{}", path))
        answer = send(mock, method, f"{path}?{query}", body, account)
        assert answer.status_code == 200, (method, path, query, body, answer.text)
    assert asked == KINDS


def test_stripe_mock_refuses_what_stripe_would(mock: httpx.Client) -> None:
    for body in (b"amount=1&currency=eur&to=nobody", b"amount=all&currency=eur", b"currency=eur"):
        assert send(mock, "POST", "/v1/payment_intents", body).status_code == 400
    assert send(mock, "GET", "/v1/refunds?charge_id=ch_1").status_code == 400


def send(mock: httpx.Client, method: str, url: str, body: bytes = b"", account: str = "") -> httpx.Response:
    headers = {"content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    return mock.request(method, url, content=body, headers=headers | ({"stripe-account": account} if account else {}))
