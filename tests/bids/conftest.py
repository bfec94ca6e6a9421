"""The bids subgraph on a server of its own, and what its tests begin with."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from shared import events
from shared.database.db import Database
from shared.ids import new_id
from subgraphs.bids import actions
from tests.conftest import AccessToken, ServeSubgraph
from tests.support import factories
from tests.support.messaging import sql
from tests.support.serving import Served

BID_FIELDS = """
    id task { id } tasker { id } amount { amount currency } message estimatedMinutes status version
"""
ERRORS = "userErrors { code field }"
PLACE = f"mutation($input: PlaceBidInput!) {{ placeBid(input: $input) {{ bid {{ {BID_FIELDS} }} {ERRORS} }} }}"
ACCEPT = f"mutation($input: AcceptBidInput!) {{ acceptBid(input: $input) {{ bid {{ {BID_FIELDS} }} {ERRORS} }} }}"
UPDATE = f"mutation($input: UpdateBidInput!) {{ updateBid(input: $input) {{ bid {{ {BID_FIELDS} }} {ERRORS} }} }}"
WITHDRAW = f"mutation($input: WithdrawBidInput!) {{ withdrawBid(input: $input) {{ bid {{ {BID_FIELDS} }} {ERRORS} }} }}"
DECLINE = f"mutation($input: DeclineBidInput!) {{ declineBid(input: $input) {{ bid {{ {BID_FIELDS} }} {ERRORS} }} }}"
OFFER_FIELDS = "side amount { amount currency } message status"
NEGOTIATED = (
    f"id status version amount {{ amount currency }} openOffer {{ {OFFER_FIELDS} }} offers {{ {OFFER_FIELDS} }}"
)
INVITATION = "task { id } tasker { id } message status"


def mutation(name: str, payload: str) -> str:
    """The document of a mutation, by what its payload is asked for besides the errors."""
    input_type = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation($input: {input_type}!) {{ {name}(input: $input) {{ {payload} {ERRORS} }} }}"


COUNTER, ACCEPT_OFFER, DECLINE_OFFER = (
    mutation(name, f"bid {{ {NEGOTIATED} }}") for name in ("counterOffer", "acceptOffer", "declineOffer")
)
SHORTLIST, UNSHORTLIST = (
    mutation(name, "bid { id shortlistedAt version }") for name in ("shortlistBid", "unshortlistBid")
)
INVITE, DECLINE_INVITATION = (
    mutation(name, f"invitation {{ id {INVITATION} }}") for name in ("inviteToBid", "declineInvitation")
)
MESSAGE = "I have painted many fences and can start tomorrow."


class Bids:
    """The running subgraph with shortcuts for what many tests do."""

    def __init__(self, served: Served, access_token: AccessToken) -> None:
        self.served = served
        self._access_token = access_token

    def token(self, user_id: str, *roles: str) -> str:
        # Longer than any term of a bid: tests move the clock.
        return self._access_token(user_id, roles=roles or ("POSTER", "TASKER"), expires_in=10_000_000)

    async def task(self, **changes: Any) -> events.TaskSnapshot:
        """A task that the subgraph has heard of."""
        task = factories.task_snapshot(**changes)
        async with self.database.transaction() as session:
            await actions.tasks.copy_task(session, task)
        return task

    async def act(self, user_id: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that has no top-level errors."""
        answer = await self.served.execute(document, variables, token=self.token(user_id))
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def place(self, task: events.TaskSnapshot, tasker_id: str | None = None, **changes: Any) -> dict[str, Any]:
        """A bid of `tasker_id` (a new one) that is accepted by the subgraph."""
        given = place_input(task.id, **changes)
        payload = (await self.act(tasker_id or new_id("user"), PLACE, input=given))["placeBid"]
        assert payload["userErrors"] == []
        bid: dict[str, Any] = payload["bid"]
        return bid

    @property
    def database(self) -> Database:
        database: Database = self.served.server._app.state.services.database
        return database

    async def tasker(self) -> str:
        """Somebody of whom the subgraph has heard that they look for work."""
        tasker_id = new_id("user")
        async with self.database.transaction() as session:
            await actions.people.copy_roles(session, tasker_id, ["TASKER"], seq=1)
        return tasker_id

    async def sql(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        """The rows of a statement past all rules."""
        return await sql(self.database, statement, **parameters)

    async def statuses(self) -> dict[str, str]:
        """The status of every bid by its id."""
        return {str(bid_id): str(status) for bid_id, status in await self.sql("SELECT id, status FROM bids")}

    async def bodies(self, event_type: str) -> list[dict[str, Any]]:
        """The bodies of all events of a type, in order."""
        rows = await self.sql("SELECT body FROM outbox WHERE type = :type ORDER BY position", type=event_type)
        return [body for (body,) in rows if isinstance(body, dict)]

    async def deadlines(self) -> set[str]:
        """The ids of the bids that have a deadline."""
        return {str(bid_id) for (bid_id,) in await self.sql("SELECT subject_id FROM deadlines")}

    async def state(self) -> tuple[list[Any], list[Any]]:
        """All bids and all events, to show that a refusal changed nothing."""
        async with self.database.transaction() as session:
            bids = (await session.execute(text("SELECT * FROM bids ORDER BY id"))).all()
            log = (await session.execute(text("SELECT stream, seq, type FROM outbox ORDER BY position"))).all()
        return [tuple(row) for row in bids], [tuple(row) for row in log]

    async def event_types(self) -> list[str]:
        """The types of all events so far, in order."""
        return [event_type for _, _, event_type in (await self.state())[1]]


async def counter(bids: Bids, actor_id: str, bid: dict[str, Any], amount: str, **more: Any) -> dict[str, Any]:
    """The bid after a counter-offer."""
    given = {"bidId": bid["id"], "expectedVersion": bid["version"], "amount": euros(amount), **more}
    payload = (await bids.act(actor_id, COUNTER, input=given))["counterOffer"]
    assert payload["userErrors"] == []
    countered: dict[str, Any] = payload["bid"]
    return countered


def euros(amount: str) -> dict[str, str]:
    """An amount as it is entered."""
    return {"amount": amount, "currency": "EUR"}


async def accept(bids: Bids, poster_id: str, bid: dict[str, Any]) -> dict[str, Any]:
    """The bid after its acceptance."""
    given = {"bidId": bid["id"], "expectedVersion": bid["version"]}
    payload = (await bids.act(poster_id, ACCEPT, input=given))["acceptBid"]
    assert payload["userErrors"] == []
    accepted: dict[str, Any] = payload["bid"]
    return accepted


def place_input(task_id: str, **changes: Any) -> dict[str, Any]:
    """The input of a fine bid."""
    amount = {"amount": "150.00", "currency": "EUR"}
    return {"taskId": task_id, "amount": amount, "message": MESSAGE, "estimatedMinutes": 120} | changes


@pytest.fixture
async def bids(serve_subgraph: ServeSubgraph, access_token: AccessToken) -> AsyncIterator[Bids]:
    # Generous: on a busy machine a hundred requests at once must not look like a dead database.
    patient = {"database_pool_timeout_seconds": 60, "statement_timeout_seconds": 60}
    async with serve_subgraph("bids", **patient) as served:
        yield Bids(served, access_token)
