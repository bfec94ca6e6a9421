"""Starting and ending the supervisor of an instance from another process: the command line, the tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local import processes, system
from deploy.local.layout import REPOSITORY, Instance
from deploy.local.processes import Record, StartFailed
from deploy.local.supervisor import SUPERVISOR, ready_mark

OnMessage = Callable[[dict[str, str]], None]

_STOP_SECONDS = 60.0


def running(instance: Instance) -> Record | None:
    """The supervisor, if it lives."""
    record = processes.read_record(instance.run, SUPERVISOR)
    return record if record and record.alive() else None


def launch(
    instance: Instance,
    options: system.Options,
    on_message: OnMessage,
    users: Path | None = None,
    attached: bool = False,
) -> Callable[[OnMessage], None]:
    """Starts the supervisor and returns when everything is ready. Raises StartFailed.

    `on_message` gets the report: {"begin": step}, {"done": step}, {"event": what happened}. The function
    that is returned goes on reading the report until the supervisor ends. `users`: see the daemon.
    `attached`: everything ends with the calling process, also when that is killed.
    """
    instance.create()
    reading, writing = os.pipe()
    command = [
        *(("setpriv", "--pdeathsig", "TERM") if attached else ()),
        *(sys.executable, "-m", "deploy.local.daemon"),
        *("--state", str(instance.state), "--port-base", str(instance.base)),
        *("--options", options.to_json(), "--report", str(writing)),
        *(("--users", str(users)) if users else ()),
    ]
    with (instance.logs / f"{SUPERVISOR}.log").open("ab") as log:
        daemon = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            pass_fds=(writing,), start_new_session=True,
        )  # fmt: skip
    os.close(writing)
    report = os.fdopen(reading)
    for line in report:
        message = json.loads(line)
        if "ready" in message:
            break
        if "failed" in message:
            daemon.wait()
            raise StartFailed(message["failed"])
        on_message(message)
    else:
        daemon.wait()
        raise StartFailed(f"The supervisor ended:\n{processes.tail(instance.logs / f'{SUPERVISOR}.log')}")

    def follow(on_event: OnMessage) -> None:
        for line in report:
            on_event(json.loads(line))
        daemon.wait()

    return follow


def wait_until_ready(instance: Instance, seconds: float = 300) -> bool:
    """Waits for a start that another process has begun. False if its supervisor ended instead."""
    deadline = time.monotonic() + seconds
    while running(instance) and time.monotonic() < deadline:
        if ready_mark(instance).exists():
            return True
        time.sleep(0.1)
    return False


def shut_down(instance: Instance) -> bool:
    """Ends the instance, also what a killed supervisor left behind. Returns whether anything ran."""
    supervisor = running(instance)
    if supervisor:
        supervisor.send(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while supervisor.alive() and time.monotonic() < deadline:
            time.sleep(0.05)
    leftovers = processes.end_leftovers(instance.run)
    ready_mark(instance).unlink(missing_ok=True)
    return bool(leftovers) or supervisor is not None
