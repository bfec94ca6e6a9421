"""What keeps money from moving twice or getting lost, and how to leave each out: a simulation must notice."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar
from unittest.mock import patch

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.messaging.consumer import handling
from shared.transitions import By, step
from subgraphs.bids import models as bids_models
from subgraphs.bids import store as bids_store
from subgraphs.payments import models, store
from subgraphs.payments.rules import escrows
from subgraphs.payments.rules.escrows import Command, Status
from subgraphs.tasks import models as tasks_models
from subgraphs.tasks import store as tasks_store
from tests.simulation import run
from tests.simulation.provider import Bank, Object

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


def _forgotten(keys: str) -> AbstractContextManager[object]:
    """The provider forgets what it answered to these keys, which a regular expression describes."""
    keep = Bank._keep

    def forget(self: Bank, key: str, answer: Object, where: dict[str, Object]) -> Object:
        keep(self, key, answer, where)
        if re.fullmatch(keys, key):
            del self._answers[key]
        return answer

    return patch.object(Bank, "_keep", forget)


@contextmanager
def _both(one: AbstractContextManager[object], other: AbstractContextManager[object]) -> Iterator[None]:
    with one, other:
        yield


async def _each_time(
    session: AsyncSession, actor_id: str, key: str, mutation: str, input: object, run: Callable[[], Awaitable[Row]],
    replay: object,
) -> Row:  # fmt: skip
    return await run()


def _ends_again() -> AbstractContextManager[object]:
    """What has ended can end once more."""
    over = (Status.RELEASED, Status.REFUNDED, Status.SPLIT)
    ends = {
        (status, command): step(to, By.EVENT, By.ADMIN, By.PROVIDER, why="nothing stops it")
        for status in over
        for command, to in ((Command.RELEASE, over[0]), (Command.REFUND, over[1]), (Command.SPLIT, over[2]))
    }
    return _both(patch.object(escrows, "HELD", escrows.HELD | set(over)), patch.dict(escrows.TRANSITIONS, ends))


# Whatever the inbox has, it is new.
_NEW = text("SELECT 1")

LEFT_OUT: Mapping[str, Callable[[], AbstractContextManager[object]]] = {
    "the lock of an escrow": lambda: _unlocked(store.escrows, "lock_escrow", models.Escrow),
    "the lock of a refund": lambda: _unlocked(store.refunds, "lock_refund", models.Refund),
    "the lock of a task": lambda: _unlocked(tasks_store.tasks, "lock_task", tasks_models.Task),
    "the lock of a task for its bids": lambda: _unlocked(bids_store, "lock_task", bids_models.Task),
    "the lock of a bid": lambda: _unlocked(bids_store, "lock_bid", bids_models.Bid),
    "the lock of a payout": lambda: _unlocked(store.payouts, "lock_payout", models.Payout),
    "the claim of an escrow": _ends_again,
    "the inbox": lambda: patch.object(handling, "_REMEMBER", _NEW),
    "the key of a request": lambda: patch.object(run, "idempotent", _each_time),
    "asking for a refund before it is made": lambda: _not_looked_up("find_refund"),
    "asking for a payout before it is made": lambda: _not_looked_up("find_payout"),
    "the key of a charge": lambda: _forgotten("charge_[^-]*"),
    "the key of a try of a charge": lambda: _forgotten("charge_.*-.*"),
    # Of these the one would hold without the other, but for two that ask at the same time.
    "the key of a refund, and asking for it": lambda: _both(_not_looked_up("find_refund"), _forgotten("refund_.*")),
    "the key of a payout, and asking for it": lambda: _both(_not_looked_up("find_payout"), _forgotten("payout_.*")),
}
