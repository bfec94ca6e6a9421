"""Tables of cases as tests: each case at each place where it makes sense."""

from collections.abc import Callable, Hashable, Mapping

import pytest

from tests.abuse.arena import Arena, Case


def everywhere(cases: Mapping[str, Case], share: float) -> Callable[..., object]:
    """Parametrizes a test over `case` and `place`. A sample has `share` of all rows, and every case somewhere."""
    is_sampled = pytest.mark.table(share=share, kinds=_kinds)
    return pytest.mark.parametrize(
        ("case", "place"),
        [
            pytest.param(case, place, id=f"{name} @ {place}", marks=is_sampled)
            for name, case in cases.items()
            for place in case.targets()
        ],
    )


def _kinds(case: Case, place: str) -> tuple[Hashable, ...]:
    return id(case), place


async def defended(arena: Arena, case: Case, place: str) -> None:
    """Fails unless the place stands the attack."""
    await arena.defend(case, arena.targets[place])
