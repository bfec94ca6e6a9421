"""The tasks subgraph on a server of its own, and what its tests begin with."""

from collections.abc import AsyncIterator
from typing import Any, Self

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from shared.database.db import Database
from shared.ids import new_id
from shared.privacy.personal_data import table_of
from subgraphs.tasks import actions, models
from tests.conftest import AccessToken, ServeSubgraph
from tests.support import factories
from tests.support.serving import Served

TASK_FIELDS = """
    id poster { id } tasker { id } title description category { slug } budget { amount currency } mode place { id }
    requirements dueFrom dueAt timeZone
    status version createdAt updatedAt publishedAt expiresAt
    startedAt deliveredAt approvalDueAt completedAt cancelledBy cancelledReason
"""
ERRORS = "userErrors { code field }"
CREATE = f"mutation($input: CreateTaskInput!) {{ createTask(input: $input) {{ task {{ {TASK_FIELDS} }} {ERRORS} }} }}"
UPDATE = f"mutation($input: UpdateTaskInput!) {{ updateTask(input: $input) {{ task {{ {TASK_FIELDS} }} {ERRORS} }} }}"
PUBLISH = (
    f"mutation($input: PublishTaskInput!) {{ publishTask(input: $input) {{ task {{ {TASK_FIELDS} }} {ERRORS} }} }}"
)
CANCEL = f"mutation($input: CancelTaskInput!) {{ cancelTask(input: $input) {{ task {{ {TASK_FIELDS} }} {ERRORS} }} }}"


def mutation(name: str) -> str:
    """The document of a mutation of one task."""
    kind = name[0].upper() + name[1:]
    return f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ task {{ {TASK_FIELDS} }} {ERRORS} }} }}"


REPOST, START, DELIVER, REQUEST_CHANGES, APPROVE = [
    mutation(each) for each in ("repostTask", "startTask", "submitDelivery", "requestChanges", "approveDelivery")
]
TASK = f"query($id: ID!) {{ task(id: $id) {{ {TASK_FIELDS} }} }}"


class Tasks:
    """The running subgraph with shortcuts for what many tests do."""

    def __init__(self, served: Served, access_token: AccessToken, categories: dict[str, str]) -> None:
        self.served = served
        self.categories = categories
        """Ids by slug."""
        self.place = new_id("place")
        self._access_token = access_token

    @classmethod
    async def of(cls, served: Served, access_token: AccessToken) -> Self:
        """Those of a served subgraph, with its categories."""
        tree = (await served.execute("{ categories { id slug children { id slug } } }"))["data"]["categories"]
        return cls(
            served, access_token, {each["slug"]: each["id"] for upper in tree for each in (upper, *upper["children"])}
        )

    @property
    def database(self) -> Database:
        database: Database = self.served.server._app.state.services.database
        return database

    def token(self, user_id: str, *roles: str) -> str:
        return self._access_token(user_id, roles=roles or ("POSTER", "TASKER"))

    def input(self, **changes: Any) -> dict[str, Any]:
        """The input of a fine task."""
        return {
            "title": "Paint the garden fence",
            "description": "The fence is ten metres long and needs two coats.",
            "categoryId": self.categories["painting"],
            "budget": {"amount": "200.00", "currency": "EUR"},
            "mode": "ONSITE",
            "placeId": self.place,
        } | changes

    async def act(self, user_id: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that has no top-level errors. Whose tasks are at `place` has it as their own."""
        if variables.get("input", {}).get("placeId") == self.place:
            await self.has_place(user_id)
        answer = await self.served.execute(document, variables, token=self.token(user_id))
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def has_place(self, user_id: str, place_id: str | None = None, *, is_deleted: bool = False) -> None:
        """Has the copy of a place say that it is this person's, whosever it was."""
        values = {"owner_id": user_id, "is_deleted": is_deleted, "seq": 1}
        statement = insert(table_of(models.Place)).values(id=place_id or self.place, **values)
        async with self.database.transaction() as session:
            await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

    async def draft(self, poster: str, **changes: Any) -> dict[str, Any]:
        """A draft of the poster."""
        payload = (await self.act(poster, CREATE, input=self.input(**changes)))["createTask"]
        assert payload["userErrors"] == []
        task: dict[str, Any] = payload["task"]
        return task

    async def open(self, poster: str, **changes: Any) -> dict[str, Any]:
        """An open task of the poster."""
        return await self.draft(poster, publish=True, **changes)

    async def assigned(self, poster: str, tasker: str, **changes: Any) -> dict[str, Any]:
        """A task of the poster that the tasker has got."""
        task = await self.open(poster, **changes)
        return await self.assign(poster, tasker, task["id"])

    async def assign(self, poster: str, tasker: str, task_id: str) -> dict[str, Any]:
        """Gives an open task to the tasker; answers it."""
        escrow = factories.escrow_snapshot(task_id=task_id, poster_id=poster, tasker_id=tasker)
        async with self.database.transaction() as session:
            await actions.assignment.assign_task(session, escrow)
        found: dict[str, Any] = (await self.act(poster, TASK, id=task_id))["task"]
        return found

    async def does(self, user_id: str, document: str, task_id: str, **given: Any) -> dict[str, Any]:
        """The task after a mutation that is not refused."""
        (payload,) = (await self.act(user_id, document, input={"taskId": task_id, **given})).values()
        assert payload["userErrors"] == [], payload
        task: dict[str, Any] = payload["task"]
        return task

    async def started(self, poster: str, tasker: str) -> dict[str, Any]:
        """A task of the poster on which the tasker is at work."""
        return await self.does(tasker, START, (await self.assigned(poster, tasker))["id"])

    async def delivered(self, poster: str, tasker: str) -> dict[str, Any]:
        """A task of the poster that the tasker has delivered."""
        task = await self.started(poster, tasker)
        return await self.does(tasker, DELIVER, task["id"], message="Two coats, as agreed.")

    async def told(self, event_type: str) -> list[dict[str, Any]]:
        """The bodies of all events of a type."""
        async with self.database.transaction() as session:
            found = text("SELECT body FROM outbox WHERE type = :type ORDER BY position")
            return list((await session.scalars(found, {"type": event_type})).all())

    async def set(self, task_id: str, **columns: object) -> None:
        """Writes columns of a task past all rules."""
        assignments = ", ".join(f"{name} = :{name}" for name in columns)
        async with self.database.transaction() as session:
            await session.execute(text(f"UPDATE tasks SET {assignments} WHERE id = :id"), {"id": task_id, **columns})

    async def state(self) -> tuple[list[Any], list[Any], list[Any]]:
        """All tasks, events and deadlines, to show that a refusal changed nothing."""
        async with self.database.transaction() as session:
            tasks = (await session.execute(text("SELECT * FROM tasks ORDER BY id"))).all()
            log = (await session.execute(text("SELECT stream, seq, type FROM outbox ORDER BY position"))).all()
            deadlines = (await session.execute(text("SELECT kind, subject_id, due_at FROM deadlines ORDER BY 2"))).all()
        return [tuple(row) for row in tasks], [tuple(row) for row in log], [tuple(row) for row in deadlines]

    async def event_types(self) -> list[str]:
        """The types of all events so far, in order."""
        return [event_type for _, _, event_type in (await self.state())[1]]


@pytest.fixture
async def tasks(serve_subgraph: ServeSubgraph, access_token: AccessToken) -> AsyncIterator[Tasks]:
    async with serve_subgraph("tasks") as served:
        yield await Tasks.of(served, access_token)


@pytest.fixture
def poster() -> str:
    return new_id("user")
