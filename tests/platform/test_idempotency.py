import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from shared import clock
from shared.database import tables
from shared.database.db import Database
from shared.errors import DomainError, IdempotencyInProgress, IdempotencyKeyReused, InvalidInput, NotFound
from shared.idempotency import idempotent
from shared.messaging.outbox.pruning import prune
from shared.money import CurrencyCode
from tests.conftest import SettingsFor

ALICE = "user_01alice"
BOB = "user_01bob"


@dataclass(frozen=True)
class Bid:
    id: str
    message: str = "as placed"


@dataclass(frozen=True)
class PlaceBidInput:
    amount: Decimal = Decimal("125.50")
    currency: CurrencyCode = CurrencyCode.EUR
    tags: list[str] = field(default_factory=lambda: ["garden"])
    idempotency_key: str | None = None


class TaskNotOpen(InvalidInput):
    pass


class Mutations:
    """`placeBid` as a resolver writes it, counting its effects."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.effects = 0
        self.gate: asyncio.Event | None = None
        self.started = asyncio.Event()
        self.refusal: DomainError | None = None
        self.stored: dict[str, Bid] = {}

    async def place_bid(
        self, key: str | None, input: PlaceBidInput | None = None, actor: str = ALICE, name: str = "placeBid"
    ) -> Bid:
        async with self.database.transaction() as session:
            return await idempotent(
                session,
                actor,
                key,
                name,
                replace(input or PlaceBidInput(), idempotency_key=key),
                run=self._run,
                replay=self._replay,
            )

    async def _run(self) -> Bid:
        self.started.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        self.effects += 1
        bid = Bid(f"bid_{self.effects}")
        self.stored[bid.id] = replace(bid, message="as it is now")
        return bid

    async def _replay(self, id: str) -> Bid | None:
        return self.stored.get(id)

    async def keys(self) -> object:
        rows = await self.database.fetch(select(func.count()).select_from(tables.idempotency_keys))
        return rows[0][0]


@pytest.fixture
async def mutations(settings_for: SettingsFor) -> AsyncIterator[Mutations]:
    database = Database(settings_for("platform"))
    yield Mutations(database)
    await database.close()


async def test_without_a_key_every_request_has_its_effect(mutations: Mutations) -> None:
    assert await mutations.place_bid(None) == Bid("bid_1")
    assert await mutations.place_bid(None) == Bid("bid_2")
    assert await mutations.keys() == 0


async def test_a_repeat_answers_with_the_first_result_as_it_is_now(mutations: Mutations) -> None:
    assert await mutations.place_bid("k") == Bid("bid_1")
    assert await mutations.place_bid("k") == Bid("bid_1", "as it is now")
    assert mutations.effects == 1


async def test_keys_of_two_actors_have_nothing_to_do_with_each_other(mutations: Mutations) -> None:
    assert await mutations.place_bid("k") == Bid("bid_1")
    assert await mutations.place_bid("k", actor=BOB) == Bid("bid_2")


@pytest.mark.parametrize(
    "other",
    [
        PlaceBidInput(amount=Decimal("125.51")),
        PlaceBidInput(currency=CurrencyCode.USD),
        PlaceBidInput(tags=["garden", "tools"]),
    ],
)
async def test_the_same_key_with_another_input_is_refused(mutations: Mutations, other: PlaceBidInput) -> None:
    await mutations.place_bid("k")
    with pytest.raises(IdempotencyKeyReused):
        await mutations.place_bid("k", other)
    assert mutations.effects == 1


async def test_the_same_key_for_another_mutation_is_refused(mutations: Mutations) -> None:
    await mutations.place_bid("k")
    with pytest.raises(IdempotencyKeyReused):
        await mutations.place_bid("k", name="updateBid")
    assert mutations.effects == 1


async def test_a_repeat_while_the_first_runs_is_told_so(mutations: Mutations) -> None:
    mutations.gate = asyncio.Event()
    first = asyncio.create_task(mutations.place_bid("k"))
    await mutations.started.wait()

    try:
        async with asyncio.timeout(30):
            with pytest.raises(IdempotencyInProgress):
                await mutations.place_bid("k")
    finally:
        mutations.gate.set()

    assert await first == Bid("bid_1")
    assert await mutations.place_bid("k") == Bid("bid_1", "as it is now")
    assert mutations.effects == 1


async def test_of_many_at_once_one_has_its_effect(mutations: Mutations) -> None:
    outcomes = await asyncio.gather(*(mutations.place_bid("k") for _ in range(40)), return_exceptions=True)

    assert mutations.effects == 1
    assert {type(outcome) for outcome in outcomes} <= {Bid, IdempotencyInProgress}
    assert {outcome.id for outcome in outcomes if isinstance(outcome, Bid)} == {"bid_1"}


async def test_a_refused_request_leaves_no_trace(mutations: Mutations) -> None:
    mutations.refusal = TaskNotOpen("The task does not take bids.")
    with pytest.raises(TaskNotOpen):
        await mutations.place_bid("k")
    assert await mutations.keys() == 0

    mutations.refusal = None
    assert await mutations.place_bid("k", PlaceBidInput(amount=Decimal(5))) == Bid("bid_1")


async def test_a_request_that_was_cut_off_leaves_no_trace(mutations: Mutations) -> None:
    mutations.gate = asyncio.Event()
    first = asyncio.create_task(mutations.place_bid("k"))
    await mutations.started.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    mutations.gate = None
    assert await mutations.place_bid("k") == Bid("bid_1")


async def test_a_key_counts_for_24_hours(mutations: Mutations) -> None:
    await mutations.place_bid("k")
    with clock.offset(timedelta(hours=23, minutes=59)):
        assert await mutations.place_bid("k") == Bid("bid_1", "as it is now")
    with clock.offset(timedelta(hours=24, minutes=1)):
        assert await mutations.place_bid("k", PlaceBidInput(amount=Decimal(7))) == Bid("bid_2")
        assert await mutations.place_bid("k", PlaceBidInput(amount=Decimal(7))) == Bid("bid_2", "as it is now")
    assert await mutations.keys() == 1


async def test_expired_keys_are_forgotten_and_no_others(mutations: Mutations, settings_for: SettingsFor) -> None:
    with clock.offset(-timedelta(hours=26)):
        await mutations.place_bid("old")
    await mutations.place_bid("new")

    connection = await mutations.database.listen()
    await prune(connection, settings_for("platform"), rows=500)
    await connection.close()

    assert await mutations.keys() == 1
    assert await mutations.place_bid("new") == Bid("bid_2", "as it is now")


async def test_a_result_that_exists_no_more_is_not_found(mutations: Mutations) -> None:
    await mutations.place_bid("k")
    mutations.stored.clear()
    with pytest.raises(NotFound):
        await mutations.place_bid("k")
    assert mutations.effects == 1


@pytest.mark.parametrize("key", ["", "k" * 101, "käse", "a\nb", "a\0", "\ud800"])
async def test_a_malformed_key_is_refused(mutations: Mutations, key: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await mutations.place_bid(key)
    assert refusal.value.field == ("idempotencyKey",)
    assert mutations.effects == 0
