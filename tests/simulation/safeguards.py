"""What keeps money from moving twice or getting lost, and how to leave each out: a simulation must notice."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar
from unittest.mock import patch

from sqlalchemy.ext.asyncio import AsyncSession

from shared.transitions import By, step
from subgraphs.bids import models as bids_models
from subgraphs.bids import store as bids_store
from subgraphs.payments import models, store
from subgraphs.payments.rules import escrows
from subgraphs.payments.rules.escrows import Command, Status
from subgraphs.tasks import models as tasks_models
from subgraphs.tasks import store as tasks_store
from tests.simulation import run
from tests.simulation.provider import Bank

Row = TypeVar("Row")


def _unlocked(module: object, name: str, model: type[Row]) -> AbstractContextManager[object]:
    """Reads a row without locking it."""

    async def read(session: AsyncSession, id: str, **_: bool) -> Row | None:
        return await session.get(model, id, populate_existing=True)

    return patch.object(module, name, read)


def _not_looked_up(name: str) -> AbstractContextManager[object]:
    async def find(self: Bank, owner: str, key: str) -> None:
        return None

    return patch.object(Bank, name, find)


async def _each_time(
    session: AsyncSession, actor_id: str, key: str, mutation: str, input: object, run: Callable[[], Awaitable[Row]],
    replay: object,
) -> Row:  # fmt: skip
    return await run()


@contextmanager
def _ends_again() -> Iterator[None]:
    """What has ended can end once more."""
    over = (Status.RELEASED, Status.REFUNDED, Status.SPLIT)
    ends = {
        (status, command): step(to, By.EVENT, By.ADMIN, By.PROVIDER, why="nothing stops it")
        for status in over
        for command, to in ((Command.RELEASE, over[0]), (Command.REFUND, over[1]), (Command.SPLIT, over[2]))
    }
    with ExitStack() as stack:
        stack.enter_context(patch.object(escrows, "HELD", escrows.HELD | set(over)))
        stack.enter_context(patch.dict(escrows.TRANSITIONS, ends))
        yield


LEFT_OUT: Mapping[str, Callable[[], AbstractContextManager[object]]] = {
    "the lock of an escrow": lambda: _unlocked(store.escrows, "lock_escrow", models.Escrow),
    "the lock of a refund": lambda: _unlocked(store.refunds, "lock_refund", models.Refund),
    "the lock of a task": lambda: _unlocked(tasks_store.tasks, "lock_task", tasks_models.Task),
    "the lock of a task for its bids": lambda: _unlocked(bids_store, "lock_task", bids_models.Task),
    "the claim of an escrow": _ends_again,
    "the key of a request": lambda: patch.object(run, "idempotent", _each_time),
    "asking for a refund before it is made": lambda: _not_looked_up("find_refund"),
    "asking for a payout before it is made": lambda: _not_looked_up("find_payout"),
}
