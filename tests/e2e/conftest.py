"""Fixtures of the tests through edge and router."""

from collections.abc import Iterator

import pytest

from deploy.local import routers
from deploy.local.stack import Stack
from tests.e2e.collector import Collector, collecting
from tests.support import infrastructure


@pytest.fixture(params=routers.installed())
def edge(stack: Stack, request: pytest.FixtureRequest) -> str:
    """The address of the edge in front of each router that is installed."""
    return stack.edges[request.param]


@pytest.fixture(scope="module")
def collector(stack: Stack) -> Iterator[Collector]:
    """What the system exports of traces while this module's tests run."""
    with collecting(infrastructure.collector_port()) as listening:
        yield listening
