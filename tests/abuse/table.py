"""Tables of cases as tests: each case at each place where it makes sense."""

from collections.abc import Callable, Mapping

import pytest

from tests.abuse.arena import Arena, Case


def everywhere(cases: Mapping[str, Case]) -> Callable[..., object]:
    """Parametrizes a test over `case` and `place`."""
    return pytest.mark.parametrize(
        ("case", "place"),
        [pytest.param(case, place, id=f"{name} @ {place}") for name, case in cases.items() for place in case.targets()],
    )


async def defended(arena: Arena, case: Case, place: str) -> None:
    """Fails unless the place stands the attack."""
    await arena.defend(case, arena.targets[place])
