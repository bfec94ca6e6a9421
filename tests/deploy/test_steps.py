import asyncio

import pytest

from deploy.local.processes import StartFailed
from deploy.local.steps import Step, run_steps


class Shown:
    def __init__(self):
        self.messages = []

    def begin(self, title):
        self.messages.append(f"begin {title}")

    def done(self, title):
        self.messages.append(f"done {title}")


async def test_a_step_waits_for_what_it_needs_and_for_nothing_else():
    gate = asyncio.Event()

    async def slow():
        await gate.wait()

    async def quick():
        gate.set()

    shown = Shown()
    steps = [
        Step("last", "Last", quick, ("slow", "not planned")),
        Step("slow", "Slow", slow),
        Step("quick", "Quick", quick),
    ]
    await run_steps(steps, shown)
    assert shown.messages == ["begin Slow", "begin Quick", "done Quick", "done Slow", "begin Last", "done Last"]


async def test_the_first_failure_ends_the_others():
    ended = []

    async def fail():
        raise StartFailed("no disk space")

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("work")

    with pytest.raises(StartFailed, match="no disk space"):
        await run_steps([Step("work", "Work", work), Step("fail", "Fail", fail)], Shown())
    assert ended == ["work"]
