"""Erasing a person: what `shared.privacy.personal_data` declares goes from the tables and from the log of events.

Ids stay, so that what other people need as their record still hangs together; without `users` they lead to
nobody. The log keeps its numbers: whoever replays it gets the same events without the person's words.

Each subgraph does it when it hears of `users.user.erased`, and again after `PASSES`: a request with a token
that was alive for some seconds more, an event that was on its way, and a message that is replayed from the
dead letters may all bring something back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import get_args

from pydantic import BaseModel
from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, case, delete, func, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.database import tables
from shared.privacy.personal_data import PLATFORM, Held

PASSES = {
    "erasure_settled": timedelta(minutes=1),
    "erasure_without_tokens": timedelta(minutes=20),
    # No message lives longer, nor is anything replayed later.
    "erasure_without_messages": timedelta(days=31),
}
"""The deadlines of later passes, and when they are due after the first one."""


async def schedule(session: AsyncSession, person_id: str) -> None:
    """Sets the deadlines of the later passes."""
    now = clock.now()
    for kind, after in PASSES.items():
        await deadlines.schedule(session, kind, person_id, now + after)


async def erase(session: AsyncSession, person_id: str, subgraph: str, held: Sequence[Held]) -> None:
    """Erases what is declared of a person. Once more changes nothing that is erased already."""
    everything = [*held, *PLATFORM]
    # First the log: by what the tables hold it is known which streams are concerned.
    await _redact(session, person_id, subgraph, held)
    # What refers to other rows stands behind them.
    for each in reversed(everything):
        if each.deleted_with:
            await _delete(session, each, person_id)
    for each in everything:
        for column in (*each.people, *each.through, *each.unseen):
            if column not in each.deleted_with:
                await _empty(session, each, column, person_id)


async def _delete(session: AsyncSession, held: Held, person_id: str) -> None:
    """Deletes a person's rows.

    Locked in the order of their keys, since a row may be two people's who leave at the same time: of those who blocked
    each other, each would wait for the row that the other one took first.
    """
    keys = list(held.table.primary_key.columns)
    theirs = or_(*(held.is_of(column, person_id) for column in held.deleted_with))
    ordered = select(*keys).where(theirs).order_by(*keys).with_for_update()
    await session.execute(delete(held.table).where(tuple_(*keys).in_(ordered)))


async def _empty(session: AsyncSession, held: Held, column: str, person_id: str) -> None:
    """Puts in place of a person's values what is declared for after their erasure.

    In one statement, since a table may allow certain values together only, such as both coordinates or none.
    """
    values: dict[str, ColumnElement[object]] = {}
    differs: list[ColumnElement[bool]] = []
    for name, personal in held.personal.items():
        if personal.of != column:
            continue
        value = held.table.c[name]
        erased = bindparam(None, personal.erased, value.type)
        if personal.kept_with is None:
            values[name] = erased
            differs.append(value.is_distinct_from(erased))
        else:
            goes = held.table.c[personal.kept_with].is_(None)
            values[name] = case((goes, erased), else_=value)
            differs.append(goes & value.is_distinct_from(erased))
    if values:
        await session.execute(update(held.table).where(held.is_of(column, person_id), or_(*differs)).values(values))


@dataclass(frozen=True, slots=True)
class Redaction:
    """A personal field of the bodies of a type of event: where it and the person's id stand in the JSON."""

    type: str
    path: tuple[str, ...]
    person: tuple[str, ...]
    erased: str | None


_REDACT = text("""
    UPDATE outbox SET body = jsonb_set(body, :path, :erased)
    WHERE stream = ANY(:streams) AND type = :type AND body #>> :person = :person_id
      AND body #>> :path IS NOT NULL AND body #> :path <> :erased
    RETURNING stream
""").bindparams(
    bindparam("path", type_=ARRAY(Text)),
    bindparam("person", type_=ARRAY(Text)),
    bindparam("streams", type_=ARRAY(Text)),
    bindparam("erased", type_=tables.outbox.c.body.type),
)
_REWRITE = text("""
    UPDATE outbox SET body = jsonb_set(body, :path, :erased)
    WHERE stream = ANY(:streams) AND body #>> :key = ANY(:keys) AND body #> :path <> :erased
    RETURNING stream
""").bindparams(
    bindparam("path", type_=ARRAY(Text)),
    bindparam("key", type_=ARRAY(Text)),
    bindparam("keys", type_=ARRAY(Text)),
    bindparam("streams", type_=ARRAY(Text)),
    bindparam("erased", type_=tables.outbox.c.body.type),
)


async def rewrite(
    session: AsyncSession, streams: Sequence[str], key: Sequence[str], keys: Sequence[str], path: Sequence[str], to: str
) -> None:
    """Puts `to` at `path` into those events of these streams that have one of `keys` at `key`."""
    parameters = {"streams": list(streams), "key": list(key), "keys": list(keys), "path": list(path), "erased": to}
    await _forget(session, {row.stream for row in await session.execute(_REWRITE, parameters)})


async def _redact(session: AsyncSession, person_id: str, subgraph: str, held: Sequence[Held]) -> None:
    streams = {f"user:{person_id}"}
    for each in held:
        if each.stream is None:
            continue
        prefix, column = each.stream
        for person in (*each.people, *each.unseen):
            found = select(each.table.c[column]).where(each.is_of(person, person_id)).distinct()
            streams |= {f"{prefix}:{key}" for key in await session.scalars(found)}
    changed: set[str] = set()
    for redaction in redactions(subgraph):
        parameters = {
            "path": list(redaction.path),
            "person": list(redaction.person),
            "erased": redaction.erased,
            "streams": sorted(streams),
            "type": redaction.type,
            "person_id": person_id,
        }
        changed |= {row.stream for row in await session.execute(_REDACT, parameters)}
    await _forget(session, changed)


async def _forget(session: AsyncSession, streams: set[str]) -> None:
    """Has every process drop what it remembers of these streams (`shared.messaging.streams`)."""
    if streams:
        await session.execute(
            update(tables.streams)
            .where(tables.streams.c.stream == func.any(bindparam(None, sorted(streams), ARRAY(Text))))
            .values(redactions=tables.streams.c.redactions + 1)
        )


@cache
def redactions(subgraph: str) -> tuple[Redaction, ...]:
    """Every personal field of the events that a subgraph emits."""
    return tuple(
        Redaction(model.type, path, person, personal.erased)
        for model in events.REGISTRY.values()
        if model.type.partition(".")[0] == subgraph
        for path, person, personal in _personal_fields(model, ())
    )


def _personal_fields(
    model: type[BaseModel], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], events.Personal]]:
    for name, field in model.model_fields.items():
        path = (*above, name)
        for personal in field.metadata:
            if isinstance(personal, events.Personal):
                yield path, (*above, *personal.of.split(".")), personal
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, events.Body):
                yield from _personal_fields(inner, path)
