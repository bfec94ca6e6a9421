from collections.abc import AsyncIterator

import pytest

from subgraphs.payments.provider.port import Provider
from tests.payments.provider.world import World
from tests.payments.provider.worlds import WORLDS


@pytest.fixture(scope="module", params=sorted(WORLDS))
async def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Each implementation of the port in its world, with whatever the module's tests have done there."""
    async with WORLDS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def provider(world: World) -> Provider:
    return world.provider
