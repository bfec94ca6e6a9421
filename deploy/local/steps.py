"""Steps of a start that wait for each other and otherwise run at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Progress(Protocol):
    """Who shows what is going on."""

    def begin(self, title: str) -> None: ...

    def done(self, title: str) -> None: ...


@dataclass(frozen=True)
class Step:
    """One step; `needs` names the steps that must be done before, those that are not planned count as done."""

    name: str
    title: str
    run: Callable[[], Awaitable[object]]
    needs: tuple[str, ...] = ()


async def run_steps(steps: Sequence[Step], progress: Progress) -> None:
    """Runs all steps. The first failure ends the others and is raised."""
    finished = {step.name: asyncio.Event() for step in steps}

    async def run(step: Step) -> None:
        for need in step.needs:
            if need in finished:
                await finished[need].wait()
        progress.begin(step.title)
        await step.run()
        progress.done(step.title)
        finished[step.name].set()

    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(run(step), name=step.name)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
