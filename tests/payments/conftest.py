"""The payments subgraph on a server of its own beside a sandbox, and what its tests begin with."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from sandbox.webhooks import signature
from shared import clock, events
from shared.database.db import Database
from shared.events import Envelope
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.payments.consumers import handlers
from tests.conftest import AccessToken, ServeSubgraph
from tests.sandbox.running import API_KEY, SECRET, Running, running
from tests.support import factories
from tests.support.messaging import eventually, sql
from tests.support.serving import Served

ERRORS = "userErrors { code field min max }"
METHOD = "id brand lastFour expiresMonth isDefault removedAt"
MONEY = "{ amount currency }"
ESCROW = f"""
    id task {{ id }} poster {{ id }} tasker {{ id }} status amount {MONEY} held {MONEY} released {MONEY} fee {MONEY}
    refunded {MONEY} requiredAction {{ clientSecret redirectUrl expiresAt }} paymentDecline {{ reason }} failureReason
    holds viewerCan
"""
SET_UP = f"""mutation($input: StartPaymentMethodSetupInput!) {{
    startPaymentMethodSetup(input: $input) {{ setup {{ id provider clientSecret }} {ERRORS} }} }}"""
ADD = f"""mutation($input: AddPaymentMethodInput!) {{
    addPaymentMethod(input: $input) {{ paymentMethod {{ {METHOD} }} {ERRORS} }} }}"""
REMOVE = f"""mutation($input: RemovePaymentMethodInput!) {{
    removePaymentMethod(input: $input) {{ paymentMethod {{ {METHOD} }} {ERRORS} }} }}"""
DEFAULT = f"""mutation($input: SetDefaultPaymentMethodInput!) {{
    setDefaultPaymentMethod(input: $input) {{ paymentMethod {{ {METHOD} }} {ERRORS} }} }}"""
METHODS = f"{{ myPaymentMethods {{ {METHOD} }} }}"
RETRY = f"mutation($input: RetryFundingInput!) {{ retryFunding(input: $input) {{ escrow {{ {ESCROW} }} {ERRORS} }} }}"
TIP = f"""mutation($input: TipTaskerInput!) {{ tipTasker(input: $input) {{
    tip {{ id amount {MONEY} status requiredAction {{ redirectUrl }} paymentDecline {{ reason }} }} {ERRORS} }} }}"""
ONBOARD = f"""mutation {{ startPayoutOnboarding(input: {{}}) {{
    url payoutAccount {{ status requirements }} {ERRORS} }} }}"""
PAY_OUT = f"""mutation($input: RequestPayoutInput!) {{ requestPayout(input: $input) {{
    payout {{ id amount {MONEY} status failureReason isScheduled }} {ERRORS} }} }}"""
BALANCES = f"{{ myBalances {{ available {MONEY} onItsWay {MONEY} leastPayout {MONEY} }} }}"
TRANSACTIONS = f"""query($first: Int, $after: String) {{ myTransactions(first: $first, after: $after) {{
    nodes {{ receiptNumber kind amount {MONEY} fee {MONEY} task {{ id }} }} }} }}"""
OF_TASK = f"""query($task: Any!) {{ _entities(representations: [$task]) {{
    ... on Task {{ escrow {{ {ESCROW} }} }} }} }}""".replace("Any!", "_Any!")


class Payments:
    """The running subgraph and its provider, with shortcuts for what many tests do."""

    def __init__(self, served: Served, sandbox: Running, access_token: AccessToken) -> None:
        self.served = served
        self.sandbox = sandbox
        self._access_token = access_token

    @property
    def database(self) -> Database:
        database: Database = self.served.server._app.state.services.database
        return database

    def token(self, user_id: str, *roles: str, scope: str = "marketplace") -> str:
        # Longer than anything here: tests move the clock.
        roles = roles or ("POSTER", "TASKER")
        return self._access_token(user_id, roles=roles, scope=scope, expires_in=100_000_000)

    async def act(self, user_id: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that has no top-level errors."""
        answer = await self.served.execute(document, variables, token=self.token(user_id))
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def happens(self, event: events.Event) -> None:
        """Another subgraph tells of something, as its event would."""
        _, handler = handlers.by_type()[event.type]
        async with self.database.transaction() as session:
            await handler(session, Envelope(event, new_id("event"), 1, event.stream, clock.now()))

    async def card(self, user_id: str, test_card: str = "succeeds", **options: Any) -> dict[str, Any]:
        """A card that somebody gave to the provider and added."""
        setup = (await self.act(user_id, SET_UP, input={}))["startPaymentMethodSetup"]["setup"]
        await self.give(setup, test_card)
        payload = (await self.act(user_id, ADD, input={"setupId": setup["id"], **options}))["addPaymentMethod"]
        assert payload["userErrors"] == [], payload
        method: dict[str, Any] = payload["paymentMethod"]
        return method

    async def give(self, setup: dict[str, Any], test_card: str) -> None:
        """The payer's client completes a setup."""
        given = {"client_secret": setup["clientSecret"], "card": test_card}
        answer = await self.sandbox.http.post("/v1/setups/complete", json=given)
        assert answer.is_success, answer.text

    async def accept(self, amount: Money | None = None, **changes: Any) -> events.BidSnapshot:
        """A bid that was accepted now, told of."""
        bid = factories.bid_snapshot(
            status="ACCEPTED", version=2, amount=amount or Money(15_000, CurrencyCode.EUR), **changes
        )
        await self.happens(events.BidAccepted(bid=bid, category_id=new_id("category")))
        return bid

    async def fund(self, amount: Money | None = None, **changes: Any) -> events.BidSnapshot:
        """A bid that was accepted, whose price is held."""
        poster_id = changes.setdefault("poster_id", new_id("user"))
        await self.card(poster_id)
        bid = await self.accept(amount, **changes)
        await self.status(bid, "FUNDED")
        return bid

    async def complete(self, bid: events.BidSnapshot) -> None:
        """The poster approved the work."""
        await self.happens(events.TaskCompleted(task=task_of(bid, status="COMPLETED"), by="POSTER"))

    async def cancel(self, bid: events.BidSnapshot, owes_percent: int = 0) -> None:
        """The task is called off."""
        task = task_of(bid, status="CANCELLED")
        await self.happens(events.TaskCancelled(task=task, reason="No.", by="POSTER", poster_owes_percent=owes_percent))

    async def escrow(self, bid: events.BidSnapshot, viewer_id: str | None = None) -> dict[str, Any]:
        """The money of a task, as its poster or somebody else sees it."""
        task = {"__typename": "Task", "id": bid.task_id}
        data = await self.act(viewer_id or bid.poster_id, OF_TASK, task=task)
        escrow: dict[str, Any] = data["_entities"][0]["escrow"]
        return escrow

    async def status(self, bid: events.BidSnapshot, *wanted: str) -> dict[str, Any]:
        """The money of a task once it has one of these statuses."""

        async def found() -> dict[str, Any] | None:
            escrow = await self.escrow(bid)
            return escrow if escrow["status"] in wanted else None

        return await eventually(found)

    async def settled(self) -> None:
        """Waits until nothing is to be brought together with the provider any more."""

        async def nothing() -> bool:
            return not await self.sql("SELECT 1 FROM settlements WHERE kind <> 'BOOKS'")

        await eventually(nothing)

    async def webhook(self, kind: str, object_id: str) -> None:
        """The provider tells that something changed."""
        body = orjson.dumps({"id": new_id("event"), "kind": kind, "object": object_id})
        headers = {"sandbox-signature": signature(SECRET, int(clock.now().timestamp()), body)}
        answer = await self.served.client.post("/webhooks/sandbox", content=body, headers=headers)
        assert answer.status_code == 204, answer.text

    async def onboard(self, tasker_id: str, bank: str = "paid") -> None:
        """A tasker sets payouts up."""
        payload = (await self.act(tasker_id, ONBOARD))["startPayoutOnboarding"]
        assert payload["userErrors"] == []
        await self.sandbox.http.post(payload["url"], data={"bank": bank})
        ((account,),) = await self.sql("SELECT provider_id FROM payout_accounts WHERE user_id = :id", id=tasker_id)
        await self.webhook("account", str(account))

    async def sql(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        """The rows of a statement past all rules."""
        return await sql(self.database, statement, **parameters)

    async def event_types(self) -> list[str]:
        """The types of all events so far, in order, without what is told of people's books."""
        rows = await self.sql("SELECT type FROM outbox WHERE topic <> 'payments.transaction' ORDER BY position")
        return [str(type_).removeprefix("payments.") for (type_,) in rows]

    async def bodies(self, event_type: str) -> list[dict[str, Any]]:
        """The bodies of all events of a type, in order."""
        rows = await self.sql("SELECT body FROM outbox WHERE type = :type ORDER BY position", type=event_type)
        return [body for (body,) in rows if isinstance(body, dict)]

    async def balances(self) -> dict[str, int]:
        """What is in each account that holds something, in minor units; whose it is left out."""
        rows = await self.sql("SELECT kind, currency, sum(balance_minor)::bigint FROM ledger_accounts GROUP BY 1, 2")
        return {f"{kind} {currency}": int(str(minor)) for kind, currency, minor in rows if minor}


def task_of(bid: events.BidSnapshot, **changes: Any) -> events.TaskSnapshot:
    """The task of a bid, as its events carry it."""
    return factories.task_snapshot(id=bid.task_id, poster_id=bid.poster_id, tasker_id=bid.tasker_id, **changes)


def eur(text: str) -> dict[str, str]:
    """An amount of euros, in the graph."""
    return {"amount": text, "currency": "EUR"}


@pytest.fixture(scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One provider for all tests, whose webhooks nobody takes: a test sends those that it wants."""
    folder = tmp_path_factory.mktemp("sandbox")
    async with running(folder, settle_seconds="86400", silent_seconds="0.2") as process:
        yield process


@pytest.fixture
async def payments(
    serve_subgraph: ServeSubgraph, access_token: AccessToken, sandbox: Running
) -> AsyncIterator[Payments]:
    generous = {
        f"{what}_per_{whom}": "1000000/1 hour"
        for what, whom in (
            ("payment_method_setups", "account"), ("payment_method_setups", "address"), ("payments", "account"),
            ("payments", "address"), ("payout_onboardings", "address"), ("payouts", "account"),
        )
    }  # fmt: skip
    settings = {
        "sandbox_url": sandbox.url,
        "sandbox_api_key": SecretStr(API_KEY),
        "sandbox_webhook_secret": SecretStr(SECRET),
        "database_pool_timeout_seconds": 60,
        "statement_timeout_seconds": 60,
    }
    async with serve_subgraph("payments", **settings, **generous) as served:
        yield Payments(served, sandbox, access_token)
