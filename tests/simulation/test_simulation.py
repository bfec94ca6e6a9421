"""The money path comes to rest with its books in order, whatever meets whatever: 200 ways, the same ones each time."""

import pytest

from tests.simulation import safeguards
from tests.simulation.run import Run
from tests.simulation.scheduling import Violation
from tests.simulation.world import World

SEEDS, AT_ONCE = 200, 20
MOST_SEEDS = 2_000


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
async def test_whatever_happens_the_books_are_in_order(world: World, first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        await Run(world, seed).play()


async def test_a_seed_says_all_that_happens(world: World) -> None:
    first = Run(world, 7)
    await first.play()
    again = Run(world, 7)
    await again.play()

    assert first.trace == again.trace


async def test_a_failure_says_what_happened_and_how_to_see_it_again(world: World) -> None:
    with safeguards.LEFT_OUT["the key of a request"]():
        seed, failure = await found(world)
        with pytest.raises(Violation) as again:
            await Run(world, seed).play()

    told, told_again = (text.partition(f"\n\nseed {seed}, ")[0] for text in (failure, str(again.value)))
    assert "— wild —" in told
    assert told == told_again


# Minutes: `make test-all` alone takes them.
@pytest.mark.timeout(1800)
@pytest.mark.table(share=0, kinds=lambda name: [])
@pytest.mark.parametrize("name", safeguards.LEFT_OUT)
async def test_whatever_is_left_out_is_missed(world: World, name: str) -> None:
    with safeguards.LEFT_OUT[name]():
        await found(world)


async def found(world: World) -> tuple[int, str]:
    """The first seed at which something does not hold, and what is said of it."""
    for seed in range(MOST_SEEDS):
        try:
            await Run(world, seed).play()
        except Violation as violation:
            return seed, str(violation)
    raise AssertionError("nothing is missed")
