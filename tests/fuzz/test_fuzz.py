"""Two minutes of Schemathesis, shared by the subgraphs, or one with `--sample`; `make fuzz` goes on for longer."""

import os

import pytest

from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from tests.abuse.scene import Scene
from tests.fuzz import places
from tests.fuzz.fuzzer import fuzz

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.mark.parametrize("subgraph", built_subgraphs())
def test_no_operation_of_the_schema_breaks_it(
    pytestconfig: pytest.Config, stack: Stack, scene: Scene, subgraph: str
) -> None:
    seconds = (120 if pytestconfig.option.sample is None else 60) / len(built_subgraphs())
    number = int.from_bytes(os.urandom(4))
    print(f"make fuzz ARGS='{subgraph} --seed {number}' repeats it")

    tally = fuzz(places.endpoint(stack, scene, subgraph), number, seconds)

    print(tally)
    assert tally.sent > 0
    # Most fields are reached, and not only their first check.
    assert len(tally.served) > len(tally.operations) / 3
