"""Batch loaders: the fields of one request that need rows by key share one statement.

A loader lives as long as its request. It collects the keys that are asked for in one turn of the event
loop, hands them to `load` once, and remembers the answers; a failed batch fails all its keys and is
not remembered. A subgraph's `loaders.py` binds these helpers to functions of its `store.py`:

    bids_by_task_id = many_by_key(partial(store.load_bids_by_task_id, database), lambda bid: bid.task_id)
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from aiodataloader import DataLoader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# More keys are loaded in several batches at once: one statement stays short and its plan stable.
MAX_BATCH_SIZE = 1000


def one_by_key(load: Callable[[Sequence[K]], Awaitable[Sequence[V]]], key: Callable[[V], K]) -> DataLoader[K, V | None]:
    """A loader of the one row of each key; None for a key without a row."""

    async def batch(keys: list[K]) -> list[V | None]:
        rows = {key(row): row for row in await load(keys)}
        return [rows.get(each) for each in keys]

    return DataLoader(batch, max_batch_size=MAX_BATCH_SIZE)


def many_by_key(load: Callable[[Sequence[K]], Awaitable[Sequence[V]]], key: Callable[[V], K]) -> DataLoader[K, list[V]]:
    """A loader of all rows of each key, in the order in which `load` returns them."""

    async def batch(keys: list[K]) -> list[list[V]]:
        rows: defaultdict[K, list[V]] = defaultdict(list)
        for row in await load(keys):
            rows[key(row)].append(row)
        return [rows[each] for each in keys]

    return DataLoader(batch, max_batch_size=MAX_BATCH_SIZE)


def value_by_key(load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], default: V) -> DataLoader[K, V]:
    """A loader of one computed value for each key, such as a count; `default` (immutable) where `load` has none."""

    async def batch(keys: list[K]) -> list[V]:
        values = await load(keys)
        return [values.get(each, default) for each in keys]

    return DataLoader(batch, max_batch_size=MAX_BATCH_SIZE)
