"""The worlds in which the port is tried: one for each implementation."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.payments.provider.sandbox_world import sandbox_world
from tests.payments.provider.stripe_world import stripe_world
from tests.payments.provider.world import World

WORLDS: dict[str, Callable[[Path], AbstractAsyncContextManager[World]]] = {
    "sandbox": sandbox_world,
    "stripe": stripe_world,
}
"""By the name of the implementation; each takes a folder for its files."""
