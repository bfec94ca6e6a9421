import asyncio
import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import asynccontextmanager

import pytest

from deploy.local import processes, supervisor
from deploy.local.layout import Instance
from deploy.local.processes import Process, ProcessSpec, Record, StartFailed, start_time
from deploy.local.supervisor import Supervisor


async def ready():
    return None


def spec(name="sleeper", script="sleep 60", **changes):
    return ProcessSpec(**{"name": name, "argv": ("/bin/sh", "-c", script), "ready": ready} | changes)


def there(path):
    """Ready as soon as this file is there, which a script makes once it handles signals."""

    async def ready():
        return None if path.exists() else "starting"

    return ready


async def until(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


def pids_in(path):
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def instance(tmp_path):
    instance = Instance(tmp_path / "state", 0)
    instance.create()
    return instance


@asynccontextmanager
async def supervised(instance, *specs):
    told = []
    watching = Supervisor(instance, told.append)
    processes.own_record(supervisor.SUPERVISOR).write(instance.run)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, watching.poke)
    try:
        for each in specs:
            await watching.start(each)
        yield told
    finally:
        await watching.stop()


async def test_stop_ends_the_process_and_what_it_started(instance, tmp_path):
    pids = tmp_path / "pids"
    started = Process(spec(script=f"sleep 60 & echo $! $$ > {pids}; wait"), instance.run, instance.logs)
    await started.start()
    await until(lambda: len(pids_in(pids)) == 2, "started")
    await started.stop()
    await until(lambda: not any(start_time(pid) for pid in pids_in(pids)), "all ended")
    assert not list(instance.run.iterdir())


async def test_stop_kills_what_does_not_end_by_itself(instance, tmp_path):
    trapped = tmp_path / "trapped"
    script = f"trap '' TERM; touch {trapped}; sleep 60"
    stubborn = Process(spec(script=script, ready=there(trapped), stop_seconds=0.3), instance.run, instance.logs)
    await stubborn.start()
    pid = stubborn.pid
    await stubborn.stop()
    assert start_time(pid) is None


async def test_start_fails_with_the_log_of_a_process_that_ends(instance):
    async def never():
        return "not yet"

    failing = Process(spec(script="echo no such setting; exit 3", ready=never), instance.run, instance.logs)
    with pytest.raises(StartFailed, match="sleeper ended while it started:\nno such setting"):
        await failing.start()


async def test_start_names_the_port_that_is_in_use(instance):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartFailed, match=f"Port {port}, which sleeper needs, is in use"):
            await Process(spec(ports=(port,)), instance.run, instance.logs).start()


async def test_supervisor_starts_a_killed_process_again(instance):
    async with supervised(instance, spec()) as told:
        first = processes.read_record(instance.run, "sleeper")
        first.send(signal.SIGKILL)
        await until(lambda: processes.read_record(instance.run, "sleeper").pid != first.pid, "started again")
        second = processes.read_record(instance.run, "sleeper")
        assert (second.restarts, second.alive()) == (1, True)
    assert told == ["sleeper ended (killed by signal 9); starting it again in 0.2 s"]
    assert not second.alive()


async def test_supervisor_waits_longer_each_time_a_process_ends(instance):
    async with supervised(instance, spec(script="sleep 0.3; exit 1")) as told:
        await until(lambda: len(told) == 3, "ended three times")
    assert [line.rpartition(" in ")[2] for line in told] == ["0.2 s", "0.4 s", "0.8 s"]


async def test_supervisor_keeps_a_held_process_down_until_it_is_released(instance):
    async with supervised(instance, spec()) as told:
        first = processes.read_record(instance.run, "sleeper")
        supervisor.hold(instance, "sleeper")
        await until(lambda: "sleeper is held down" in told, "held")
        assert not first.alive()
        assert processes.read_record(instance.run, "sleeper") is None
        supervisor.release(instance, "sleeper")
        await until(lambda: processes.read_record(instance.run, "sleeper"), "released")
        assert processes.read_record(instance.run, "sleeper").alive()


async def test_supervisor_stops_the_outer_tier_first(instance, tmp_path):
    order = tmp_path / "order"

    def of(name, tier):
        trapped = tmp_path / name
        script = f"trap 'sleep 0.2; echo {name} >> {order}; exit' TERM; touch {trapped}; sleep 60 & wait"
        return spec(name=name, script=script, tier=tier, ready=there(trapped))

    async with supervised(instance, of("database", 0), of("edge", 1)):
        pass
    assert order.read_text().split() == ["edge", "database"]


async def test_processes_end_when_their_supervisor_is_killed(instance):
    script = textwrap.dedent(f"""
        import asyncio, pathlib
        from deploy.local.processes import Process, ProcessSpec
        async def ready(): return None
        async def main():
            run = pathlib.Path({str(instance.run)!r})
            await Process(ProcessSpec("sleeper", ("sleep", "60"), ready), run, run).start()
            await asyncio.sleep(60)
        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        await until(lambda: processes.read_record(instance.run, "sleeper"), "started")
        record = processes.read_record(instance.run, "sleeper")
        parent.kill()
    await until(lambda: not record.alive(), "ended with its parent")


def test_leftovers_are_ended_but_not_a_stranger_with_a_recorded_pid(instance):
    with subprocess.Popen(["sleep", "60"]) as leftover, subprocess.Popen(["sleep", "60"]) as stranger:
        Record("leftover", leftover.pid, start_time(leftover.pid), 0).write(instance.run)
        Record("reused", stranger.pid, start_time(stranger.pid) - 1, 0).write(instance.run)
        assert processes.end_leftovers(instance.run, seconds=5) == ["leftover"]
        assert leftover.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None
        stranger.kill()
    assert not list(instance.run.iterdir())
