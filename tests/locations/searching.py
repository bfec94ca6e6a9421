"""Saved searches and what they find, for the tests of both."""

from typing import Any

from shared import clock, events
from shared.ids import new_id
from subgraphs.locations.actions import alerts
from tests.locations.conftest import Locations
from tests.support.messaging import eventually

FIELDS = "id name center { latitude longitude } radiusMeters words categoryIds mode minBudget { amount currency }"
CREATE = (
    f"mutation($input: CreateSavedSearchInput!) {{ createSavedSearch(input: $input) {{ savedSearch {{ {FIELDS} }}"
    " userErrors { code message field } } }"
)
DELETE = (
    f"mutation($input: DeleteSavedSearchInput!) {{ deleteSavedSearch(input: $input) {{ savedSearch {{ {FIELDS} }}"
    " userErrors { code field } } }"
)
MINE = f"{{ mySavedSearches {{ totalCount nodes {{ {FIELDS} }} }} }}"


class SavedSearches:
    """The running subgraph with shortcuts for saving searches and posting tasks."""

    def __init__(self, locations: Locations) -> None:
        self.locations = locations
        self.ask, self.act, self.refusal, self.sql = (
            locations.ask, locations.act, locations.refusal, locations.sql,
        )  # fmt: skip

    async def save(self, owner_id: str, **given: Any) -> dict[str, Any]:
        """A search of somebody's."""
        payload = (await self.act(owner_id, CREATE, input={"name": "Fences"} | given))["createSavedSearch"]
        assert payload["userErrors"] == []
        saved: dict[str, Any] = payload["savedSearch"]
        return saved

    async def post(
        self, poster_id: str | None = None, at: dict[str, float] | None = None, **changes: Any
    ) -> events.TaskSnapshot:
        """An open task at a public point, if one is given, once everybody who is to be told of it has been."""
        poster = poster_id or new_id("user")
        place_id = None
        if at is not None:
            place_id = new_id("place")
            await self.sql(
                """INSERT INTO places SELECT :id, :owner, null, null, null, 'POINT', 0, 0, :latitude, :longitude, now()
                RETURNING 1""",
                id=place_id, owner=poster, **at,
            )  # fmt: skip
        task = await self.locations.task(poster_id=poster, place_id=place_id, **changes)
        await self.settle()
        return task

    async def settle(self) -> None:
        """Waits until nobody is to be told of anything."""

        async def is_done() -> bool:
            return await self.sql("SELECT 1 FROM deadlines WHERE kind LIKE 'task\\_%'") == []

        await eventually(is_done, 30)

    async def match(self, task_id: str) -> None:
        """Matches a task and tells everybody, past the deadlines."""
        async with self.locations.database.transaction() as session:
            await alerts.match_task(session, task_id, clock.now())
        await self.settle()

    async def alerts(self) -> list[dict[str, Any]]:
        """What was told, in order."""
        return await self.locations.bodies("locations.alert.matched")

    async def told(self, task: events.TaskSnapshot) -> list[str]:
        """Whom of a task, sorted."""
        return sorted(alert["user_id"] for alert in await self.alerts() if alert["task_id"] == task.id)
