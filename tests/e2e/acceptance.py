"""Bids that are accepted while parts of the system break: each is paid once, or not at all, and then assigned once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx

from deploy.demo.documents import ESCROW_EVENTS
from deploy.demo.live import Data
from deploy.demo.provider import give_card
from deploy.local import secret_files
from deploy.local.stack import Stack
from tests.e2e.people import ACCEPT_BID, TASK_EVENTS, Person, View, eventually, person, viewing
from tests.support.loopback import NO_TLS

_PRICE, _MINOR = "120.00", 12_000
_PAUSE_SECONDS = 0.1
# A process that died may have claimed a charge, which nobody takes over for a minute.
SECONDS = 100


class Provider:
    """The sandbox past `payments`: what it took, and how it is to behave."""

    def __init__(self, stack: Stack) -> None:
        key = secret_files.sandbox_api_key(stack.instance)
        headers = {"authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(base_url=stack.url("sandbox"), headers=headers, timeout=30, verify=NO_TLS)

    async def charged(self, task_id: str) -> list[int]:
        """All amounts that were taken for a task, in minor units."""
        movements: list[Data] = []
        after: int | None = 0
        while after is not None:
            page = await self._get(f"/v1/movements?until={10**17}&after={after}")
            movements += page["data"]
            after = page["next"]
        charges = [each for each in movements if each["kind"] == "charge"]
        subjects = [(await self._get(f"/v1/charges/{each['object']}"))["subject"] for each in charges]
        return [each["amount"] for each, subject in zip(charges, subjects, strict=True) if subject == task_id]

    async def sends_webhooks(self, mode: str, seconds: float = 5) -> None:
        """How it tells of what happens from now on."""
        answer = await self._http.post("/v1/admin/webhooks", json={"mode": mode, "seconds": seconds})
        answer.raise_for_status()

    async def _get(self, path: str) -> Data:
        answer: Data = (await self._http.get(path)).raise_for_status().json()
        return answer


@dataclass
class Acceptance:
    """Tasks of one poster, each with a bid; everybody follows them at each edge."""

    paula: Person
    provider: Provider
    task_ids: Sequence[str]
    bids: Sequence[Data]
    tasks: Sequence[View]
    money: Sequence[View]

    async def accept(self) -> None:
        """Accepts all bids at once, each again until that is answered."""
        await asyncio.gather(*map(self._accept, self.bids))

    async def _accept(self, bid: Data) -> None:
        choice = {"bidId": bid["id"], "expectedVersion": bid["version"]}
        while True:
            try:
                answer = await self.paula.answer(ACCEPT_BID, input=choice)
            except (httpx.HTTPError, ValueError):
                # No answer, or one that is not GraphQL: it may have happened or not.
                answer = {}
            if answer.get("data"):
                assert answer["data"]["acceptBid"]["userErrors"] == []
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def shows(self, *types: str, seconds: float = 30) -> None:
        """Waits until so much was told of all money."""
        for view in self.money:
            await view.shows(len(types), seconds)
            assert view.types[: len(types)] == list(types)

    async def check(self) -> None:
        """Everybody saw each task paid and assigned once, and the provider was asked for the price once."""
        for view in self.tasks:
            await view.shows(4, SECONDS)
            assert view.types == ["CREATED", "PUBLISHED", "FUNDING_STARTED", "ASSIGNED"]
        for view in self.money:
            await view.shows(2, SECONDS)
            assert view.types == ["OPENED", "FUNDED"]
            assert view.events[-1]["escrow"]["held"] == {"amount": _PRICE, "currency": "EUR"}
        for task_id, bid in zip(self.task_ids, self.bids, strict=True):
            await eventually(partial(self._is_awarded, bid["id"]))
            assert await self.provider.charged(task_id) == [_MINOR]

    async def _is_awarded(self, bid_id: str) -> bool:
        bid = await self.paula.call("query ($id: ID!) { bid(id: $id) { status } }", id=bid_id)
        return bool(bid["status"] == "AWARDED")


@asynccontextmanager
async def acceptance(stack: Stack, *, count: int = 1, card: str = "succeeds") -> AsyncIterator[Acceptance]:
    """Bids that wait to be accepted, by somebody with this test card. At the end everything is checked."""
    edges = list(stack.edges.values())
    async with AsyncExitStack() as entered:
        paula = await entered.enter_async_context(person(edges[0], f"Paula who pays by {card}", "POSTER"))
        tom = await entered.enter_async_context(person(edges[0], "Tom", "TASKER"))
        await give_card(paula.call, stack.url("sandbox"), card)
        task_ids = [await paula.post_task() for _ in range(count)]
        bids = [await tom.place_bid(task_id, _PRICE) for task_id in task_ids]
        views = {
            document: [
                await entered.enter_async_context(viewing(paula.at(edge).follow(document, {"taskId": task_id})))
                for edge in edges
                for task_id in task_ids
            ]
            for document in (TASK_EVENTS, ESCROW_EVENTS)
        }
        deal = Acceptance(paula, Provider(stack), task_ids, bids, views[TASK_EVENTS], views[ESCROW_EVENTS])
        yield deal
        await deal.check()
