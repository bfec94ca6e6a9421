"""Starting, watching and ending operating-system processes, so that none is ever left behind.

Three things keep orphans away: each process asks the kernel to be signalled when its parent dies, each
leads a process group that is swept when it ends, and each is recorded by pid and start time, so that
a later command can end exactly that process and never another one that got the same pid.
"""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deploy.local.layout import REPOSITORY
from deploy.local.probes import Probe, port_is_free

_LOG_LIMIT = 20_000_000


class StartFailed(Exception):
    """A process or a step of the start went wrong; the message is for the person at the terminal."""


@dataclass(frozen=True)
class ProcessSpec:
    """How to run one process."""

    name: str
    argv: tuple[str, ...]
    ready: Probe
    ports: tuple[int, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = REPOSITORY
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20
    start_seconds: float = 60
    tier: int = 0


@dataclass(frozen=True)
class Record:
    """What is known of a started process; outlives the one who started it."""

    name: str
    pid: int
    started: int
    since: float
    restarts: int = 0

    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signals the process if it is still the one that was recorded."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def write(self, folder: Path) -> None:
        path = folder / f"{self.name}.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(self.__dict__))
        temporary.replace(path)


def start_time(pid: int) -> int | None:
    """When a living process started, in clock ticks since boot; None for a dead one or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def own_record(name: str) -> Record:
    """The record of the running process itself."""
    pid = os.getpid()
    return Record(name, pid, start_time(pid) or 0, time.time())


def read_record(folder: Path, name: str) -> Record | None:
    try:
        return Record(**json.loads((folder / f"{name}.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def read_records(folder: Path) -> list[Record]:
    names = sorted(path.stem for path in folder.glob("*.json"))
    return [record for name in names if (record := read_record(folder, name))]


def kill_group(pid: int) -> None:
    """Kills what is left of the process group that `pid` led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def end_leftovers(folder: Path, seconds: float = 15) -> list[str]:
    """Ends the recorded processes that still live, after a supervisor that was killed. Returns their names."""
    living = [record for record in read_records(folder) if record.alive()]
    for record in living:
        record.send(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(record.alive() for record in living) and time.monotonic() < deadline:
        time.sleep(0.1)
    for record in living:
        if record.alive():
            kill_group(record.pid)
            record.send(signal.SIGKILL)
    for path in folder.glob("*.json"):
        path.unlink(missing_ok=True)
    return [record.name for record in living]


def tail(path: Path, lines: int = 25) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 64_000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


class Process:
    """One process of a spec: start, stop, kill, start again. Ends with the one who started it."""

    def __init__(self, spec: ProcessSpec, run: Path, logs: Path) -> None:
        self.spec = spec
        self.log = logs / f"{spec.name}.log"
        self.restarts = -1
        self._run = run
        self._popen: subprocess.Popen[bytes] | None = None
        self._record: Record | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the process while it lives. Never reaps it: see `exited`."""
        return self._record.pid if self._record and self._record.alive() else None

    def check_ports(self) -> None:
        """Raises StartFailed naming the first port that another program holds."""
        for port in self.spec.ports:
            if not port_is_free(port):
                raise StartFailed(
                    f"Port {port}, which {self.spec.name} needs, is in use by another program. "
                    "Stop that program, or choose other ports with --port-base."
                )

    def spawn(self) -> None:
        """Starts the process without waiting until it is ready."""
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        identity: tuple[str, ...] = ()
        if self.spec.user and os.geteuid() == 0:
            group = pwd.getpwnam(self.spec.user).pw_gid
            identity = (f"--reuid={self.spec.user}", f"--regid={group}", "--init-groups")
        # setpriv asks for the parent-death signal after it changed the user, which would clear it.
        setpriv = shutil.which("setpriv") or "/usr/bin/setpriv"
        argv = (setpriv, *identity, "--pdeathsig", self.spec.stop_signal.name.removeprefix("SIG"), *self.spec.argv)
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.spec.env},
                cwd=self.spec.cwd,
                start_new_session=True,
            )
        self.restarts += 1
        pid = self._popen.pid
        self._record = Record(self.spec.name, pid, start_time(pid) or 0, time.time(), self.restarts)
        self._record.write(self._run)

    async def exited(self) -> int:
        """Waits for the end of the process, sweeps its group and returns its exit code."""
        assert self._popen, "not started"
        if self._popen.returncode is None:
            descriptor = os.pidfd_open(self._popen.pid)
            loop = asyncio.get_running_loop()
            gone = asyncio.Event()
            loop.add_reader(descriptor, gone.set)
            try:
                await gone.wait()
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        if self._popen.returncode is None:
            # Before it is reaped: until then no other group can get this number.
            kill_group(self._popen.pid)
        return self._popen.wait()

    async def wait_ready(self) -> None:
        """Waits until the probe succeeds. Raises StartFailed when the process ends or takes too long."""
        deadline = time.monotonic() + self.spec.start_seconds
        reason: str | None = "not asked yet"
        while time.monotonic() < deadline:
            if self.pid is None:
                raise StartFailed(f"{self.spec.name} ended while it started:\n{tail(self.log)}")
            reason = await self.spec.ready()
            if reason is None:
                return
            await asyncio.sleep(0.1)
        raise StartFailed(
            f"{self.spec.name} was not ready within {self.spec.start_seconds:.0f} s ({reason}):\n{tail(self.log)}"
        )

    async def start(self) -> None:
        """Starts the process and waits until it is ready."""
        if self.pid is None:
            self.check_ports()
            self.spawn()
        await self.wait_ready()

    async def stop(self) -> None:
        """Asks the process to end and kills it when it takes too long."""
        if self._record is None:
            return
        self._record.send(self.spec.stop_signal)
        try:
            async with asyncio.timeout(self.spec.stop_seconds):
                await self.exited()
        except TimeoutError:
            await self.kill()
        (self._run / f"{self.spec.name}.json").unlink(missing_ok=True)

    async def kill(self) -> None:
        """Kills the process with SIGKILL, as a crash would."""
        if self._record is not None and self._record.alive():
            kill_group(self._record.pid)
        if self._popen is not None:
            await self.exited()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
