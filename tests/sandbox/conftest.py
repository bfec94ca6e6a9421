from collections.abc import AsyncIterator

import pytest

from tests.sandbox.running import Listener, Running, listener, running


@pytest.fixture(scope="module")
async def told() -> AsyncIterator[Listener]:
    """Who takes the webhooks of `sandbox`."""
    async with listener() as listening:
        yield listening


@pytest.fixture(scope="module")
async def sandbox(told: Listener, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One process for the module's tests. What is pending ends soon, and calls whose answer is lost fail soon."""
    folder = tmp_path_factory.mktemp("sandbox")
    async with running(folder, told.url, settle_seconds="0.3", silent_seconds="0.2", late_seconds="0.5") as process:
        yield process
