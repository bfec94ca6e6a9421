"""One run of the world: chaos as a seed says, then rest, then what must hold."""

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import TypeAlias, TypeVar, cast

from aiokafka.structs import ConsumerRecord
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from shared.context import Services
from shared.deadlines import DeadlineWorker
from shared.errors import DomainError
from shared.events import REGISTRY, Envelope, Event
from shared.idempotency import idempotent
from shared.ids import new_id
from subgraphs.payments import webhooks
from subgraphs.payments.loaders import Loaders
from subgraphs.payments.provider.port import Hint, ProviderRefused, ProviderUnavailable
from subgraphs.payments.settling import Settler
from tests.simulation import invariants
from tests.simulation.people import Cast, Sent, Work
from tests.simulation.provider import Bank, Temper
from tests.simulation.scheduling import Violation, gate, who_moves
from tests.simulation.world import SUBGRAPHS, World

R = TypeVar("R")
Step: TypeAlias = tuple[str, Work]

# Beside short ones: longer than a lease, than there is to pay, and than most waits before something is tried again.
_PAUSES = (timedelta(seconds=2), *[timedelta(seconds=70)] * 3, timedelta(minutes=16), timedelta(hours=3))
_HORIZON = timedelta(days=16)
"""How long nobody does anything at the end: longer than all timers of a task that somebody has."""
_RETRIES = 3
_MOST_STEPS = 20_000
_NEW = """UPDATE outbox SET published_at = now() WHERE published_at IS NULL
    RETURNING position, stream, seq, event_id::text, type, topic, body::text, occurred_at"""
_ARRIVED = """SELECT provider_id FROM refunds WHERE status = 'SUCCEEDED' AND id > $1
    UNION SELECT provider_id FROM payouts WHERE status = 'PAID' AND id > $2"""
_DUE = {
    name: "SELECT (SELECT min(due_at) FROM deadlines WHERE kind = ANY($1)) AS deadline, "
    + ("(SELECT min(due_at) FROM settlements)" if name == "payments" else "NULL::timestamptz")
    + " AS settlement"
    for name in SUBGRAPHS
}


@dataclass
class Chaos:
    """How wild a run is: most faults show where one thing goes wrong often and the rest goes well."""

    actors: int
    commands: int
    crash: float
    repeat: float
    delay: float
    temper: Temper

    @classmethod
    def of(cls, random: Random) -> "Chaos":
        def some(most: float) -> float:
            return random.choice((0.0, most / 4, most))

        temper = Temper(lost=some(0.4), declined=some(0.4), asked=some(0.5), slow=some(0.6), returned=some(0.5))
        return cls(
            actors=random.choice((1, 2, 2, 3)),
            commands=random.randint(5, 12),
            crash=some(0.06),
            repeat=some(0.4),
            delay=some(0.6),
            temper=temper,
        )


@dataclass
class Queue:
    """The messages of one stream of a topic on their way to one subgraph: in order, some of them more than once."""

    consumer: str
    name: str
    waiting: deque[Envelope[Event]] = field(default_factory=deque)
    handled: list[Envelope[Event]] = field(default_factory=list)
    failures: int = 0


class Run:
    """One run of the world."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.seed = seed
        self.random = Random(seed)
        self.chaos = Chaos.of(self.random)
        self.began = new_id("run").removeprefix("run_")
        """All ids that are made in this run come after it."""
        self.bank = Bank(self.random, Temper(), self.began)
        self.repeat = 0.0
        self.trace: list[str] = []
        self.queues: dict[tuple[str, str, str], Queue] = {}
        self.hints: list[Hint] = []
        self.sent: list[Sent] = []
        self.keys: Counter[str] = Counter()
        """How many different requests of each kind there were."""
        self.cast = Cast.of(self.random)
        self._arrived: set[str] = set()
        self._due: dict[str, tuple[datetime | None, datetime | None]] = {}
        self._seqs: dict[str, int] = {}
        self._failure: str | None = None
        self._cause: BaseException | None = None
        self._steps = 0
        self._settler = self._make_settler()
        self._workers = {name: self._make_worker(name) for name in SUBGRAPHS}

    async def play(self) -> None:
        """Raises Violation with what happened before it."""
        try:
            with self.world.clock.moving():
                await self.world.clear()
                before = await invariants.Before.of(self)
                await self.cast.enter(self)
                await self._wild()
                await self._calm()
                await invariants.check(self, before)
        except Exception as error:
            steps = "\n".join(self.trace)
            what = str(error) if isinstance(error, Violation) else f"{type(error).__name__}: {error}"
            raise Violation(f"{steps}\n\nseed {self.seed}, {self.chaos}\n{what}") from error

    def note(self, what: str) -> None:
        """Writes a step into the trace; ids of the provider without what makes them different from run to run.

        Of two that move, one let go by the other one's lock, either may be the first to say something.
        """
        actor = who_moves()
        notes = self.trace if actor is None else actor.notes
        notes.append(f"{self.world.clock.time:%d %H:%M:%S} {what.replace(f'.{self.began}', '')}")

    def tell(self, event: Event, *consumers: str) -> None:
        """What another subgraph than those of the world tells them."""
        seq = self._seqs[event.stream] = self._seqs.get(event.stream, 0) + 1
        envelope = Envelope(event, str(uuid7()), seq, event.stream, self.world.clock.now())
        for consumer in consumers:
            self._queue(consumer, event.topic, event.stream).waiting.append(envelope)

    async def act(
        self,
        subgraph: str,
        name: str,
        user_id: str,
        key: str,
        action: Callable[[AsyncSession], Awaitable[R]],
        replay: Callable[[AsyncSession, str], Awaitable[R | None]],
    ) -> None:
        """A mutation, as `shared.graphql.acting.act_once` does it."""
        try:
            async with self.world[subgraph].database.transaction() as session:
                await idempotent(
                    session, user_id, key, name, {"key": key},
                    run=lambda: action(session), replay=lambda made: replay(session, made),
                )  # fmt: skip
        except DomainError as refused:
            self.note(f"{name}: {refused.code}")

    async def rest(self) -> None:
        """Lets all happen that can happen now, one after the other, without a fault."""
        while True:
            await self._look()
            ready = self._ready()
            if not ready:
                return
            name, work = self.random.choice(ready)
            self.note(name)
            await work()
            self._check()

    async def _wild(self) -> None:
        """Lets people, messages, time and crashes meet."""
        self.note("— wild —")
        self.bank.temper, self.repeat = self.chaos.temper, self.chaos.repeat
        stage, random, left = self.world.stage, self.random, self.chaos.commands
        while left or stage.actors:
            await self._look()
            ready = [] if random.random() < self.chaos.delay / 2 else self._ready() + self._faults()
            is_full = len(stage.actors) >= self.chaos.actors
            if stage.standing() and (is_full or random.random() < 0.7):
                await self._step()
            elif left and (random.random() < 0.25 or not ready):
                left -= 1
                await self._command()
            elif ready:
                self._begin(*random.choice(ready))
            elif stage.standing():
                await self._step()
            if (crashed := await stage.settle()) is not None:
                self.note(f"{crashed.name} crashes, since it is the second one to wait for a lock")
            self._check()

    async def _calm(self) -> None:
        """Lets all come to rest: nothing goes wrong any more, and time passes."""
        self.note("— calm —")
        self.bank.temper, self.repeat = Temper(), 0
        end = self.world.clock.time + _HORIZON
        while True:
            await self.rest()
            if self.cast.withdraw(self):
                continue
            if self.bank.open_work():
                self.note(self.bank.go_on(self.bank.open_work()[0]))
            elif (next_due := self._next_due()) is not None and next_due < end:
                self.world.clock.time = max(self.world.clock.time, next_due)
            else:
                return

    async def _step(self) -> None:
        """Lets somebody go on, or crash."""
        actor = self.random.choice(self.world.stage.standing())
        if self.random.random() < self.chaos.crash:
            self.note(f"{actor.name} crashes before {actor.at}")
            await actor.crash()
        else:
            self.note(f"{actor.name}: {actor.at}")
            actor.go_on()

    def _check(self) -> None:
        self._steps += 1
        for actor in self.world.stage.actors:
            self.trace += actor.notes
            actor.notes.clear()
        for actor in self.world.stage.take_over():
            if not actor.task.cancelled() and (error := actor.task.exception()) is not None:
                self._failed(actor.name, error)
        if self._steps > _MOST_STEPS:
            self._failure = "it does not come to rest"
        if self._failure is not None:
            raise Violation(self._failure) from self._cause

    def _failed(self, what: str, error: BaseException) -> None:
        if self._failure is None:
            self._failure, self._cause = f"{what}: {type(error).__name__}: {error}", error
            self.note(f"FAILED {self._failure}")

    async def _look(self) -> None:
        """Takes over what was committed: new messages, and what is due when."""
        for name in sorted(self.world.committed):
            subgraph = self.world[name]
            for row in sorted(await subgraph.monitor.fetch(_NEW), key=lambda row: row["position"]):
                event = REGISTRY[row["type"]].from_json(row["body"])
                envelope = Envelope(event, row["event_id"], row["seq"], row["stream"], row["occurred_at"])
                for consumer in SUBGRAPHS:
                    if event.type in self.world[consumer].handlers.by_type():
                        self._queue(consumer, row["topic"], row["stream"]).waiting.append(envelope)
            if name == "payments":
                self._arrived = {
                    row["provider_id"]
                    for row in await subgraph.monitor.fetch(_ARRIVED, f"refund_{self.began}", f"payout_{self.began}")
                }
            self._due[name] = tuple(await subgraph.monitor.fetchrow(_DUE[name], sorted(subgraph.deadlines)))
        self.world.committed.clear()
        self.hints.extend(self.bank.hints)
        self.bank.hints.clear()

    def _next_due(self) -> datetime | None:
        times = [at for due in self._due.values() for at in due if at is not None]
        return min(times, default=None)

    def _ready(self) -> list[Step]:
        """What messages, time and the provider have ready."""
        now = self.world.clock.time
        steps: list[Step] = []
        for queue in self.queues.values():
            if queue.waiting and not self._is_running(self._hearing(queue)):
                steps += [(self._hearing(queue), partial(self._handle, queue, queue.waiting[0]))] * 3
        for name, (deadline, settlement) in self._due.items():
            if deadline is not None and deadline <= now:
                steps += [(f"{name} deadline", self._workers[name].handle_one)] * 2
            if settlement is not None and settlement <= now:
                steps += [("settler", self._settler.handle_one)] * 4
        steps += [(f"webhook {hint.kind} {hint.object_id}", partial(self._hear, hint)) for hint in self.hints]
        return steps

    def _faults(self) -> list[Step]:
        """What happens beside that: banks and payers act, time passes, messages and requests come once more."""
        random, bank, repeat = self.random, self.bank, self.repeat
        steps: list[Step] = []
        for likelihood, found, do in (
            (1, bank.asking, bank.answer),
            (1, bank.open_work, bank.go_on),
            (0.03, bank.disputable, bank.dispute),
            (bank.temper.returned / 2, self._returnable, bank.send_back),
        ):
            if found() and random.random() < likelihood:
                steps.append(("the provider", partial(self._at_provider, found, do)))
        if random.random() < 0.2:
            steps.append(("the clock", self._move_clock))
        # Keys of requests count for a day.
        again = [sent for sent in self.sent if self.world.clock.time - sent.at < timedelta(hours=23)]
        if again and random.random() < repeat:
            sent = random.choice(again)
            steps.append((sent.name, sent.work))
        for queue in self.queues.values():
            if queue.handled and random.random() < repeat / 2:
                steps.append((f"{queue.consumer} goes back", partial(self._go_back, queue)))
            if queue.waiting and random.random() < repeat / 4:
                steps.append((self._hearing(queue), partial(self._handle, queue, queue.waiting[0])))
        return steps

    def _returnable(self) -> Sequence[str]:
        """What may come back: banks take longer than it takes to write down that it went."""
        return [each for each in self.bank.returnable() if each in self._arrived]

    async def _at_provider(self, found: Callable[[], Sequence[str]], do: Callable[[str], str]) -> None:
        ids = found()
        if ids:
            self.note(do(self.random.choice(ids)))

    async def _move_clock(self) -> None:
        next_due = self._next_due()
        if next_due is not None and next_due > self.world.clock.time and self.random.random() < 0.5:
            self.world.clock.time = next_due
        else:
            self.world.clock.time += self.random.choice(_PAUSES)

    async def _command(self) -> None:
        """Somebody does something."""
        done = await self.cast.choose(self)
        if isinstance(done, str):
            self.note(done)
            return
        self.sent.append(done)
        self.keys[done.name] += 1
        self._begin(done.name, done.work)

    def _begin(self, name: str, work: Work) -> None:
        async def run() -> None:
            await gate("begin")
            await work()

        count = sum(actor.name.split(" #")[0] == name for actor in self.world.stage.actors)
        self.world.stage.start(f"{name} #{count + 1}" if count else name, run())

    def _is_running(self, name: str) -> bool:
        return any(actor.name.split(" #")[0] == name for actor in self.world.stage.actors)

    def _queue(self, consumer: str, topic: str, stream: str) -> Queue:
        key = consumer, topic, stream
        if key not in self.queues:
            self.queues[key] = Queue(consumer, topic)
        return self.queues[key]

    def _hearing(self, queue: Queue) -> str:
        return f"{queue.consumer} hears {queue.waiting[0].event.type}"

    async def _go_back(self, queue: Queue) -> None:
        """A consumer dies before it has committed how far it came."""
        again = queue.handled[-self.random.randint(1, 3) :]
        del queue.handled[-len(again) :]
        queue.waiting.extendleft(reversed(again))

    async def _handle(self, queue: Queue, envelope: Envelope[Event]) -> None:
        subgraph, type_ = self.world[queue.consumer], envelope.event.type
        _, handler = subgraph.handlers.by_type()[type_]
        record = cast("ConsumerRecord", SimpleNamespace(topic=queue.name, offset=0))
        try:
            await subgraph.handling._apply(record, envelope, type_, handler)
        except Exception as error:
            self.note(f"{queue.consumer} fails at {type_}: {type(error).__name__}")
            queue.failures += 1
            if queue.failures > _RETRIES:
                self._failed(f"dead letter {type_} of {queue.consumer}", error)
            return
        await gate("acknowledge")
        queue.failures = 0
        if queue.waiting and queue.waiting[0] is envelope:
            queue.handled.append(queue.waiting.popleft())

    async def _hear(self, hint: Hint) -> None:
        services = cast("Services[Loaders]", SimpleNamespace(database=self.world["payments"].database))
        await webhooks._look_at(services, self.bank, hint)
        # Until somebody has taken it the provider sends it again.
        await gate("answer")
        if hint in self.hints and self.random.random() >= self.repeat:
            self.hints.remove(hint)

    def _make_settler(self) -> Settler:
        settler = Settler(self.world["payments"].database, self.bank)
        for kind, settle in settler._settle.items():
            settler._settle[kind] = self._watched(f"settling {kind}", settle)
        return settler

    def _watched(self, name: str, settle: Callable[..., Awaitable[bool]]) -> Callable[..., Awaitable[bool]]:
        async def watched(claimed: object) -> bool:
            try:
                return await settle(claimed)
            except (ProviderUnavailable, ProviderRefused) as error:
                self.note(f"{name}: {error}")
                raise
            except Exception as error:
                self._failed(name, error)
                raise

        return watched

    def _make_worker(self, name: str) -> DeadlineWorker:
        subgraph = self.world[name]
        handlers = {kind: self._noticed(kind, handler) for kind, handler in subgraph.deadlines.items()}
        return DeadlineWorker(subgraph.database, handlers)

    def _noticed(self, kind: str, handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def noticed(*args: object) -> None:
            try:
                await handler(*args)
            except Exception as error:
                self._failed(f"deadline {kind}", error)
                raise

        return noticed
