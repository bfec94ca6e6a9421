"""What cannot be handled is put aside, the rest flows, and a replay has one effect."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.config import Settings
from shared.database.db import Database
from shared.events import Envelope
from shared.messaging.consumer import Consumer, Handlers
from shared.messaging.dead_letters import list_dead_letters, replay, show
from shared.messaging.outbox import Relay
from tests.conftest import SettingsFor
from tests.support.messaging import TOPIC, emit_numbers, eventually, header, published, running, sql

Happened = Envelope[events.UserSuspended]


@pytest.fixture
def settings(settings_for: SettingsFor) -> Settings:
    return settings_for("platform")


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    async with running(Relay(database, settings, [TOPIC])):
        yield database
    await database.close()


class _Choosy:
    """Handles all numbers but some, until it is repaired."""

    def __init__(self, *poison: int) -> None:
        self.poison = set(poison)
        self.attempts: list[int] = []
        self.handled: list[int] = []
        self.handlers = Handlers()
        self.handlers.on(events.UserSuspended)(self.handle)

    async def handle(self, session: AsyncSession, event: Happened) -> None:
        number = int(event.event.reason)
        self.attempts.append(number)
        if number in self.poison:
            raise KeyError("somebody@example.com")
        self.handled.append(number)


async def test_poison_is_put_aside_and_a_replay_works_once(settings: Settings, database: Database) -> None:
    choosy, other = _Choosy(2), _Choosy()
    consumers = (
        Consumer("choosy", choosy.handlers, database, settings),
        Consumer("other", other.handlers, database, settings),
    )
    async with running(*consumers):
        await emit_numbers(database, 1, 2, 3)
        await eventually(lambda: choosy.handled == [1, 3] and other.handled == [1, 2, 3])
        assert choosy.attempts == [1, *[2] * (Consumer.retries + 1), 3]

        (letter,) = await list_dead_letters(settings)
        assert letter.topic == TOPIC
        assert (letter.consumer, letter.event_type, letter.attempts) == (
            "choosy", "users.user.suspended", Consumer.retries + 1,
        )  # fmt: skip
        assert letter.key == b"user:user_1"
        assert letter.value == b'{"by": null, "reason": "2", "user_id": "user_1"}'
        # Who reads lists of errors must not read about people there.
        assert letter.error_type == "KeyError"
        assert "example.com" not in letter.error
        assert await show(settings, TOPIC, letter.partition, letter.offset) == letter

        choosy.poison.clear()
        assert await replay(settings, TOPIC, letter.partition, letter.offset) == [letter]
        await eventually(lambda: choosy.handled == [1, 3, 2])
        assert await list_dead_letters(settings) == []
        with pytest.raises(LookupError):
            await replay(settings, TOPIC, letter.partition, letter.offset)
        assert await replay(settings, TOPIC) == []

        # The others' copy of the replay has passed them when they have the next event.
        await emit_numbers(database, 4)
        await eventually(lambda: choosy.handled[-1] == other.handled[-1] == 4)
    assert choosy.handled == [1, 3, 2, 4]
    assert other.attempts == [1, 2, 3, 4]
    assert sorted(await sql(database, "SELECT consumer, count(*) FROM inbox GROUP BY consumer")) == [
        ("choosy", 4),
        ("other", 4),
    ]


async def test_a_replay_is_for_the_consumer_that_failed(settings: Settings, database: Database) -> None:
    choosy, other = _Choosy(1), _Choosy(1)
    consumers = (
        Consumer("choosy", choosy.handlers, database, settings),
        Consumer("other", other.handlers, database, settings),
    )
    async with running(*consumers):
        await emit_numbers(database, 1)
        await eventually(partial(_has_letters, settings, 2))
        (letter,) = [one for one in await list_dead_letters(settings) if one.consumer == "choosy"]
        choosy.poison.clear()
        other.poison.clear()
        await replay(settings, TOPIC, letter.partition, letter.offset)
        await emit_numbers(database, 2)
        await eventually(lambda: choosy.handled == [1, 2] and other.handled)

    assert other.handled == [2]
    assert [one.consumer for one in await list_dead_letters(settings)] == ["other"]


async def _has_letters(settings: Settings, count: int) -> bool:
    return len(await list_dead_letters(settings)) == count


async def test_all_letters_of_a_topic_are_replayed_in_order(settings: Settings, database: Database) -> None:
    choosy = _Choosy(1, 2, 3)
    async with running(Consumer("choosy", choosy.handlers, database, settings)):
        await emit_numbers(database, 1, 2, 3, 4)
        await eventually(lambda: choosy.handled == [4])
        choosy.poison.clear()
        assert len(await replay(settings, f"{TOPIC}.dlq")) == 3
        await eventually(lambda: choosy.handled == [4, 1, 2, 3])

    assert await list_dead_letters(settings, [TOPIC]) == []


async def test_a_replay_that_fails_again_is_a_new_letter(settings: Settings, database: Database) -> None:
    choosy = _Choosy(1)
    async with running(Consumer("choosy", choosy.handlers, database, settings)):
        await emit_numbers(database, 1)
        (first,) = await eventually(lambda: list_dead_letters(settings, [TOPIC]))
        await replay(settings, TOPIC)
        await eventually(lambda: len(choosy.attempts) == 2 * (Consumer.retries + 1))
        (second,) = await eventually(lambda: list_dead_letters(settings, [TOPIC]))

    assert (second.event_id, second.value, second.headers[: len(first.headers)]) == (
        first.event_id, first.value, first.headers,
    )  # fmt: skip
    assert second.offset > first.offset


async def test_a_letter_replayed_twice_has_one_effect(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    choosy = _Choosy(1)
    async with running(Consumer("choosy", choosy.handlers, database, settings)):
        await emit_numbers(database, 1)
        await eventually(lambda: list_dead_letters(settings, [TOPIC]))
        choosy.poison.clear()
        # As if the process had died before it wrote the marker.
        with monkeypatch.context() as crash:
            crash.setattr("shared.messaging.dead_letters._MARKER", "not_a_marker")
            await replay(settings, TOPIC)
        await eventually(lambda: choosy.handled == [1])
        await replay(settings, TOPIC)
        await emit_numbers(database, 2)
        await eventually(lambda: choosy.handled[-1] == 2)

    assert choosy.handled == [1, 2]
    replays = [record for record in await published(settings, 4) if "replay_for" in dict(record.headers)]
    assert [header(record, "replay_for") for record in replays] == ["choosy", "choosy"]
