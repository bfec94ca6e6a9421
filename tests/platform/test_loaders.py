import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.loaders import MAX_BATCH_SIZE, many_by_key, one_by_key, value_by_key


@dataclass(frozen=True)
class Bid:
    id: str
    task_id: str


BIDS = [Bid("b1", "t1"), Bid("b2", "t2"), Bid("b3", "t1")]


async def test_rows_come_in_the_order_of_the_keys_and_none_where_there_is_none() -> None:
    batches: list[list[str]] = []

    async def load(ids: Sequence[str]) -> Sequence[Bid]:
        batches.append(list(ids))
        return [bid for bid in reversed(BIDS) if bid.id in ids]

    loader = one_by_key(load, lambda bid: bid.id)
    found = await asyncio.gather(*(loader.load(key) for key in ("b3", "none", "b1", "b3")))

    assert found == [BIDS[2], None, BIDS[0], BIDS[2]]
    assert batches == [["b3", "none", "b1"]]


async def test_many_rows_of_a_key_keep_the_order_of_the_statement() -> None:
    async def load(task_ids: Sequence[str]) -> Sequence[Bid]:
        return [bid for bid in reversed(BIDS) if bid.task_id in task_ids]

    loader = many_by_key(load, lambda bid: bid.task_id)

    assert await loader.load_many(["t2", "t1", "t0"]) == [[BIDS[1]], [BIDS[2], BIDS[0]], []]


async def test_values_default_where_the_mapping_has_none() -> None:
    async def count(task_ids: Sequence[str]) -> Mapping[str, int]:
        return {"t1": 2}

    assert await value_by_key(count, 0).load_many(["t0", "t1"]) == [0, 2]


async def test_a_batch_holds_at_most_a_thousand_keys() -> None:
    sizes: list[int] = []

    async def load(keys: Sequence[int]) -> Sequence[int]:
        sizes.append(len(keys))
        return keys

    found = await one_by_key(load, lambda key: key).load_many(range(2 * MAX_BATCH_SIZE + 1))

    assert found == list(range(2 * MAX_BATCH_SIZE + 1))
    assert sizes == [MAX_BATCH_SIZE, MAX_BATCH_SIZE, 1]


async def test_a_failed_batch_fails_all_its_keys_and_is_not_remembered() -> None:
    attempts = 0

    async def load(keys: Sequence[str]) -> Sequence[str]:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ConnectionError("gone")
        return keys

    loader = one_by_key(load, lambda key: key)
    failed = await asyncio.gather(loader.load("a"), loader.load("b"), return_exceptions=True)

    assert [str(error) for error in failed] == ["gone", "gone"]
    assert await loader.load_many(["a", "b"]) == ["a", "b"]
    assert attempts == 2
