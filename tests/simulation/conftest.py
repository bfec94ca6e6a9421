"""One world for all runs of a test process."""

from collections.abc import AsyncIterator

import pytest

from tests.simulation.world import World, a_world


@pytest.fixture(scope="module")
async def world(test_infrastructure: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("simulation")) as simulated:
        yield simulated
