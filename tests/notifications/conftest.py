"""The notifications subgraph on a server of its own, and what its tests begin with."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared import clock, events
from shared.database.db import Database
from shared.events import Envelope
from subgraphs.notifications import actions
from tests.conftest import AccessToken, ServeSubgraph
from tests.support import factories
from tests.support.messaging import sql
from tests.support.serving import Served

FIELDS = "id category title body link createdAt readAt"
MARK_READ = (
    "mutation($input: MarkReadInput!)"
    f" {{ markRead(input: $input) {{ notifications {{ {FIELDS} }} userErrors {{ code field }} }} }}"
)
MARK_ALL_READ = "mutation($input: MarkAllReadInput!) { markAllRead(input: $input) { count userErrors { code field } } }"
LIST = f"""
    query($filter: NotificationFilter, $first: Int, $after: String, $last: Int, $before: String) {{
      notifications(filter: $filter, first: $first, after: $after, last: $last, before: $before) {{
        edges {{ cursor node {{ {FIELDS} }} }} nodes {{ {FIELDS} }} totalCount
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
      }}
      unreadCount
    }}
"""


class Notifications:
    """The running subgraph with shortcuts for what many tests do."""

    def __init__(self, served: Served, access_token: AccessToken) -> None:
        self.served = served
        self._access_token = access_token

    @property
    def database(self) -> Database:
        database: Database = self.served.server._app.state.services.database
        return database

    def token(self, user_id: str) -> str:
        return self._access_token(user_id)

    async def act(self, user_id: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that has no top-level errors."""
        answer = await self.served.execute(document, variables, token=self.token(user_id))
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def tell(self, event: events.Event) -> None:
        """Notifies whom an event concerns."""
        envelope = Envelope(event, str(uuid.uuid4()), 1, event.stream, clock.now())
        async with self.database.transaction() as session:
            await actions.notify(session, envelope)

    async def told(self, user_id: str, count: int = 1) -> list[dict[str, Any]]:
        """New notifications of a person about bids on their task, as they see them, oldest first."""
        for _ in range(count):
            await self.tell(events.BidPlaced(bid=factories.bid_snapshot(poster_id=user_id)))
        return (await self.inbox(user_id))[:count][::-1]

    async def told_of_task(self, user_id: str) -> dict[str, Any]:
        """A new notification of a person about their task."""
        await self.tell(events.TaskExpired(task=factories.task_snapshot(poster_id=user_id, status="EXPIRED")))
        return (await self.inbox(user_id))[0]

    async def inbox(self, user_id: str, **filter: object) -> list[dict[str, Any]]:
        """What a person sees, newest first."""
        nodes: list[dict[str, Any]] = (await self.act(user_id, LIST, filter=filter, first=100))["notifications"][
            "nodes"
        ]
        return nodes

    async def unread(self, user_id: str) -> int:
        count: int = (await self.act(user_id, "{ unreadCount }"))["unreadCount"]
        return count

    async def sql(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        """The rows of a statement past all rules."""
        return await sql(self.database, statement, **parameters)

    async def state(self) -> tuple[list[Any], list[Any]]:
        """All notifications and all events, to show that a refusal changed nothing."""
        rows = await self.sql("SELECT * FROM notifications ORDER BY id")
        return rows, await self.sql("SELECT stream, seq, type, body FROM outbox ORDER BY position")

    async def log(self, user_id: str) -> list[str]:
        """The types of the events of a person's inbox, without what they all begin with."""
        rows = await self.sql("SELECT type FROM outbox WHERE stream = :stream ORDER BY seq", stream=f"user:{user_id}")
        return [str(type_).removeprefix("notifications.notification.") for (type_,) in rows]


@pytest.fixture
async def notifications(serve_subgraph: ServeSubgraph, access_token: AccessToken) -> AsyncIterator[Notifications]:
    # Generous: on a busy machine many requests at once must not look like a dead database.
    patient = {"database_pool_timeout_seconds": 60, "statement_timeout_seconds": 60}
    async with serve_subgraph("notifications", **patient) as served:
        yield Notifications(served, access_token)
