"""What an app does with the payment provider's library: it gives a card, or a bank account, to the provider alone.

Here the provider is the sandbox, whose test cards and banks are in `sandbox/outcomes.py`.
"""

from typing import Any, Protocol

import httpx

from deploy.demo.documents import ADD_PAYMENT_METHOD, START_PAYMENT_METHOD_SETUP, START_PAYOUT_ONBOARDING
from deploy.demo.live import Data


class Call(Protocol):
    """Has the API carry out an operation, and gives the value of its one root field."""

    async def __call__(self, document: str, **variables: object) -> Any: ...


async def give_card(call: Call, sandbox: str, card: str = "succeeds") -> str:
    """Gives a test card and adds it to one's ways to pay; answers its id. `sandbox`: its address."""
    return await add_card(call, sandbox, await start_setup(call), card)


async def start_setup(call: Call) -> Data:
    """Begins the giving of a card: the setup's id and client secret."""
    setup: Data = (await call(START_PAYMENT_METHOD_SETUP, input={}))["setup"]
    return setup


async def complete_setup(sandbox: str, setup: Data, card: str) -> None:
    """Gives a test card to the provider alone."""
    await _send(f"{sandbox}/v1/setups/complete", json={"client_secret": setup["clientSecret"], "card": card})


async def add_card(call: Call, sandbox: str, setup: Data, card: str = "succeeds") -> str:
    """Gives a test card and adds it; answers its id."""
    await complete_setup(sandbox, setup, card)
    added = await call(ADD_PAYMENT_METHOD, input={"setupId": setup["id"]})
    return str(added["paymentMethod"]["id"])


async def set_up_payouts(call: Call, bank: str = "paid") -> None:
    """Names a test bank account on the page to which a tasker is sent."""
    started = await call(START_PAYOUT_ONBOARDING, input={})
    await _send(started["url"], data={"bank": bank})


async def _send(url: str, *, json: object = None, data: dict[str, str] | None = None) -> None:
    # The sandbox is on this machine; without its list of authorities a client is made at once.
    async with httpx.AsyncClient(timeout=30, verify=False) as client:  # noqa: S501
        answer = await client.post(url, json=json, data=data)
    if answer.is_error:
        raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
