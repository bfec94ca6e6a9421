"""What makes a run the same each time: one actor moves at a time, and who waits for whom is known."""

import pytest
from sqlalchemy import text

from shared import clock
from tests.simulation.scheduling import Actor, Violation, gate
from tests.simulation.world import World

_LOCK = text("SELECT pg_advisory_xact_lock(:number)")


class Locking:
    """Actors that take locks, each between two gates, and who of them came to the end."""

    def __init__(self, world: World) -> None:
        self.stage = world.stage
        self.ended: list[str] = []
        self._database = world["tasks"].database

    def start(self, name: str, *numbers: int) -> Actor:
        return self.stage.start(name, self._take(name, numbers))

    async def _take(self, name: str, numbers: tuple[int, ...]) -> None:
        async with self._database.transaction() as session:
            for number in numbers:
                await session.execute(_LOCK, {"number": number})
                await gate(f"holds {number}")
        self.ended.append(name)

    async def go_on(self, actor: Actor) -> Actor | None:
        """Who crashes by it."""
        actor.go_on()
        return await self.stage.settle()

    async def end(self) -> None:
        """Lets all go on to their ends, always the one that began first of those who can."""
        while standing := self.stage.standing():
            await self.go_on(standing[0])


async def test_of_those_who_wait_for_a_lock_the_second_crashes_and_the_first_gets_it(world: World) -> None:
    await world.clear()
    locking = Locking(world)
    holder, waiter, late = (locking.start(name, 1) for name in ("holder", "waiter", "late"))
    await locking.stage.settle()

    assert [await locking.go_on(actor) for actor in (holder, waiter, late)] == [None, None, late]

    assert locking.stage.standing() == [holder]
    await locking.end()
    assert locking.ended == ["holder", "waiter"]


async def test_who_waits_goes_on_when_the_second_that_crashes_held_its_lock(world: World) -> None:
    await world.clear()
    locking = Locking(world)
    holder, waiter, late = locking.start("holder", 1), locking.start("waiter", 2), locking.start("late", 2, 1)
    await locking.stage.settle()

    crashed = [await locking.go_on(actor) for actor in (holder, late, waiter, late, late)]

    assert crashed == [None, None, None, None, late]
    assert locking.stage.standing() == [holder, waiter]
    await locking.end()
    assert sorted(locking.ended) == ["holder", "waiter"]


async def test_two_that_wait_for_each_other_are_a_violation(world: World) -> None:
    await world.clear()
    locking = Locking(world)
    one, other, third = locking.start("one", 1, 2), locking.start("other", 2, 1), locking.start("third", 3)
    await locking.stage.settle()
    for actor in (one, other, one, other, third):
        await locking.go_on(actor)
    await locking.go_on(one)

    with pytest.raises(Violation, match="each waits for the other one's lock: one, other"):
        await locking.go_on(other)


async def test_only_what_is_of_a_run_moves_its_clock(world: World) -> None:
    before = clock.now()
    assert clock.now() == before

    with world.clock.moving():
        assert before < clock.now() < clock.now()

    after = clock.now()
    assert clock.now() == after
