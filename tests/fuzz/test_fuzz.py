"""Two minutes of Schemathesis, shared by the subgraphs; `make fuzz` goes on for as long as one likes."""

import os

import pytest

from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from tests.abuse.scene import Scene
from tests.fuzz import places
from tests.fuzz.fuzzer import fuzz

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SECONDS = 120 / len(built_subgraphs())


@pytest.mark.parametrize("subgraph", built_subgraphs())
def test_no_operation_of_the_schema_breaks_it(stack: Stack, scene: Scene, subgraph: str) -> None:
    number = int.from_bytes(os.urandom(4))
    print(f"make fuzz ARGS='{subgraph} --seed {number}' repeats it")

    tally = fuzz(places.endpoint(stack, scene, subgraph), number, SECONDS)

    print(tally)
    assert tally.sent > 0
    # Most fields are reached, and not only their first check.
    assert len(tally.served) > len(tally.operations) / 3
