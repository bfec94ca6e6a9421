"""The arena of all abuse cases: the running system with its people."""

import asyncio

import pytest

from deploy.local.stack import Stack
from tests.abuse import scene as scenes
from tests.abuse import targets
from tests.abuse.arena import Arena
from tests.abuse.scene import Scene


@pytest.fixture(scope="session")
def scene(stack: Stack) -> Scene:
    return asyncio.run(scenes.play(stack))


@pytest.fixture(scope="session")
def arena(stack: Stack, scene: Scene) -> Arena:
    return Arena(targets.of_the_system(stack, scene))
