"""Idempotency keys: the same request sent again has one effect and the same answer.

Resolvers take `shared.graphql.acting.act_once`. One whose input must not be kept whole, or that has no actor yet, wraps
its action itself, inside the transaction that commits the effect:

    async with info.context.transaction() as session:
        account = await idempotent(
            session, actor_id, input.idempotency_key, "signUp", {"roles": roles},
            run=lambda: actions.sign_up(session, ...),
            replay=lambda user_id: store.get_user(session, user_id),
        )

What is remembered is the id of the result, not the answer: a repeat reads the object as it is now. A
refused request (DomainError) leaves no trace, so that it can be put right and sent again. The relay deletes keys
that count no more.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import UNSET

from shared import clock
from shared.database.tables import idempotency_keys as keys
from shared.errors import IdempotencyInProgress, IdempotencyKeyReused, InvalidInput, NotFound

R = TypeVar("R")

LIFETIME = timedelta(hours=24)
_KEY = re.compile(r"[ -~]{1,100}")


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


def _id_of(result: object) -> str:
    return cast(_Identified, result).id


async def idempotent(
    session: AsyncSession,
    actor_id: str,
    key: str | None,
    mutation: str,
    input: object,
    run: Callable[[], Awaitable[R]],
    replay: Callable[[str], Awaitable[R | None]],
    result_id: Callable[[R], str] = _id_of,
) -> R:
    """Runs `run` once per actor and key within 24 hours; a repeat answers with `replay(result_id)`.

    Without a key it only runs. `result_id` is the result's `id` unless said otherwise. `input` is the
    mutation's input dataclass, without passwords, since its hash is kept and a fast one. Call it in the
    transaction of the effect: it takes an advisory lock there until the transaction ends.

    Raises InvalidInput for a malformed key, IdempotencyInProgress while the first request runs,
    IdempotencyKeyReused for another mutation or input, NotFound when the result exists no more.
    """
    if key is None or key is UNSET:
        return await run()
    if not _KEY.fullmatch(key):
        raise InvalidInput("An idempotency key has 1 to 100 printable ASCII characters.", field=("idempotencyKey",))
    # Lock and look-up are two statements: one alone would look with a snapshot older than its lock, and
    # miss the row of a transaction that committed in between.
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(_lock_number(actor_id, key)))):
        raise IdempotencyInProgress("The same request is still running; ask again in a moment.")
    input_hash = _hash(input)
    used = (
        await session.execute(
            select(keys.c.mutation, keys.c.input_hash, keys.c.result_id).where(
                keys.c.actor_id == actor_id, keys.c.key == key, keys.c.created_at > clock.now() - LIFETIME
            )
        )
    ).one_or_none()
    if used is not None:
        if (used.mutation, used.input_hash) != (mutation, input_hash):
            raise IdempotencyKeyReused("The idempotency key was used before with another input.")
        replayed = await replay(used.result_id)
        if replayed is None:
            raise NotFound("What the first request made exists no more.")
        return replayed
    result = await run()
    row = {
        "mutation": mutation,
        "input_hash": input_hash,
        "result_id": result_id(result),
        "created_at": clock.now(),
    }
    await session.execute(
        insert(keys)
        .values(actor_id=actor_id, key=key, **row)
        # A row that has outlived its time is not cleaned up yet.
        .on_conflict_do_update(index_elements=[keys.c.actor_id, keys.c.key], set_=row)
    )
    return result


async def forget(session: AsyncSession, actor_id: str) -> None:
    """Deletes the keys of an actor."""
    await session.execute(delete(keys).where(keys.c.actor_id == actor_id))


def _lock_number(actor_id: str, key: str) -> int:
    digest = hashlib.sha256(f"idempotency\0{actor_id}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _hash(input: object) -> bytes:
    canonical = json.dumps(_plain(input), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def _plain(value: object) -> object:
    """The value as JSON can hold it; what was left out of the input is left out here."""
    match value:
        case Enum():
            return value.name
        case None | bool() | int() | float() | str():
            return value
        case Decimal() | UUID():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case list() | tuple():
            return [_plain(item) for item in value]
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items() if item is not UNSET}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(item)
            for field in dataclasses.fields(value)
            if (item := getattr(value, field.name)) is not UNSET
        }
    raise TypeError(f"An idempotent input cannot hold a {type(value).__name__}.")
