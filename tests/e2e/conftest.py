"""Fixtures of the tests through edge and router."""

import pytest

from deploy.local import routers
from deploy.local.stack import Stack


@pytest.fixture(params=[routers.HIVE_ROUTER, routers.EMBEDDED])
def edge(stack: Stack, request: pytest.FixtureRequest) -> str:
    """The address of the edge in front of each router that is installed."""
    if request.param not in stack.edges:
        pytest.skip(f"{request.param} is not installed")
    return stack.edges[request.param]
