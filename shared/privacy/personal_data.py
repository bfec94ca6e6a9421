"""What a subgraph holds of persons, and how a person gets all of it.

Each subgraph declares for every column of its tables whether it is personal and whose (`Held`, in its
`personal_data.py`). The declaration is what is exported and what is erased, so that nothing can be
declared and forgotten; a test fails for a column that is not declared.

An export is sealed to a key that `users` made for it (libsodium's sealed boxes: X25519, XSalsa20-Poly1305)
before it enters the outbox: neither databases nor Kafka nor dead letters hold it readable, and all of it is
useless once that key is deleted.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nacl.public import PublicKey, SealedBox
from pydantic_core import to_json
from sqlalchemy import ARRAY, ColumnElement, Table, bindparam, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from shared import events
from shared.database import tables
from shared.messaging.outbox import emit

PART_BYTES = 32_000
"""About how much JSON one part holds: a page of parts stays small enough for a GraphQL answer."""
_ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Personal:
    """A column that tells something about a person.

    `of` is the column with the person's id. `erased` is what it holds once they are erased; with
    `kept_with` it stays for rows that have a value in that column. `withheld` is why it is in no export,
    which its person reads there.
    """

    of: str
    erased: object = None
    kept_with: str | None = None
    withheld: str | None = None


def secret(of: str, why: str, erased: object = None) -> Personal:
    """A column that is good for checking only, or would let somebody in; it is in no export."""
    return Personal(of, erased, withheld=why)


@dataclass(frozen=True, slots=True)
class Held:
    """What one table holds of persons; each of its columns, but for computed ones, stands in one of these."""

    table: Table
    people: tuple[str, ...] = ()
    """Columns with a person's id, which stays after their erasure."""
    through: Mapping[str, tuple[Table, str]] = field(default_factory=dict)
    """Columns with the id of a row of another table, and the column of that table with the person's id."""
    unseen: Mapping[str, str] = field(default_factory=dict)
    """Columns with a person's id that are like `people`, but the person does not get to see these rows: and why."""
    personal: Mapping[str, Personal] = field(default_factory=dict)
    pseudonymous: tuple[str, ...] = ()
    """Other ids, which lead to a person by way of other tables only."""
    plain: tuple[str, ...] = ()
    """Columns that tell nothing about a person."""
    stream: tuple[str, str] | None = None
    """The streams that tell of these rows, as their prefix and the column with what follows it."""
    deleted_with: tuple[str, ...] = ()
    """Those of `people`, `through` and `unseen` whose erasure deletes the row."""

    def is_of(self, column: str, person_id: str) -> ColumnElement[bool]:
        """Whether the person in `column` is this one."""
        owner = self.table.c[column]
        if column in self.through:
            other, person = self.through[column]
            return owner.in_(select(other.c.id).where(other.c[person] == person_id))
        if isinstance(owner.type, ARRAY):
            return owner.op("@>")(bindparam(None, [person_id], owner.type))
        return owner == person_id

    def exported(self, column: str) -> list[str]:
        """The columns that the person in `column` gets to see."""
        seen = {name for name, personal in self.personal.items() if personal.of == column and not personal.withheld}
        seen |= {*self.people, *self.unseen, *self.through, *self.pseudonymous, *self.plain}
        return [each.name for each in self.table.columns if each.name in seen]


def table_of(model: type[SQLModel]) -> Table:
    """The table of a model."""
    table = inspect(model).local_table
    assert isinstance(table, Table)
    return table


PLATFORM: Sequence[Held] = (
    Held(tables.streams, pseudonymous=("stream",), plain=("head", "redactions")),
    # Copies of what the other tables hold, for as long as subscribers can replay them; erasure redacts them.
    Held(
        tables.outbox,
        pseudonymous=("stream",),
        plain=("position", "seq", "event_id", "type", "topic", "body", "traceparent", "occurred_at", "published_at"),
    ),
    Held(tables.inbox, plain=("consumer", "event_id", "processed_at")),
    Held(tables.deadlines, pseudonymous=("subject_id",), plain=("kind", "due_at", "attempts")),
    Held(
        tables.idempotency_keys,
        people=("actor_id",),
        personal={
            "key": Personal("actor_id", ""),
            "input_hash": secret("actor_id", "Only recognises a request that comes again.", b""),
        },
        pseudonymous=("result_id",),
        plain=("mutation", "created_at"),
        deleted_with=("actor_id",),
    ),
)
"""The tables that every subgraph has."""


Reader = Callable[[Mapping[str, Any]], object]
"""Makes of a row the value of one of its columns as its person can read it."""
NO_READERS: Mapping[str, Reader] = MappingProxyType({})


async def export(
    session: AsyncSession,
    request: events.UserExportRequested,
    answer: type[events.DataSealed],
    held: Sequence[Held],
    readers: Mapping[str, Reader] = NO_READERS,
) -> None:
    """Emits all that is held of a person, in parts that each are a JSON document, sealed to the export's key.

    `readers` are by `<table>.<column>`, for those that are not stored as they are read. The last part tells
    how many rows of each table there are, and what is left out for which reason. Raises ValueError for a
    malformed key, and what a reader raises: an export that cannot be whole is none.
    """
    box = SealedBox(PublicKey(b64decode(request.public_key, validate=True)))
    number = 0
    counts: dict[str, int] = {}

    async def seal(document: bytes, *, last: bool = False) -> None:
        nonlocal number
        number += 1
        sealed = b64encode(box.encrypt(document)).decode()
        await emit(
            session,
            answer(export_id=request.export_id, user_id=request.user_id, number=number, last=last, sealed=sealed),
        )

    everything = (*held, *PLATFORM)
    for each in everything:
        for column in (*each.people, *each.through):
            name = f"{each.table.name}.{column}"
            async for rows, count in _chunks(session, each, column, request.user_id, readers):
                heading = to_json({"table": each.table.name, "person": column})
                await seal(heading[:-1] + b',"rows":[' + b",".join(rows) + b"]}")
                counts[name] = counts.get(name, 0) + count
    await seal(to_json({"rows": counts, "left_out": dict(_left_out(everything))}), last=True)


def _left_out(held: Sequence[Held]) -> Iterator[tuple[str, str]]:
    """The columns that are about persons and in no export, and why."""
    for each in held:
        for name, why in each.unseen.items():
            yield f"{each.table.name}.{name}", why
        for name, personal in each.personal.items():
            if personal.withheld:
                yield f"{each.table.name}.{name}", personal.withheld


async def _chunks(
    session: AsyncSession, held: Held, column: str, person_id: str, readers: Mapping[str, Reader]
) -> AsyncIterator[tuple[list[bytes], int]]:
    """The rows of a person as JSON objects, as many at a time as go into a part."""
    names = held.exported(column)
    statement = select(*(held.table.c[name] for name in names)).where(held.is_of(column, person_id))
    rows: list[bytes] = []
    size = 0
    ordered = statement.order_by(*held.table.primary_key.columns)
    found = await session.stream(ordered, execution_options={"yield_per": _ROWS_AT_ONCE})
    async for row in found.mappings():
        document = to_json(_readable(held, names, row, readers), bytes_mode="base64")
        if rows and size + len(document) > PART_BYTES:
            yield rows, len(rows)
            rows, size = [], 0
        rows.append(document)
        size += len(document)
    if rows:
        yield rows, len(rows)


def _readable(
    held: Held, names: Sequence[str], row: Mapping[Any, Any], readers: Mapping[str, Reader]
) -> dict[str, object]:
    readable = dict(row)
    for name in names:
        read = readers.get(f"{held.table.name}.{name}")
        if read is not None and row[name] is not None:
            readable[name] = read(row)
    return readable
