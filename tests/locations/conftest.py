"""The locations subgraph on a server of its own, and what its tests begin with."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared import events
from shared.context import Services
from shared.database.db import Database
from shared.ids import new_id
from subgraphs.locations import actions
from subgraphs.locations.loaders import Loaders
from tests.conftest import AccessToken, ServeSubgraph
from tests.support import factories
from tests.support.messaging import sql
from tests.support.serving import Served

POINT = "{ latitude longitude }"
PLACE_FIELDS = f"id address locality country precision point {POINT} publicPoint {POINT}"
CREATE = (
    f"mutation($input: CreatePlaceInput!) {{ createPlace(input: $input) {{ place {{ {PLACE_FIELDS} }}"
    " userErrors { code message field } } }"
)
DELETE = "mutation($input: DeletePlaceInput!) { deletePlace(input: $input) { place { id } userErrors { code field } } }"
PLACE = f"query($id: ID!) {{ place(id: $id) {{ {PLACE_FIELDS} }} }}"
NEARBY = """query($center: PointInput!, $radius: Float!, $filter: NearbyTaskFilter,
    $first: Int, $after: String, $last: Int, $before: String) {
    nearbyTasks(center: $center, radiusMeters: $radius, filter: $filter, first: $first, after: $after, last: $last,
        before: $before) {
        edges { cursor distanceMeters node { id } } nodes { id } totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }"""
VIEW = f"""query($bounds: BoundsInput!, $zoom: Int!) {{
    tasksInView(bounds: $bounds, zoom: $zoom) {{
        count clusters {{ count center {POINT} }} tasks {{ id publicPoint {POINT} }}
    }} }}"""
BANGKOK = {"latitude": 13.7563, "longitude": 100.5018}


class Locations:
    """The running subgraph with shortcuts for what many tests do."""

    def __init__(self, served: Served, access_token: AccessToken) -> None:
        self.served = served
        self._access_token = access_token

    async def ask(self, user_id: str | None, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        token = self._access_token(user_id, expires_in=10_000_000) if user_id is not None else None
        return await self.served.execute(document, variables, token=token)

    async def act(self, user_id: str | None, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that has no top-level errors."""
        answer = await self.ask(user_id, document, **variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def refusal(self, user_id: str | None, document: str, **variables: Any) -> tuple[str, str]:
        """Code and message of the one top-level error."""
        answer = await self.ask(user_id, document, **variables)
        (error,) = answer["errors"]
        return error["extensions"]["code"], error["message"]

    async def place(self, owner_id: str, **given: Any) -> dict[str, Any]:
        """A place of somebody's."""
        payload = (await self.act(owner_id, CREATE, input=given or {"point": BANGKOK}))["createPlace"]
        assert payload["userErrors"] == []
        place: dict[str, Any] = payload["place"]
        return place

    async def task(self, **changes: Any) -> events.TaskSnapshot:
        """A task that the subgraph has heard of."""
        task = factories.task_snapshot(**changes)
        await self.hear(task)
        return task

    async def hear(self, task: events.TaskSnapshot) -> None:
        """What the subgraph does about an event with this task."""
        async with self.database.transaction() as session:
            await actions.tasks.copy_task(session, task)

    async def task_at(self, owner_id: str | None = None, **point: float) -> tuple[events.TaskSnapshot, dict[str, Any]]:
        """A task of somebody's (a new one's) at a new place of theirs, and the place."""
        owner = owner_id or new_id("user")
        place = await self.place(owner, point=point or BANGKOK)
        return await self.task(poster_id=owner, place_id=place["id"]), place

    async def scatter(self, points: list[tuple[float, float]], **changes: Any) -> list[str]:
        """Open tasks whose public points are these (latitude, longitude), past all places. Their ids."""
        ids = [new_id("task") for _ in points]
        await self.sql(
            """INSERT INTO tasks (id, poster_id, title, category_id, budget_minor, currency, mode, status, is_hidden,
                version, published_at, expires_at, latitude, longitude)
            SELECT id, 'user_01jd0000000000000000000000', 'Paint the fence', 'category_01jd0000000000000000000000',
                20000, 'EUR', 'ONSITE', :status, false, 1, now(), now() + interval '30 days', latitude, longitude
            FROM unnest(CAST(:ids AS text[]), CAST(:latitudes AS float8[]), CAST(:longitudes AS float8[]))
                AS rows(id, latitude, longitude) RETURNING 1""",
            ids=ids,
            latitudes=[latitude for latitude, _ in points],
            longitudes=[longitude for _, longitude in points],
            status=changes.get("status", "OPEN"),
        )
        return ids

    @property
    def services(self) -> Services[Loaders]:
        services: Services[Loaders] = self.served.server._app.state.services
        return services

    @property
    def database(self) -> Database:
        return self.services.database

    async def sql(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        """The rows of a statement past all rules."""
        return await sql(self.database, statement, **parameters)

    async def bodies(self, event_type: str) -> list[dict[str, Any]]:
        """The bodies of all events of a type, in order."""
        rows = await self.sql("SELECT body FROM outbox WHERE type = :type ORDER BY position", type=event_type)
        return [body for (body,) in rows if isinstance(body, dict)]


@pytest.fixture
async def locations(serve_subgraph: ServeSubgraph, access_token: AccessToken) -> AsyncIterator[Locations]:
    generous = {"places_per_account": "10000/1 hour", "places_per_address": "100000/1 hour"}
    generous |= {"saved_searches_per_account": "10000/1 hour", "saved_searches_per_address": "100000/1 hour"}
    generous |= {"service_areas_per_account": "10000/1 hour", "service_areas_per_address": "100000/1 hour"}
    patient = {"database_pool_timeout_seconds": 60, "statement_timeout_seconds": 60}
    async with serve_subgraph("locations", **generous, **patient) as served:
        yield Locations(served, access_token)
