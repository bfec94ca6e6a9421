"""The sandbox as a world for the tests of the port: what happens there is asked of its admin API and its pages."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.webhooks import signature
from subgraphs.payments.provider.port import Charge, Dispute, Kind, Payout, PayoutFault, Provider, Refund, Setup
from tests.payments.provider.world import Bank, TestCard, World
from tests.sandbox.running import SECRET, Listener, Running, listener, running

_CARDS = {TestCard.ASKS_THE_PAYER: "three_d_secure", TestCard.IS_PROCESSED: "processed"}
_BANKS = {Bank.GOOD: "waits", Bank.INCOMPLETE: "restricted", Bank.REJECTED: "rejected"}


class SandboxWorld:
    """One running sandbox."""

    def __init__(self, running: Running, listener: Listener) -> None:
        self.provider: Provider = running.client()
        self._running = running
        self._listener = listener

    async def give_card(self, setup: Setup, card: TestCard) -> None:
        given = {"client_secret": setup.client_secret, "card": _CARDS.get(card, card.name.lower())}
        answer = await self._running.http.post("/v1/setups/complete", json=given)
        assert answer.is_success, answer.text

    async def answer_challenge(self, charge: Charge, *, passes: bool) -> None:
        assert charge.action is not None
        assert charge.action.redirect_url is not None
        await self._running.http.post(charge.action.redirect_url, data={"answer": "approve" if passes else "fail"})

    async def settle(self, charge: Charge, *, succeeds: bool) -> None:
        await self._running.push(charge.id, "succeed" if succeeds else "decline")

    async def finish_onboarding(self, account: str, url: str, bank: Bank) -> None:
        assert (await self._running.http.get(url)).is_success
        assert (await self._running.http.post(url, data={"bank": _BANKS[bank]})).is_redirect

    async def restrict(self, account: str) -> None:
        await self._running.push(account, "restrict")

    async def pay(self, payout: Payout) -> None:
        await self._running.push(payout.id, "pay")

    async def fail_payout(self, payout: Payout, fault: PayoutFault) -> None:
        await self._running.push(payout.id, f"fail_{fault.value.lower()}")

    async def fail_refund(self, refund: Refund) -> None:
        await self._running.push(refund.id, "fail")

    async def open_dispute(self, charge: Charge) -> str:
        return str((await self._running.push(charge.id, "dispute"))["id"])

    async def close_dispute(self, dispute: Dispute, *, won: bool) -> None:
        await self._running.push(dispute.id, "win" if won else "lose")

    @asynccontextmanager
    async def lost(self, *, done: bool) -> AsyncIterator[None]:
        await self._running.post("/v1/admin/faults", {"fault": "answer_lost" if done else "request_lost"})
        try:
            yield
        finally:
            await self._running.post("/v1/admin/faults", {"fault": None})

    async def webhook(self, kind: Kind, object_id: str) -> tuple[bytes, Mapping[str, str]]:
        count = 0
        while True:
            for webhook in await self._listener.wait(count):
                event = json.loads(webhook[0])
                if (event["kind"], event["object"]) == (kind.value, object_id):
                    self._listener.taken.remove(webhook)
                    return webhook
            count = len(self._listener.taken) + 1

    def sign(self, body: bytes) -> Mapping[str, str]:
        return {"sandbox-signature": signature(SECRET, int(time.time()), body)}


@asynccontextmanager
async def sandbox_world(folder: Path) -> AsyncIterator[World]:
    """A sandbox in which nothing comes to its end by itself, and calls whose answer is lost fail soon."""
    async with (
        listener() as told,
        running(folder, told.url, settle_seconds="86400", silent_seconds="0.05") as process,
    ):
        world = SandboxWorld(process, told)
        yield world
        await world.provider.close()
