"""Asks cells of the matrix of the running system, on every way.

Objects are made first, all of them, also one for each mutation that is going to be allowed; then the doomed are
suspended. Reads share their objects and go before mutations; refused mutations go before allowed ones, so that
whatever changed meanwhile would be their doing.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import aiohttp

from deploy.local.stack import Stack
from deploy.local.system import Options
from shared.access import ANEW, NULL, OWN, UNAUTHENTICATED, VALUE, Answer, Mutation, Who
from shared.matrix import Cell, field_of
from shared.printing.access import declarations, subgraphs
from tests.abuse.accounts import new_address
from tests.authorization.following import Shown, following
from tests.authorization.objects import Made, make, mark_all_read, welcome
from tests.authorization.people import Data, Person, World, anywhere
from tests.authorization.questions import NODE, Question, document, judge, judge_events, row_of
from tests.authorization.routes import ROUTES, Route, cells_of, takes_key
from tests.authorization.state import Databases
from tests.e2e.people import eventually
from tests.supergraph.conftest import running
from tests.support.loopback import free_port
from tests.support.replicas import replica

T = TypeVar("T")

# Hundreds of people sign up, each with a password that is to be hashed.
_CHEAP = {"EXCHANGE_ARGON2_MEMORY_KIB": "8", "EXCHANGE_ARGON2_TIME_COST": "1"}
_FIELDS_PER_DOCUMENT = 6
# Hive Router reckons with any type of object at each of them.
_NODES_PER_DOCUMENT = 2
_AT_ONCE = 8
_GOES_BY_ITSELF = ("discarded_files ", "mails ")
# How long nothing has to come before it counts as silence; what comes, comes within milliseconds.
_SILENCE_SECONDS = 1.5


@dataclass
class Results:
    """What was answered, by the way and the cell's id, and what happened besides."""

    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    changed: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Rows that refused mutations changed, by way and mutation."""
    again: dict[tuple[str, str], dict[Who, tuple[Answer, set[str]]]] = field(default_factory=dict)
    """What allowed mutations were answered that were sent again, and the rows that changed by it."""
    endings: dict[tuple[str, str], Shown] = field(default_factory=dict)
    """Subscriptions that were open when their users were suspended, by way and field."""


@dataclass(frozen=True)
class Task:
    """A question on a way, with its cells by row and actor."""

    route: Route
    subgraph: str
    question: Question
    rows: Mapping[str, Mapping[Who, Cell]]

    @property
    def name(self) -> str:
        """Unlike that of any other on this way."""
        only_errors = any(cells[Who.OWNER].type == "UserError" for cells in self.rows.values())
        suffix = " with a mistake" if only_errors else ""
        return f"{self.subgraph}.{field_of(self.question.root)}({self.question.about}){suffix}"

    def is_allowed(self, who: Who) -> bool:
        """Whether a mutation is declared to be done for somebody."""
        cells = [cells[who] for cells in self.rows.values() if cells[who].type == "Mutation"]
        return any(cell.answer in (VALUE, OWN) for cell in cells)

    def is_refused(self, who: Who) -> bool:
        """Whether all is declared to be refused to somebody."""
        return all(cells[who].answer.refusal for cells in self.rows.values())

    @property
    def declared(self) -> Mutation | None:
        """What declares a mutation; None for one that is there for a mistake in it."""
        return next(
            (
                each
                for each in declarations(self.subgraph)
                if isinstance(each, Mutation) and (each.at, each.about) == (self.question.root, self.question.about)
            ),
            None,
        )

    @property
    def is_repeatable(self) -> bool:
        return self.declared is not None and self.declared.repeatable

    @property
    def is_done_anew(self) -> bool:
        """Whether a mutation that is sent again is done once more."""
        return self.declared is not None and self.declared.again is ANEW


def tasks(operation: str) -> list[Task]:
    """Everything that is asked by one kind of operation."""
    found = []
    for subgraph in subgraphs():
        by_row: dict[str, dict[Who, Cell]] = {}
        for cell in cells_of(subgraph):
            by_row.setdefault(row_of(cell), {})[cell.who] = cell
        for route in ROUTES:
            for question in route.questions(subgraph):
                if question.operation == operation:
                    rows = {row: _by_id(by_row[row]) if route.by else by_row[row] for row in question.places}
                    found.append(Task(route, subgraph, question, rows))
    return found


def _by_id(cells: dict[Who, Cell]) -> dict[Who, Cell]:
    """No look-up by id alone takes a scope: what strangers may not see is null to them."""
    cell = cells[Who.ANONYMOUS]
    return {**cells, cell.who: replace(cell, answer=NULL)} if cell.answer is UNAUTHENTICATED else cells


async def ask_everything(stack: Stack, folder: Path, chosen: Sequence[Task]) -> Results:
    """Asks every cell of the chosen tasks; raises only for what was to be prepared. `folder` is for logs."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as inside,
        # At an address of its own, since an address may fail only so often.
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, local_addr=(new_address(), 0))) as outside,
        Databases(stack) as databases,
    ):
        port = free_port()
        with running(replica(stack, "users", port, folder, {**Options.of(stack.instance).environment, **_CHEAP})):
            world = World(stack, inside, outside, f"http://127.0.0.1:{port}/graphql")
            return await _Asking(stack, world, databases, chosen).run()


async def _all(work: Iterable[Awaitable[T]]) -> list[T]:
    """The results of all, a few at the same time."""
    few = asyncio.Semaphore(_AT_ONCE)

    async def one(each: Awaitable[T]) -> T:
        async with few:
            return await each

    return await asyncio.gather(*(one(each) for each in work))


class _Asking:
    def __init__(self, stack: Stack, world: World, databases: Databases, chosen: Sequence[Task]) -> None:
        self.chosen = chosen
        self.stack = stack
        self.world = world
        self.databases = databases
        self.results = Results()
        # By name for what is only read; whether they are of the doomed.
        self.objects: dict[tuple[str, bool], Made] = {}

    async def run(self) -> Results:
        began = await self.databases.now()
        await self.world.gather()
        mutations = [_Trial(task) for task in self._tasks("mutation")]
        await _all(each for trial in mutations for each in trial.prepare(self.world))
        names = {task.question.about for kind in ("query", "subscription") for task in self._tasks(kind)}
        await _all(self._make(name, doomed) for name in sorted(names) for doomed in (False, True))
        standard = self.world.cast.standard.values()
        await _all(welcome(self.world, person) for person in standard)
        await self.databases.settle(began)
        await _all(mark_all_read(self.world, person) for person in standard)
        await self._suspend()
        await self._read()
        await self._follow()
        for trial in mutations:
            await self._refuse(trial)
        for (_, subgraph), together in groupby(mutations, lambda trial: (trial.task.route, trial.task.subgraph)):
            await self._allow_and_repeat(subgraph, list(together))
        return self.results

    def _tasks(self, operation: str) -> list[Task]:
        return [task for task in self.chosen if task.question.operation == operation]

    async def _make(self, name: str, doomed: bool) -> None:
        self.objects[name, doomed] = await make(name, self.world, doomed=doomed)

    def _object(self, name: str, who: Who) -> Made:
        return self.objects[name, who is Who.SUSPENDED]

    def _person(self, made: Made, who: Who) -> Person | None:
        return None if who is Who.ANONYMOUS else made.people.get(who) or self.world.cast.standard[who]

    async def _post(self, route: Route, subgraph: str, person: Person | None, text: str) -> Data:
        headers = {"authorization": f"Bearer {person.token}"} if person else {}
        if route.is_direct:
            headers["x-forwarded-for"] = anywhere()
        return await self.world.post(route.url(self.stack, subgraph), {"query": text}, headers)

    def _note(self, task: Task, who: Who, alias: str, answer: Data, made: Made) -> None:
        for row, cells in task.rows.items():
            word = judge(row, task.question, alias, answer, made.id)
            self.results.answers[task.route.name, cells[who].id] = word

    # --- queries ---

    async def _read(self) -> None:
        # One field that is refused at the top takes those beside it along.
        batches: dict[tuple[Route, str, Who, str, bool], list[Task]] = {}
        for task in self._tasks("query"):
            for who in Who:
                made = self._object(task.question.about, who)
                person = self._person(made, who)
                refused = who is Who.SUSPENDED and task.is_refused(who)
                token = person.token if person else ""
                batches.setdefault((task.route, task.subgraph, who, token, refused), []).append(task)
        await _all(
            self._read_batch(route, who, together[start : start + size])
            for (route, _, who, *_), together in batches.items()
            for size in (_NODES_PER_DOCUMENT if route.by == NODE else _FIELDS_PER_DOCUMENT,)
            for start in range(0, len(together), size)
        )

    async def _read_batch(self, route: Route, who: Who, together: Sequence[Task]) -> None:
        made = [self._object(task.question.about, who) for task in together]
        asked = {f"q{place}": (task.question, made[place].values) for place, task in enumerate(together)}
        person = self._person(made[0], who)
        answer = await self._post(route, together[0].subgraph, person, document("query", asked))
        for place, task in enumerate(together):
            self._note(task, who, f"q{place}", answer, made[place])

    # --- subscriptions ---

    async def _suspend(self) -> None:
        """Suspends the doomed, in the middle of all their subscriptions."""
        async with AsyncExitStack() as stack:
            shown: dict[tuple[str, str], Shown] = {}
            for task in self._tasks("subscription"):
                made = self._object(task.question.about, Who.SUSPENDED)
                url = task.route.url(self.stack, task.subgraph).replace("http", "ws", 1)
                text = document("subscription", {"q": (task.question, made.values)})
                person = self._person(made, Who.SUSPENDED)
                views = await stack.enter_async_context(following(url, person, {"q": text}))
                shown[task.route.name, task.name] = views["q"]
            await eventually(lambda: all(each.events or each.over for each in shown.values()), shown=lambda: shown)
            for person in (self.world.cast.sue, self.world.cast.sid):
                await self.world.suspend(person)
            await eventually(lambda: all(each.over for each in shown.values()), shown=lambda: shown)
            self.results.endings = shown
        await eventually(self._is_out)

    async def _is_out(self) -> bool:
        """Whether every subgraph refuses the suspended."""
        asked = {"users": "me { id }", "tasks": "myTasks(as: POSTER) { totalCount }", "bids": "myBids { totalCount }",
                 "payments": "myPaymentMethods { id }", "notifications": "unreadCount",
                 "locations": "myPlaces { totalCount }"}  # fmt: skip
        for subgraph, text in asked.items():
            answer = await self._post(ROUTES[0], subgraph, self.world.cast.sid, f"{{ {text} }}")
            if [error["extensions"]["code"] for error in answer.get("errors", ())] != ["UNAUTHENTICATED"]:
                return False
        return True

    async def _follow(self) -> None:
        groups: dict[tuple[Route, str, Who, str], list[Task]] = {}
        for task in self._tasks("subscription"):
            for who in Who:
                person = self._person(self._object(task.question.about, who), who)
                place = task.subgraph if task.route.is_direct else ""
                groups.setdefault((task.route, place, who, person.token if person else ""), []).append(task)
        await asyncio.gather(*(self._follow_group(who, together) for (_, _, who, _), together in groups.items()))

    async def _follow_group(self, who: Who, together: Sequence[Task]) -> None:
        made = [self._object(task.question.about, who) for task in together]
        url = together[0].route.url(self.stack, together[0].subgraph).replace("http", "ws", 1)
        texts = {
            str(place): document("subscription", {"q": (task.question, made[place].values)})
            for place, task in enumerate(together)
        }
        async with following(url, self._person(made[0], who), texts) as shown:
            # What is declared to come may take its time; what is not must not have come a while after it.
            expected = [
                shown[str(place)]
                for place, task in enumerate(together)
                if any(cells[who].answer in (VALUE, OWN) or cells[who].answer.refusal for cells in task.rows.values())
            ]
            with_patience = asyncio.get_running_loop().time() + 30
            while not all(each.events or each.over for each in expected):
                if asyncio.get_running_loop().time() > with_patience:
                    break
                await asyncio.sleep(0.02)
            await asyncio.sleep(_SILENCE_SECONDS)
        for place, task in enumerate(together):
            seen = shown[str(place)]
            for row, path in task.question.places.items():
                cell = task.rows[row][who]
                if cell.type == "Subscription" and who is Who.SUSPENDED:
                    continue
                refusal = Answer(f"`{seen.code}`", refusal=True)
                word = refusal if seen.errors else judge_events(seen.events, ("q", *path), made[place].id)
                self.results.answers[task.route.name, cell.id] = word

    # --- mutations ---

    async def _mutate(self, task: Task, made: Made, who: Who) -> None:
        self._note(task, who, "q", await self._send(task, made, who), made)

    async def _send(self, task: Task, made: Made, who: Who) -> Data:
        text = document("mutation", {"q": (task.question, made.values)})
        if takes_key(task.subgraph, field_of(task.question.root)) and "idempotencyKey" not in text:
            text = text.replace("(input: {", f'(input: {{idempotencyKey: "{task.route.name} {task.name} {who}", ', 1)
        return await self._post(task.route, task.subgraph, self._person(made, who), text)

    async def _refuse(self, trial: "_Trial") -> None:
        """Those who are to be refused, and what has changed afterwards."""
        ids = {made.id for made in trial.for_refused.values()} | {
            person.id
            for who in Who
            if not trial.task.is_allowed(who)
            and (person := self._person(trial.for_refused[who is Who.SUSPENDED], who)) is not None
        }
        before = await self.databases.about(trial.task.subgraph, ids - {""})
        for who in Who:
            if not trial.task.is_allowed(who):
                await self._mutate(trial.task, trial.for_refused[who is Who.SUSPENDED], who)
        after = await self.databases.about(trial.task.subgraph, ids - {""})
        self.results.changed[trial.task.route.name, trial.task.name] = before ^ after

    async def _allow(self, trial: "_Trial") -> None:
        """Those who are not to be refused."""
        for who, made in trial.for_allowed.items():
            await self._mutate(trial.task, made, who)

    async def _allow_and_repeat(self, subgraph: str, trials: Sequence["_Trial"]) -> None:
        """The allowed mutations of a subgraph on a way, and the same again once all is known to whom it concerns."""
        began = await self.databases.now()
        for trial in trials:
            await self._allow(trial)
        await self.databases.settle(began)
        sent = [
            _Sent(trial.task, who, made, frozenset({made.id, person.id if person else ""} - {""}))
            for trial in trials
            if trial.task.declared is not None
            for who, made in trial.for_allowed.items()
            for person in [self._person(made, who)]
        ]
        await self.databases.keep_refresh_tokens()
        # What is done anew changes what the others are about.
        for is_anew in (False, True):
            await self._repeat(subgraph, [one for one in sent if one.task.is_done_anew is is_anew])

    async def _repeat(self, subgraph: str, sent: Sequence["_Sent"]) -> None:
        """What allowed mutations are answered that are sent again, all at once, and what has changed by it."""
        before = await self.databases.about(subgraph, {each for one in sent for each in one.ids})
        answers = await _all(self._send(one.task, one.made, one.who) for one in sent)
        after = await self.databases.about(subgraph, {each for one in sent for each in one.ids})
        # What goes by itself meanwhile, such as a mail or a file, is no doing of the mutation.
        new = [row for row in after - before if not row.startswith(_GOES_BY_ITSELF)]
        for one, answer in zip(sent, answers, strict=True):
            row = next(row for row, cells in one.task.rows.items() if cells[one.who].type == "Mutation")
            word = judge(row, one.task.question, "q", answer, one.made.id)
            changed = {each for each in new if any(about in each for about in one.ids)}
            self.results.again.setdefault((one.task.route.name, one.task.name), {})[one.who] = word, changed


@dataclass(frozen=True)
class _Sent:
    """A mutation that was allowed to somebody, and what it is about."""

    task: Task
    who: Who
    made: Made
    ids: frozenset[str]


class _Trial:
    """A mutation on a way, with an object for all who are refused and one for each who is not."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.for_refused: dict[bool, Made] = {}
        self.for_allowed: dict[Who, Made] = {}

    def prepare(self, world: World) -> list[Awaitable[None]]:
        """What makes the objects."""
        work = [self._for_refused(world, doomed) for doomed in (False, True)]
        allowed = [who for who in Who if self.task.is_allowed(who)]
        if self.task.is_repeatable:
            doomed = [who for who in allowed if who is Who.SUSPENDED]
            together = [who for who in allowed if who not in doomed]
            return [*work, *(self._for_allowed(world, *whos) for whos in (together, doomed) if whos)]
        return [*work, *(self._for_allowed(world, who) for who in allowed)]

    async def _for_refused(self, world: World, doomed: bool) -> None:
        self.for_refused[doomed] = await make(self.task.question.about, world, doomed=doomed)

    async def _for_allowed(self, world: World, *whos: Who) -> None:
        made = await make(self.task.question.about, world, doomed=whos == (Who.SUSPENDED,))
        self.for_allowed.update(dict.fromkeys(whos, made))
