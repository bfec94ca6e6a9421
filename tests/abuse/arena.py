"""Where attacks are made: at a subgraph itself and through the edge and each router, under observation.

Each case is made twice at least. First beside an honest client, which must get its right answers in time; then
alone, as often as it takes to see what it costs: neighbours on the machine only ever make a measurement longer,
so the least one counts, by the time that a fixed piece of work takes meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import httpx

from deploy.local import routers
from tests.abuse import answers
from tests.abuse.scene import TASK_TITLE, Scene
from tests.support.cpu import slowness
from tests.support.loopback import NO_TLS

SUBGRAPH_CPU_SECONDS = 0.05
EDGE_CPU_SECONDS = 0.05
ROUTER_CPU_SECONDS = {routers.HIVE_ROUTER: 0.1, routers.EMBEDDED: 0.1}
# What an honest client may wait: so long, and so many times as long as without the attack. On an idle machine it
# is some milliseconds, on a busy one a second; what must not happen is that somebody waits for an attack's end.
_HONEST_SECONDS = 2.0
_HONEST_FACTOR = 10
# A pause of the machine only ever adds, so one attempt in which nobody waits shows that the attack delays nobody.
_HONEST_ATTEMPTS = 3
_ATTEMPTS = 40
ROUTERS = routers.installed()

_HONEST_QUERIES = {
    "users": ('{ user(id: "<harry>") { displayName } }', {"user": {"displayName": "Harry"}}),
    "tasks": ('{ task(id: "<task>") { title } }', {"task": {"title": TASK_TITLE}}),
    "bids": ("{ myBids { nodes { id } } }", {"myBids": {"nodes": []}}),
    "payments": ("{ myPaymentMethods { brand } }", {"myPaymentMethods": []}),
    "notifications": (
        "{ notifications(last: 1) { nodes { title } } }",
        {"notifications": {"nodes": [{"title": "Welcome to Service Exchange"}]}},
    ),
    "locations": ("{ myPlaces { nodes { id } } }", {"myPlaces": {"nodes": []}}),
}
_HONEST_FEDERATED = (
    '{ task(id: "<task>") { title bidCount poster { displayName } } }',
    {"task": {"title": TASK_TITLE, "bidCount": 1, "poster": {"displayName": "Paula"}}},
)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process with all its threads so far, exact to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def _patience(undisturbed: float) -> float:
    """How many seconds an honest client may wait that waited `undisturbed` seconds before the attack."""
    return _HONEST_SECONDS + _HONEST_FACTOR * undisturbed


def _cpu(processes: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in processes.items()}


@dataclass
class Target:
    """Somewhere to attack."""

    name: str
    url: str
    scene: Scene
    is_router: bool
    bounds: Mapping[str, float]
    pids: Callable[[], dict[str, int]]
    idle: dict[str, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    """Every text that the attacker was sent."""
    attempt: int = 0
    """How often the system was attacked; makes requests differ where a cache would hide what they cost."""

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    @asynccontextmanager
    async def client(self, address: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client whose answers are kept; `address` is the one of this machine's that it has."""
        transport = httpx.AsyncHTTPTransport(local_address=address, verify=NO_TLS)
        async with httpx.AsyncClient(timeout=30, transport=transport, event_hooks={"response": [self._keep]}) as client:
            yield client

    async def _keep(self, response: httpx.Response) -> None:
        self.said.append((await response.aread()).decode(errors="replace"))

    async def measure_idle(self, seconds: float = 0.5) -> dict[str, float]:
        """CPU seconds per second that the processes take by themselves."""
        processes = self.pids()
        before = _cpu(processes)
        await asyncio.sleep(seconds)
        return {name: (used - before[name]) / seconds for name, used in _cpu(processes).items()}

    async def honest_request(self, client: aiohttp.ClientSession) -> float:
        """One request of an honest client: the seconds until its right answer."""
        document, expected = _HONEST_FEDERATED if self.is_router else _HONEST_QUERIES[self.name]
        headers = {"authorization": f"Bearer {self.scene['harry token']}"}
        started = time.monotonic()
        async with client.post(self.url, json={"query": self.scene.fill(document)}, headers=headers) as response:
            answer = await response.json()
        elapsed = time.monotonic() - started
        assert (response.status, answer) == (200, {"data": expected})
        return elapsed


Attack = Callable[[Target], Awaitable[str]]
Given = Callable[[Target], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True)
class Case:
    """One abuse: what is done, and what each place answers. None: it makes no sense there.

    `subgraph`: the answer of the subgraph `at`, asked directly. `router`: that of both routers through the
    edge, unless `hive` or `embedded` differ. `cpu`: CPU seconds of whoever may need more than the bound, and
    the reason stands beside it. `once`: it cannot be repeated, so that it is not measured. `given`: what comes
    before each attempt and is not measured; the names that it answers are the scene's from then on.
    """

    attack: Attack
    subgraph: str | None = None
    router: str | None = None
    hive: str | None = None
    embedded: str | None = None
    at: str = "tasks"
    cpu: Mapping[str, float] = field(default_factory=dict)
    once: bool = False
    given: Given | None = None

    def expected(self, target: str) -> str | None:
        """The answer at a target."""
        if target == routers.HIVE_ROUTER:
            return self.hive or self.router
        if target == routers.EMBEDDED:
            return self.embedded or self.router
        return self.subgraph

    def targets(self) -> list[str]:
        """Where it is tried."""
        return [target for target in (self.at, *ROUTERS) if self.expected(target) is not None]


@dataclass
class Observation:
    """What an attack did."""

    answers: list[str]
    undisturbed: float
    """How long an honest client waited before the attack."""
    honest: list[float]
    """How long it waited for each answer during the attack."""
    used: dict[str, float]
    said: list[str]


class Arena:
    """Targets by name, and their processes."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self.targets = targets

    async def observe(self, case: Case, target: Target) -> Observation:
        """Makes the attack beside an honest client, then alone."""
        if not target.idle:
            target.idle = await target.measure_idle()
        target.said.clear()
        processes = target.pids()
        seen = []
        for _ in range(1 if case.once else _HONEST_ATTEMPTS):
            answer, undisturbed, honest = await self._beside_an_honest_client(case, target)
            seen.append(answer)
            if max(honest) < _patience(undisturbed):
                break
        used, slow = dict.fromkeys(processes, float("inf")), float("inf")
        for _ in range(0 if case.once else _ATTEMPTS):
            await self._prepare(case, target)
            before, started = _cpu(processes), time.monotonic()
            seen.append(await self._attack(case, target))
            elapsed = time.monotonic() - started
            after = _cpu(processes)
            for name in used:
                used[name] = min(used[name], after[name] - before[name] - target.idle[name] * elapsed)
            # How fast the machine is matters, and is measured, for what seems dear only.
            slow = 1.0 if self._is_cheap(case, target, used, 1.0) else min(slow, slowness())
            if self._is_cheap(case, target, used, slow):
                break
        assert target.pids() == processes, "a process was replaced"
        spent = {} if case.once else {name: spent / slow for name, spent in used.items()}
        return Observation(seen, undisturbed, honest, spent, list(target.said))

    async def defend(self, case: Case, target: Target) -> None:
        """Fails unless the attack is answered as the case says, cheaply, and harms nobody."""
        seen = await self.observe(case, target)
        assert set(seen.answers) == {case.expected(target.name)}, seen.answers
        assert max(seen.honest) < _patience(seen.undisturbed), f"an honest client waited {max(seen.honest):.2f} s"
        for name, spent in seen.used.items():
            assert spent < self._bound(case, target, name), f"{name} took {spent * 1000:.0f} ms of CPU"
        assert [found for text in seen.said for found in answers.leaks(text)] == []

    def _is_cheap(self, case: Case, target: Target, used: Mapping[str, float], slow: float) -> bool:
        return all(spent / slow < self._bound(case, target, name) for name, spent in used.items())

    @staticmethod
    def _bound(case: Case, target: Target, process: str) -> float:
        name = process.split()[0]
        allowed = case.cpu.get(target.name if name.startswith("router") else name, 0.0)
        return max(target.bounds[name], allowed)

    @staticmethod
    async def _prepare(case: Case, target: Target) -> None:
        await target.scene.stay_signed_in()
        if case.given is not None:
            target.scene.names |= await case.given(target)

    async def _attack(self, case: Case, target: Target) -> str:
        target.attempt += 1
        return await case.attack(target)

    async def _beside_an_honest_client(self, case: Case, target: Target) -> tuple[str, float, list[float]]:
        await self._prepare(case, target)
        # Not httpx, of whose CPU time it takes a fraction: thousands of cases have an honest client each.
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as client:
            undisturbed = await target.honest_request(client)
            attack = asyncio.create_task(self._attack(case, target))
            try:
                # The attack's request leaves first.
                await asyncio.sleep(0)
                waited = [await target.honest_request(client)]
                while not attack.done():
                    waited.append(await target.honest_request(client))
                    await asyncio.wait({attack}, timeout=0.02)
                return await attack, undisturbed, waited
            finally:
                attack.cancel()
