"""People who use the whole system in tests, and what they are shown."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

import asyncpg
import httpx

from deploy.demo.client import Client
from deploy.demo.live import Data
from deploy.local.stack import Stack

BID = "id version status amount { amount } message tasker { id }"
BID_EVENTS = f"""subscription ($taskId: ID!, $after: Int) {{
    bidEvents(taskId: $taskId, after: $after) {{ seq previousSeq type bid {{ {BID} }} }} }}"""
TASK_EVENTS = """subscription ($taskId: ID!, $after: Int) {
    taskEvents(taskId: $taskId, after: $after) { seq previousSeq type task { id status tasker { id } } } }"""
NOTIFICATION_EVENTS = """subscription ($after: Int) {
    notificationEvents(after: $after) { seq previousSeq type notification { title body link } } }"""
MESSAGE = "I can start on Monday morning and bring my own tools."


def mutation(name: str, selection: str) -> str:
    """The document of a mutation, with its `input` as variable."""
    kind = name[0].upper() + name[1:]
    errors = "userErrors { code field }"
    return f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {selection} {errors} }} }}"


PLACE_BID = mutation("placeBid", f"bid {{ {BID} }}")
UPDATE_BID = mutation("updateBid", f"bid {{ {BID} }}")
WITHDRAW_BID = mutation("withdrawBid", f"bid {{ {BID} }}")
DECLINE_BID = mutation("declineBid", f"bid {{ {BID} }}")
COUNTER_OFFER = mutation("counterOffer", f"bid {{ {BID} }}")
INVITE_TO_BID = mutation("inviteToBid", "invitation { id }")
ACCEPT_BID = mutation("acceptBid", f"bid {{ {BID} }}")
CREATE_TASK = mutation("createTask", "task { id status version }")


class Person(Client):
    """Somebody who signed up, and every byte that the API ever sent them over HTTP."""

    def __init__(self, edge: str, name: str) -> None:
        super().__init__(edge, name)
        self.received: list[str] = []
        self.request_ids: list[str] = []
        self._http.event_hooks["response"].append(self._keep)

    @property
    def session(self) -> Data:
        return self._session

    def resume(self, session: Data) -> None:
        """Goes on with a session that was opened before."""
        self._session, self.user_id = session, session["user"]["id"]

    def at(self, edge: str) -> "Person":
        """The same person at another edge."""
        other = Person(edge, self.name)
        other.resume(self._session)
        return other

    async def _keep(self, response: httpx.Response) -> None:
        self.received.append((await response.aread()).decode())
        self.request_ids.append(response.headers["x-request-id"])

    async def answer(self, document: str, **variables: object) -> Data:
        """The whole answer over HTTP, errors included."""
        headers = {"authorization": f"Bearer {await self.token()}"} if self.user_id else {}
        body = {"query": document, "variables": variables}
        answer: Data = (await self._http.post("/graphql", json=body, headers=headers)).json()
        return answer

    async def post_task(self) -> str:
        """Posts an open task. Returns its id."""
        categories = await self.call("{ categories { children { id } } }")
        task = {
            "title": "Paint the garden fence",
            "description": "Twenty metres of wooden fence need two coats of green paint.",
            "categoryId": categories[0]["children"][0]["id"],
            "budget": euro("200.00"),
            "mode": "REMOTE",
            "publish": True,
        }
        return str((await self.call(CREATE_TASK, input=task))["task"]["id"])

    async def place_bid(self, task_id: str, amount: str, message: str = MESSAGE) -> Data:
        """Bids on a task as soon as `bids` knows of it. Returns the bid."""
        bid = {"taskId": task_id, "amount": euro(amount), "message": message}
        placed: Data = (await self.call_once_known(PLACE_BID, input=bid))["bid"]
        return placed

    async def accept_bid(self, bid: Data) -> Data:
        """Chooses a bid as it was seen. Returns it as it is then."""
        choice = {"bidId": bid["id"], "expectedVersion": bid["version"]}
        accepted: Data = (await self.call(ACCEPT_BID, input=choice))["bid"]
        return accepted


# Signing up takes a good part of a second of CPU, so people come again.
_sessions: dict[tuple[str, str], Data] = {}


@asynccontextmanager
async def person(edge: str, name: str, role: str) -> AsyncIterator[Person]:
    """Somebody who may have been here in tests before; of two with one name and role both are the same person."""
    async with Person(edge, name) as somebody:
        if known := _sessions.get((name, role)):
            somebody.resume(known)
        else:
            await somebody.sign_up(new_email(), new_password(), [role])
        try:
            yield somebody
        finally:
            _sessions[name, role] = somebody.session


@asynccontextmanager
async def newcomer(edge: str, name: str, role: str) -> AsyncIterator[Person]:
    """Somebody who has just signed up."""
    async with Person(edge, name) as somebody:
        await somebody.sign_up(new_email(), new_password(), [role])
        yield somebody


async def become_admin(stack: Stack, somebody: Person) -> None:
    """What the operator's command does, and the login after it."""
    connection = await asyncpg.connect(stack.database_url("users").replace("+asyncpg", ""))
    try:
        role = "UPDATE users SET roles = array_append(roles, 'ADMIN') WHERE id = $1"
        await connection.execute(role, somebody.user_id)
    finally:
        await connection.close()
    await somebody.token(somebody.session["accessToken"])


def new_email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def new_password() -> str:
    return f"pass {uuid.uuid4()}"


class View:
    """What a subscription has shown, while it goes on in the background."""

    def __init__(self) -> None:
        self.events: list[Data] = []
        self.failure: BaseException | None = None

    @property
    def numbers(self) -> list[int]:
        return [event["seq"] for event in self.events]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    async def until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Waits until it has shown what the test waits for. Fails with what it has shown instead."""

        def holds() -> object:
            if self.failure:
                raise self.failure
            return condition()

        await eventually(holds, seconds, lambda: self.events)

    async def shows(self, count: int, seconds: float = 20) -> list[Data]:
        """Waits for that many events."""
        await self.until(lambda: len(self.events) >= count, seconds)
        return self.events


@asynccontextmanager
async def viewing(events: AsyncGenerator[Data, None]) -> AsyncIterator[View]:
    """Follows a subscription in the background."""
    view = View()

    async def watch() -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    view.events.append(event)
        except Exception as failure:
            view.failure = failure

    watching = asyncio.create_task(watch())
    try:
        yield view
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def first(events: AsyncGenerator[Data, None]) -> Data:
    """The first event of a subscription, which ends with it."""
    async with aclosing(events):
        return await anext(events)


async def eventually(
    condition: Callable[[], object | Awaitable[object]], seconds: float = 30, shown: Callable[[], object] = str
) -> None:
    """Waits until the condition holds. Fails when it takes too long."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        assert time.monotonic() < deadline, f"not within {seconds} s: {shown()}"
        await asyncio.sleep(pause)
        # Asking all the time would hold up what is waited for.
        pause = min(1.5 * pause, 0.2)


def codes(answer: Data) -> set[str]:
    """The codes of the errors of an answer."""
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


def text_of(value: object) -> str:
    """All of a value as text, to look for what must not be in it."""
    return json.dumps(value, ensure_ascii=False)


def euro(amount: str) -> Data:
    return {"amount": amount, "currency": "EUR"}
