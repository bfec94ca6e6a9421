"""Keeps processes running: a process that dies is started again, with back-off, until it is held or stopped.

`hold` and `release` work from any process: they leave a mark in the run folder and wake the supervisor
with SIGHUP. Fault tests use them to keep a part of the system down for a while.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGHUP

from deploy.local.layout import Instance
from deploy.local.processes import Process, ProcessSpec, read_record

SUPERVISOR = "supervisor"

_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 10.0
_STABLE_AFTER_SECONDS = 30.0


@dataclass
class _Kept:
    process: Process
    poked: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Supervises the processes of one instance from within a running event loop."""

    def __init__(self, instance: Instance, announce: Callable[[str], None]) -> None:
        self._instance = instance
        self._announce = announce
        self._kept: dict[str, _Kept] = {}

    async def start(self, spec: ProcessSpec) -> None:
        """Starts a process, waits until it is ready and keeps it running. Raises StartFailed."""
        kept = _Kept(Process(spec, self._instance.run, self._instance.logs))
        self._kept[spec.name] = kept
        await kept.process.start()
        kept.task = asyncio.create_task(self._keep(kept), name=f"keep {spec.name}")

    def check_ports(self, specs: list[ProcessSpec]) -> None:
        """Raises StartFailed if another program listens on a port that one of the processes needs."""
        for spec in specs:
            Process(spec, self._instance.run, self._instance.logs).check_ports()

    def poke(self) -> None:
        """Looks again at which processes are held."""
        for kept in self._kept.values():
            kept.poked.set()

    async def stop(self) -> None:
        """Stops everything, outermost tier first, so that requests under way find what they need."""
        tasks = [kept.task for kept in self._kept.values() if kept.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        processes = [kept.process for kept in self._kept.values()]
        for tier in sorted({process.spec.tier for process in processes}, reverse=True):
            await asyncio.gather(*(process.stop() for process in processes if process.spec.tier == tier))

    async def _keep(self, kept: _Kept) -> None:
        name = kept.process.spec.name
        delay = _FIRST_DELAY_SECONDS
        began = time.monotonic()
        while True:
            code = await self._until_gone(kept)
            if code is None:
                self._announce(f"{name} is held down")
                await self._until_released(kept)
                self._announce(f"{name} starts again")
                delay = _FIRST_DELAY_SECONDS
            else:
                if time.monotonic() - began > _STABLE_AFTER_SECONDS:
                    delay = _FIRST_DELAY_SECONDS
                reason = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
                self._announce(f"{name} ended ({reason}); starting it again in {delay:.1f} s")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await kept.poked.wait()
                await self._until_released(kept)
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
            began = time.monotonic()
            while not self._spawned(kept):
                await asyncio.sleep(_LONGEST_DELAY_SECONDS)

    def _spawned(self, kept: _Kept) -> bool:
        try:
            kept.process.spawn()
        except OSError as error:
            self._announce(f"{kept.process.spec.name} cannot be started: {error}")
            return False
        return True

    async def _until_gone(self, kept: _Kept) -> int | None:
        """Waits for the end of the process: its exit code, or None if it was stopped because it is held."""
        exited = asyncio.ensure_future(kept.process.exited())
        try:
            while True:
                poked = asyncio.ensure_future(kept.poked.wait())
                await asyncio.wait({exited, poked}, return_when=asyncio.FIRST_COMPLETED)
                poked.cancel()
                kept.poked.clear()
                if exited.done():
                    return exited.result()
                if _mark(self._instance.run, kept.process.spec.name).exists():
                    await kept.process.stop()
                    return None
        finally:
            exited.cancel()

    async def _until_released(self, kept: _Kept) -> None:
        while _mark(self._instance.run, kept.process.spec.name).exists():
            await kept.poked.wait()
            kept.poked.clear()


def hold(instance: Instance, name: str) -> None:
    """Has the process stopped and kept down until it is released."""
    _mark(instance.run, name).touch()
    _wake(instance)


def release(instance: Instance, name: str) -> None:
    """Has a held process started again."""
    _mark(instance.run, name).unlink(missing_ok=True)
    _wake(instance)


def ready_mark(instance: Instance) -> Path:
    """Exists while everything that was to be started runs."""
    return instance.run / "ready"


def clear_marks(instance: Instance) -> None:
    for path in instance.run.glob("*.held"):
        path.unlink()


def _wake(instance: Instance) -> None:
    record = read_record(instance.run, SUPERVISOR)
    if record:
        record.send(SIGHUP)


def _mark(run: Path, name: str) -> Path:
    return run / f"{name}.held"
