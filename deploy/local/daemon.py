"""The process that starts and supervises one instance: `python -m deploy.local.daemon`, run by `exchange up`.

It reports as JSON lines on the file descriptor that it is given, and goes on without its reader.
It ends on SIGTERM, and by itself when `--users` names a lock file that nobody holds any more.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TextIO

from deploy.local import processes, system
from deploy.local.layout import Instance
from deploy.local.processes import StartFailed
from deploy.local.supervisor import SUPERVISOR, Supervisor, clear_marks, ready_mark

_UNUSED_SECONDS = 15.0


class Reporter:
    """Sends what happens to the reader of the pipe and, what is worth keeping, to the supervisor's log."""

    def __init__(self, descriptor: int) -> None:
        self._pipe: TextIO | None = os.fdopen(descriptor, "w", buffering=1)

    def begin(self, title: str) -> None:
        self._send({"begin": title})

    def done(self, title: str) -> None:
        self._send({"done": title})

    def ready(self) -> None:
        self._log("ready")
        self._send({"ready": True})

    def failed(self, message: str) -> None:
        self._log(message)
        self._send({"failed": message})

    def announce(self, message: str) -> None:
        self._log(message)
        self._send({"event": message})

    def _log(self, message: str) -> None:
        print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), message, flush=True)

    def _send(self, message: dict[str, object]) -> None:
        try:
            if self._pipe:
                print(json.dumps(message), file=self._pipe)
        except OSError:
            self._pipe = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port-base", type=int, required=True)
    parser.add_argument("--options", required=True, help="system.Options as JSON")
    parser.add_argument("--report", type=int, required=True, help="file descriptor for the report")
    parser.add_argument("--users", type=Path, help="end when nobody holds this lock file any more")
    arguments = parser.parse_args()
    instance = Instance.at(arguments.state, arguments.port_base)
    # Written to by a reader that has gone: the report must not end the supervisor.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    reporter = Reporter(arguments.report)
    options = system.Options.from_json(arguments.options)
    instance.create()
    with (instance.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reporter.failed(f"The system in {instance.state} is running already.")
            sys.exit(1)
        if ended := processes.end_leftovers(instance.run):
            reporter.announce(f"ended what an earlier start left behind: {', '.join(ended)}")
        clear_marks(instance)
        ready_mark(instance).unlink(missing_ok=True)
        processes.own_record(SUPERVISOR).write(instance.run)
        try:
            sys.exit(asyncio.run(_supervise(instance, options, reporter, arguments.users)))
        finally:
            ready_mark(instance).unlink(missing_ok=True)
            (instance.run / f"{SUPERVISOR}.json").unlink(missing_ok=True)


async def _supervise(instance: Instance, options: system.Options, reporter: Reporter, users: Path | None) -> int:
    ending = asyncio.Event()
    supervisor = Supervisor(instance, reporter.announce)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    loop.add_signal_handler(signal.SIGHUP, supervisor.poke)
    starting = asyncio.create_task(system.start(instance, options, supervisor, reporter))
    ended = asyncio.create_task(ending.wait())
    with users.open("w") if users else contextlib.nullcontext() as users_lock:
        try:
            await asyncio.wait({starting, ended}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                ready_mark(instance).touch()
                reporter.ready()
                await (_until_unused(users_lock, ended) if users_lock else ended)
        except StartFailed as failure:
            reporter.failed(str(failure))
            return 1
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            reporter.announce("stopping")
            await supervisor.stop()
            reporter.announce("stopped")
    return 0


async def _until_unused(users: TextIO, ended: asyncio.Task[bool]) -> None:
    """Until told to end, or until nobody has held the lock file for a while.

    The lock is then held until everything has stopped: whoever comes next waits, and starts anew.
    """
    unused_since: float | None = None
    while not ended.done():
        await asyncio.wait({ended}, timeout=2)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            unused_since = None
            continue
        unused_since = unused_since or time.monotonic()
        if time.monotonic() - unused_since > _UNUSED_SECONDS:
            return
        fcntl.flock(users, fcntl.LOCK_UN)


if __name__ == "__main__":
    main()
