"""A bid that keeps changing while parts of the system break, and those who watch it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx

from deploy.demo.live import Data
from deploy.local.stack import Stack
from tests.e2e.people import BID_EVENTS, UPDATE_BID, Person, View, codes, euro, eventually, person, viewing

_PAUSE_SECONDS = 0.05
UNREACHABLE = "UNREACHABLE"


@dataclass
class Negotiation:
    """A task with a bid whose version its bidder raises again and again.

    Each change is one event, so whoever follows the task sees the versions 1, 2, 3 …: one that is missing,
    comes twice or out of order shows, and so does a write that was done by half.
    """

    paula: Person
    tom: Person
    task_id: str
    bid_id: str
    entered: AsyncExitStack
    views: list[View] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    refusals: set[str] = field(default_factory=set)
    over: bool = False

    async def watched_by(self, events: AsyncGenerator[Data, None]) -> View:
        """Somebody follows the bid until the end, and must see everything."""
        view = await self.entered.enter_async_context(viewing(events))
        self.views.append(view)
        return view

    def followed_at(self, edge: str, after: int = 0) -> AsyncGenerator[Data, None]:
        """What the poster is shown at another address."""
        return self.paula.at(edge).follow(BID_EVENTS, {"taskId": self.task_id}, after)

    async def change(self) -> None:
        """Changes the bid once and takes down how that went."""
        amount = f"{100 + len(self.acknowledged) % 1000}.00"
        try:
            answer = await self.tom.answer(UPDATE_BID, input={"bidId": self.bid_id, "amount": euro(amount)})
        except (httpx.HTTPError, ValueError):
            # No answer, or one of the edge that is not GraphQL: it may have happened or not.
            self.refusals.add(UNREACHABLE)
            return
        self.refusals |= codes(answer)
        if answer.get("data"):
            payload = answer["data"]["updateBid"]
            assert payload["userErrors"] == []
            self.acknowledged.append(payload["bid"]["version"])

    async def keep_changing(self) -> None:
        while not self.over:
            await self.change()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def goes_on(self, events: int = 3, seconds: float = 60) -> None:
        """Waits until changes are acknowledged that everybody then sees, so many from now on."""
        due = len(self.acknowledged) + events
        await eventually(lambda: len(self.acknowledged) >= due, seconds, lambda: (self.acknowledged, self.refusals))
        for view in self.views:
            await view.shows(self.acknowledged[due - 1], seconds)

    async def version(self) -> int:
        """The version of the bid as the API tells it."""
        query = "query ($id: ID!) { bid(id: $id) { version } }"
        return int((await self.paula.call(query, id=self.bid_id))["version"])

    async def check(self) -> None:
        """Everybody saw every change once and in order, and all that was acknowledged is there."""
        final = await self.version()
        for view in self.views:
            await view.shows(final)
            assert [event["bid"]["version"] for event in view.events] == list(range(1, final + 1))
            assert view.numbers == list(range(1, final + 1))
        assert set(self.acknowledged) <= set(range(1, final + 1))
        assert len(set(self.acknowledged)) == len(self.acknowledged)


@asynccontextmanager
async def negotiation(stack: Stack, poster: Person | None = None) -> AsyncIterator[Negotiation]:
    """Changes go through the first router; the poster watches behind each. At the end everything is checked."""
    first = next(iter(stack.edges.values()))
    async with AsyncExitStack() as entered:
        paula = poster or await entered.enter_async_context(person(first, "Paula", "POSTER"))
        tom = await entered.enter_async_context(person(first, "Tom", "TASKER"))
        task_id = await paula.post_task()
        bid = await tom.place_bid(task_id, "99.00")
        deal = Negotiation(paula, tom, task_id, bid["id"], entered)
        for edge in stack.edges.values():
            await deal.watched_by(deal.followed_at(edge))
        changing = asyncio.create_task(deal.keep_changing())
        try:
            await deal.goes_on()
            yield deal
        finally:
            # Not cancelled: a change under way would still come, after the check.
            deal.over = True
            await changing
        await deal.check()
