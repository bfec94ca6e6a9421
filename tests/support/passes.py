"""The later passes of an erasure, one after the other."""

from collections.abc import Callable, Coroutine

from shared import clock
from shared.privacy.erasure import PASSES
from tests.support.messaging import eventually


async def erased_at_each_pass(
    comes_back: Callable[[], Coroutine[object, object, None]], is_gone: Callable[[], Coroutine[object, object, bool]]
) -> None:
    """Has something of a person come back before each pass, and waits until it is gone after it."""
    for after in PASSES.values():
        await comes_back()
        assert not await is_gone()
        with clock.offset(after + after / 100):
            await eventually(is_gone)
