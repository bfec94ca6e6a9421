"""What the provider remembers, in an SQLite file that one process has to itself.

Statements run on the event loop: a commit with all its disk writes takes 0.3 ms, a tenth of what HTTP costs, and since
nothing else can run between the statements of a transaction, none needs a lock.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sandbox.delivery import Delivery
from sandbox.objects import Event, Movement, Object
from sandbox.refused import not_found
from shared import clock
from shared.ids import new_id

T = TypeVar("T", bound=Object)
# What stands in a row is known to its statement alone.
_Row: TypeAlias = tuple[Any, ...]

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, parent TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, id);
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (parent, key) WHERE parent <> '';
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, question BLOB NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS movements (
    position INTEGER PRIMARY KEY, kind TEXT NOT NULL, object TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS movements_by_time ON movements (at, position);
CREATE TABLE IF NOT EXISTS balances (currency TEXT PRIMARY KEY, amount INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, due INTEGER NOT NULL,
    copies INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS events_to_send ON events (due) WHERE copies > 0;
CREATE TABLE IF NOT EXISTS timers (
    position INTEGER PRIMARY KEY, object TEXT NOT NULL, push TEXT NOT NULL, due INTEGER NOT NULL
);
"""


class State:
    """The file, open for as long as the process lives. Raises sqlite3.OperationalError if another one has it."""

    def __init__(self, folder: Path, delivery: Delivery) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.delivery = delivery
        self.told = asyncio.Event()
        """Set when something may have to be sent."""
        self._database = sqlite3.connect(folder / "sandbox.db", isolation_level=None, timeout=1)
        self._database.executescript(
            f"PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_TABLES}"
        )

    def close(self) -> None:
        """Lets the file go."""
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is changed within it, or nothing. Nothing may be awaited within it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        self.told.set()

    def get(self, kind: type[T], object_id: str) -> T:
        """The object with this id. Raises Refused."""
        row = self._one("SELECT body FROM objects WHERE id = ? AND kind = ?", object_id, kind.kind)
        if row is None:
            raise not_found(kind.kind)
        return kind.model_validate_json(row[0])

    def put(self, thing: Object) -> None:
        """Keeps an object as it is now."""
        self._database.execute(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (thing.id, thing.kind, thing.parent, thing.key, thing.model_dump_json()),
        )

    def find(self, kind: type[T], parent: str, key: str) -> T | None:
        """What belongs to an object and was made with this key."""
        row = self._one("SELECT body FROM objects WHERE parent = ? AND key = ? AND kind = ?", parent, key, kind.kind)
        return kind.model_validate_json(row[0]) if row is not None else None

    def newest(self, kind: type[T], limit: int) -> list[T]:
        """The last ones that were made, newest first."""
        rows = self._all("SELECT body FROM objects WHERE kind = ? ORDER BY id DESC LIMIT ?", kind.kind, limit)
        return [kind.model_validate_json(body) for (body,) in rows]

    def answer(self, key: str) -> tuple[bytes, bytes] | None:
        """The question that came with this key, and what it was answered with."""
        row = self._one("SELECT question, body FROM answers WHERE key = ?", key)
        return (row[0], row[1]) if row is not None else None

    def keep_answer(self, key: str, question: bytes, body: bytes) -> None:
        """Remembers what a question was answered with."""
        self._database.execute("INSERT INTO answers VALUES (?, ?, ?)", (key, question, body))

    def move(self, thing: Object, amount: int, currency: str) -> None:
        """Notes that our balance grew by so much, in minor units."""
        self._database.execute(
            "INSERT INTO movements (kind, object, amount, currency, at) VALUES (?, ?, ?, ?, ?)",
            (thing.kind, thing.id, amount, currency, microseconds(clock.now())),
        )
        self._database.execute(
            "INSERT INTO balances VALUES (?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
            (currency, amount),
        )

    def balances(self) -> dict[str, int]:
        """What is held for us, in minor units by currency."""
        return dict(self._all("SELECT currency, amount FROM balances ORDER BY currency"))

    def movements(self, since: int, until: int, after: int, limit: int) -> list[Movement]:
        """What moved our balance from `since` until before `until` (microseconds), beyond the position `after`."""
        rows = self._all(
            """SELECT position, kind, object, amount, currency, at FROM movements
            WHERE at >= ? AND at < ? AND position > ? ORDER BY position LIMIT ?""",
            *(since, until, after, limit),
        )
        return [
            Movement(position=row[0], kind=row[1], object=row[2], amount=row[3], currency=row[4], at=moment(row[5]))
            for row in rows
        ]

    def tell(self, thing: Object, what: str) -> None:
        """Has webhooks tell that an object changed, how and when the present delivery says."""
        event = Event(id=new_id("event"), kind=thing.kind, type=f"{thing.kind}.{what}", object=thing.id, at=clock.now())
        plan = self.delivery.plan()
        self._database.execute(
            "INSERT INTO events (id, body, due, copies) VALUES (?, ?, ?, ?)",
            (event.id, event.model_dump_json(), microseconds(event.at) + plan.delay, plan.copies),
        )

    def to_send(self, limit: int) -> list[tuple[int, str]]:
        """Position and body of the events whose time has come, the earliest first."""
        return self._all(
            "SELECT position, body FROM events WHERE copies > 0 AND due <= ? ORDER BY due, position LIMIT ?",
            *(microseconds(clock.now()), limit),
        )

    def sent(self, position: int) -> None:
        """Counts one copy of an event as delivered."""
        self._database.execute("UPDATE events SET copies = copies - 1, failures = 0 WHERE position = ?", (position,))

    def not_sent(self, position: int) -> None:
        """Puts an event off, from a fifth of a second to a minute, for longer each time."""
        self._database.execute(
            "UPDATE events SET due = ? + min(60000000, 200000 << min(failures, 20)), failures = failures + 1 "
            "WHERE position = ?",
            (microseconds(clock.now()), position),
        )

    def send_again(self, event_id: str) -> None:
        """Has an event sent at once, one more time. Raises Refused."""
        found = self._database.execute(
            "UPDATE events SET copies = copies + 1, due = 0 WHERE id = ?", (event_id,)
        ).rowcount
        if not found:
            raise not_found("event")

    def newest_events(self, limit: int) -> list[tuple[Event, int, int]]:
        """Events, newest first, each with the copies that are yet to be sent and the failures of the next one."""
        rows = self._all("SELECT body, copies, failures FROM events ORDER BY position DESC LIMIT ?", limit)
        return [(Event.model_validate_json(body), copies, failures) for body, copies, failures in rows]

    def later(self, thing: Object, push: str, seconds: float) -> None:
        """Has an object pushed on after a while."""
        due = microseconds(clock.now() + timedelta(seconds=seconds))
        self._database.execute("INSERT INTO timers (object, push, due) VALUES (?, ?, ?)", (thing.id, push, due))

    def due_timer(self) -> tuple[int, str, str] | None:
        """Position, object and push of a timer whose time has come."""
        return self._one(
            "SELECT position, object, push FROM timers WHERE due <= ? ORDER BY due, position LIMIT 1",
            microseconds(clock.now()),
        )

    def end_timer(self, position: int) -> None:
        """A timer goes off once."""
        self._database.execute("DELETE FROM timers WHERE position = ?", (position,))

    def _one(self, statement: str, *parameters: object) -> _Row | None:
        row: _Row | None = self._database.execute(statement, parameters).fetchone()
        return row

    def _all(self, statement: str, *parameters: object) -> list[_Row]:
        return self._database.execute(statement, parameters).fetchall()


def microseconds(at: datetime) -> int:
    """A moment as a number, since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(number: int) -> datetime:
    """The moment of a number."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)
