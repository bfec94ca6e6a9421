"""A running system as tests and the demo see it: its addresses, and what can be done to its processes."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from deploy.local import control, mail_server, postgres_server, processes, routers, supervisor, system
from deploy.local.layout import Instance
from deploy.local.processes import Record


class Stack:
    """The processes of one running instance, by name: postgres, redis, kafka, users, bids, router, edge …"""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._options = system.Options.of(instance)
        self._specs = system.specs(instance, self._options)

    @classmethod
    def start(cls, instance: Instance, options: system.Options, users: Path | None = None) -> Self:
        """Starts the instance and returns when everything is ready. Raises StartFailed."""
        control.launch(instance, options, lambda message: None, users)
        return cls(instance)

    @property
    def edges(self) -> dict[str, str]:
        """The address of the edge in front of each router, by the router's kind."""
        return {
            kind: self.instance.url(edge)
            for kind, (_, edge) in zip(self._options.routers, routers.PLACES, strict=False)
        }

    def router(self, kind: str) -> str:
        """The name of the process of a router: "router" or "router-2"."""
        return routers.PLACES[self._options.routers.index(kind)][0]

    def url(self, name: str, path: str = "") -> str:
        """An HTTP address of one process, past edge and router."""
        return self.instance.url(name, path)

    def websocket_url(self, name: str, path: str = "/graphql") -> str:
        return f"ws://{self.instance.address(name)}{path}"

    def database_url(self, subgraph: str) -> str:
        """The SQLAlchemy address of a subgraph's database."""
        return postgres_server.database_url(self.instance, subgraph)

    def record(self, name: str) -> Record:
        """The process as it runs now. Raises LookupError when it does not."""
        record = processes.read_record(self.instance.run, name)
        if record is None or not record.alive():
            raise LookupError(f"{name} is not running")
        return record

    def log(self, name: str, lines: int = 200) -> str:
        """The end of a process's log."""
        return processes.tail(self.instance.logs / f"{name}.log", lines)

    async def mail(self, recipient: str, text: str = "", seconds: float = 30) -> mail_server.Caught:
        """The newest mail to an address in which `text` stands, once there is one. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while True:
            found = [
                each for each in mail_server.mails(mail_server.folder(self.instance), recipient) if text in each.text
            ]
            if found:
                return found[-1]
            if time.monotonic() > deadline:
                raise TimeoutError(f"no mail came\n{self.log('users', 30)}")
            await asyncio.sleep(0.2)

    def send(self, name: str, number: signal.Signals) -> None:
        """Signals a process, for example SIGSTOP and SIGCONT."""
        self.record(name).send(number)

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Kills a process and waits until it has ended; the supervisor starts it again at once."""
        record = self.record(name)
        record.send(number)
        await self._until(lambda: not record.alive(), 30, f"{name} did not end")

    async def restart(self, name: str) -> None:
        """Has a process end gracefully and waits until its successor is ready."""
        await self.kill(name, self._specs[name].stop_signal)
        await self.ready(name)

    async def stop(self, name: str) -> None:
        """Ends a process and keeps it down until `start_again`."""
        record = self.record(name)
        supervisor.hold(self.instance, name)
        await self._until(lambda: not record.alive(), 40, f"{name} did not stop")

    async def start_again(self, name: str, seconds: float = 60) -> None:
        """Starts a process that was stopped and waits until it is ready."""
        supervisor.release(self.instance, name)
        await self.ready(name, seconds=seconds)

    async def ready(self, *names: str, seconds: float = 60) -> None:
        """Waits until the processes, all without names, are ready."""
        deadline = time.monotonic() + seconds
        for name in names or tuple(self._specs):
            while (reason := await self._reason(name)) is not None:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{name} is not ready: {reason}\n{self.log(name, 30)}")
                await asyncio.sleep(0.05)

    def shut_down(self) -> None:
        """Ends the instance."""
        control.shut_down(self.instance)

    async def _reason(self, name: str) -> str | None:
        record = processes.read_record(self.instance.run, name)
        if record is None or not record.alive():
            return "not running"
        return await self._specs[name].ready()

    async def _until(self, condition: Callable[[], bool], seconds: float, failure: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(failure)
            await asyncio.sleep(0.02)
