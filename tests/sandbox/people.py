"""Payers and taskers at the sandbox."""

from sandbox.objects import Card
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.payments.provider.port import Charge
from subgraphs.payments.provider.sandbox import Sandbox
from tests.sandbox.running import Running

PRICE = Money(12_550, CurrencyCode.EUR)
RETURN_URL = "http://127.0.0.1:8000/payouts"


def key() -> str:
    return new_id("key")


async def card(running: Running, provider: Sandbox, customer: str, test_card: str) -> str:
    """The token of a test card that a payer gave."""
    setup = await provider.start_setup(customer, key=key())
    given = {"client_secret": setup.client_secret, "card": test_card}
    answer = await running.http.post("/v1/setups/complete", json=given)
    return Card.model_validate(answer.json()["card"]).id


async def prepared(running: Running, provider: Sandbox, test_card: str) -> tuple[Charge, str]:
    """A charge and the token of the card for it."""
    customer = await provider.create_customer(new_id("user"), key=key())
    token = await card(running, provider, customer, test_card)
    return await provider.prepare_charge(customer, PRICE, key=key(), subject_id="escrow_1"), token


async def charged(running: Running, provider: Sandbox, test_card: str = "succeeds") -> Charge:
    """A charge that was confirmed once."""
    charge, token = await prepared(running, provider, test_card)
    return await provider.confirm_charge(charge.id, token, key=key())


async def onboarded(running: Running, provider: Sandbox, bank: str) -> str:
    """The account of a tasker who chose a test bank account."""
    account = await provider.create_account(new_id("user"), key=key())
    url = await provider.start_onboarding(account.id, RETURN_URL)
    assert (await running.http.post(url, data={"bank": bank})).headers["location"] == RETURN_URL
    return account.id
