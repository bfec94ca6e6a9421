"""The whole life of a task, as Hypothesis leads it: whatever comes in whatever order, the table decides."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import clock, deadlines
from shared.ids import new_id
from shared.transitions import By
from subgraphs.tasks import actions
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules import agreements
from subgraphs.tasks.rules.agreements import Kind
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Status
from tests.support import factories
from tests.support.messaging import sql
from tests.tasks import test_agreements
from tests.tasks.conftest import (
    APPROVE,
    CANCEL,
    DELIVER,
    PUBLISH,
    REPOST,
    REQUEST_CHANGES,
    START,
    TASK,
    UPDATE,
    Tasks,
)  # fmt: skip

MESSAGE = {"message": "Both sides have two coats now."}
MUTATIONS: dict[Command, tuple[str, dict[str, Any]]] = {
    Command.UPDATE: (UPDATE, {"title": "Paint the other fence"}),
    Command.PUBLISH: (PUBLISH, {}),
    Command.REPOST: (REPOST, {}),
    Command.START: (START, {}),
    Command.DELIVER: (DELIVER, MESSAGE),
    Command.REQUEST_CHANGES: (REQUEST_CHANGES, MESSAGE),
    Command.APPROVE: (APPROVE, {}),
    Command.CANCEL: (CANCEL, {"reason": "It rains."}),
}
SIDES = (By.POSTER, By.TASKER)
moves = st.one_of(
    st.tuples(st.sampled_from(list(MUTATIONS)), st.sampled_from(SIDES)),
    st.sampled_from(
        [(Command.ASSIGN, By.EVENT), (Command.EXPIRE, By.TIMER), (Command.APPROVE, By.TIMER),
         (Command.CANCEL_TOGETHER, By.TIMER)]
    ),
    st.tuples(st.sampled_from(Kind), st.sampled_from(SIDES), st.booleans()),
)  # fmt: skip


class Life:
    """A task, and what the table says of it."""

    def __init__(self, tasks: Tasks, task_id: str, people: dict[By, str]) -> None:
        self.tasks, self.id, self.people = tasks, task_id, people
        self.status, self.version = Status.DRAFT, 1
        self.requests: dict[Kind, By] = {}
        self.price = 150
        self.last: tuple[Command, By] | None = None

    def allows(self, command: Command, by: By) -> bool:
        row = TRANSITIONS.get((self.status, command))
        return row is not None and by in row.by

    async def listed(self, by: By) -> list[str]:
        """What one of the two can do, as `viewerCan` says."""
        can = "query ($id: ID!) { task(id: $id) { viewerCan } }"
        task = (await self.tasks.act(self.people[by], can, id=self.id))["task"]
        # Nobody but its poster sees a draft.
        return task["viewerCan"] if task is not None else []

    def goes(self, command: Command, by: By) -> None:
        before, self.status = self.status, TRANSITIONS[self.status, command].to
        if self.status is not before:
            self.last = command, by
        self.version += 1
        for kind in list(self.requests):
            if agreements.is_obsolete(kind, agreements.Status.OPEN, self.status):
                del self.requests[kind]

    async def mutate(self, command: Command, by: By) -> None:
        document, given = MUTATIONS[command]
        if command in (Command.UPDATE, Command.APPROVE):
            given = {**given, "expectedVersion": self.version}
        if command is Command.UPDATE:
            given = {**given, "title": f"Paint the fence anew: {self.version}"}
        listed = await self.listed(by)
        (payload,) = (await self.tasks.act(self.people[by], document, input={"taskId": self.id, **given})).values()
        done = self.allows(command, by)
        assert (command.name in listed) is done, (self.status, command, by, listed)
        # What somebody did, they may say once more; nothing more comes of it.
        repeated = self.last == (command, by)
        assert (payload["userErrors"] == []) is (done or repeated), (self.status, command, by, payload)
        if done:
            self.goes(command, by)

    async def happen(self, command: Command) -> None:
        """What events and deadlines bring, as their handlers do it; a claimed deadline is gone."""
        past = clock.now() - timedelta(days=60)
        by = By.EVENT if command is Command.ASSIGN else By.TIMER
        asked = self.requests.get(Kind.CANCELLATION)
        done = self.allows(command, by) and (command is not Command.CANCEL_TOGETHER or asked is not None)
        async with self.tasks.database.transaction() as session:
            if command is Command.ASSIGN:
                escrow = factories.escrow_snapshot(
                    task_id=self.id, poster_id=self.people[By.POSTER], tasker_id=self.people[By.TASKER]
                )
                if self.status is not Status.DRAFT:  # nobody can bid on one
                    await actions.assignment.assign_task(session, escrow)
            elif command is Command.EXPIRE and done:
                await deadlines.cancel(session, steps.EXPIRY, self.id)
        if command is Command.EXPIRE and done:
            await self.tasks.set(self.id, expires_at=past)
        if command is Command.APPROVE and done:
            await self.tasks.set(self.id, delivered_at=past)
        if command is Command.CANCEL_TOGETHER:
            await sql(self.tasks.database, "UPDATE agreements SET expires_at = :past RETURNING id", past=past)
        async with self.tasks.database.transaction() as session:
            if command is Command.EXPIRE:
                await actions.expiry.expire_task(session, self.id)
            elif command is Command.APPROVE:
                await actions.work.approve_unanswered(session, self.id)
            elif command is Command.CANCEL_TOGETHER:
                found = "SELECT id FROM agreements WHERE task_id = :id AND kind = 'CANCELLATION' ORDER BY id DESC"
                for (agreement_id,) in (await sql(self.tasks.database, found, id=self.id))[:1]:
                    await deadlines.cancel(session, steps.CANCELLATION, str(agreement_id))
                    await actions.agreements.lapse(session, str(agreement_id))
        if done:
            self.requests.pop(Kind.CANCELLATION, None) if command is Command.CANCEL_TOGETHER else None
            self.goes(command, by)

    async def settle(self, kind: Kind, by: By, accept: bool) -> None:
        """Asks for something, or answers what the other one asked for."""
        command = agreements.COMMANDS[kind]
        asked_by = self.requests.get(kind)
        if asked_by is None or asked_by is by:
            self.price -= 1
            wish = test_agreements.wish(kind, f"{self.price}.00")
            listed = await self.listed(by)
            payload = await test_agreements.asks(self.tasks, self.people[by], kind, self.id, **wish)
            done = asked_by is None and self.allows(command, by)
            assert (command.name in listed) is done, (self.status, command, by, listed)
            assert (payload["userErrors"] == []) is done, (self.status, kind, by, payload)
            if done:
                self.requests[kind] = by
            return
        found = await sql(
            self.tasks.database,
            "SELECT id, version FROM agreements WHERE task_id = :id AND kind = :kind AND status = 'OPEN'",
            id=self.id, kind=kind.value,
        )  # fmt: skip
        ((agreement_id, version),) = found
        payload = await test_agreements.answers(
            self.tasks, self.people[by], kind, {"id": agreement_id, "version": version}, accept
        )
        if accept and kind is Kind.PRICE_CHANGE and payload["userErrors"]:
            raise AssertionError(payload)
        assert payload["userErrors"] == [], payload
        del self.requests[kind]
        if accept:
            self.goes(command, by)

    async def check(self) -> None:
        """That the database is what the table says."""
        poster = self.people[By.POSTER]
        task = (await self.tasks.act(poster, TASK, id=self.id))["task"]
        assert (task["status"], task["version"]) == (self.status, self.version)
        log = await sql(
            self.tasks.database, "SELECT seq, split_part(type, '.', 3) FROM outbox WHERE stream = :s ORDER BY seq",
            s=f"task:{self.id}",
        )  # fmt: skip
        told = await sql(
            self.tasks.database, "SELECT seq, type FROM task_steps WHERE task_id = :id ORDER BY seq", id=self.id
        )
        assert [tuple(row) for row in told] == [tuple(row) for row in log]
        assert [row[0] for row in told] == list(range(1, len(told) + 1))
        unsettled = await sql(
            self.tasks.database, "SELECT kind FROM agreements WHERE task_id = :id AND status = 'OPEN'", id=self.id
        )
        assert {row[0] for row in unsettled} == set(self.requests)
        expected = {Status.OPEN: {"task_expiry"}, Status.DELIVERED: {"task_approval"}}.get(self.status, set())
        if Kind.CANCELLATION in self.requests:
            expected = expected | {"task_cancellation"}
        kinds = await sql(
            self.tasks.database,
            "SELECT kind FROM deadlines WHERE subject_id = :id "
            "OR subject_id IN (SELECT id FROM agreements WHERE task_id = :id)",
            id=self.id,
        )
        assert {row[0] for row in kinds} == expected


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(played=st.lists(moves, max_size=14), begun=st.sampled_from(["draft", "assigned", "started"]))
async def test_the_table_decides_whatever_comes(tasks: Tasks, played: list[tuple[Any, ...]], begun: str) -> None:
    poster, tasker = new_id("user"), new_id("user")
    life = Life(tasks, (await tasks.draft(poster))["id"], {By.POSTER: poster, By.TASKER: tasker})
    if begun != "draft":
        await life.mutate(Command.PUBLISH, By.POSTER)
        await life.happen(Command.ASSIGN)
    if begun == "started":
        await life.mutate(Command.START, By.TASKER)
    for move in played:
        match move:
            case (Kind() as kind, side, accept):
                await life.settle(kind, side, accept)
            case (command, (By.POSTER | By.TASKER) as side):
                await life.mutate(command, side)
            case (command, _):
                await life.happen(command)
        await life.check()
