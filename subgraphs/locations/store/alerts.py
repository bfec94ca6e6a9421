"""SQL of alerts: which saved searches a task is found by, and who is told when."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, bindparam, delete, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import unlocked
from shared.text_search.query import GRAM, UNSPACED
from subgraphs.locations import models
from subgraphs.locations.models import Alert

KEYS_AT_ONCE = 100
"""A GIN index looks at each row that it finds once for each key asked for, so thousands are asked for in parts."""

# Searches with an area by the boxes around their circles, the others by the words, categories and so on of which a task
# has at least one; then by all that they look for. Less than a gram stands for all that begin with it, so the
# beginnings of a task's grams are among what it has. Something empty is added to `search` to have it at hand: a long
# one is packed and stored elsewhere, and would be fetched anew for each search. A person is told once, by whichever of
# their searches is oldest. An area alone means work that is done there, so it leaves remote tasks out.
MATCHING = text(f"""
    WITH task AS MATERIALIZED (
        SELECT id, poster_id, category_id, budget_minor, currency, mode, point, search || ''::tsvector AS search,
            ARRAY[category_id, currency, mode] || tsvector_to_array(search) || ARRAY(
                SELECT DISTINCT left(word, size)
                FROM unnest(tsvector_to_array(search)) AS words(word), generate_series(1, {GRAM - 1}) AS size
                WHERE word ~ '^[{UNSPACED}]'
            ) AS keys
        FROM tasks
        WHERE id = :task_id AND status = 'OPEN' AND (expires_at IS NULL OR expires_at > :now)
            AND NOT is_hidden
    ), several AS MATERIALIZED (
        SELECT array_agg(key) AS keys
        FROM (
            SELECT key, row_number() OVER (ORDER BY key) / {KEYS_AT_ONCE} AS number FROM task, unnest(keys) AS keys(key)
        ) AS numbered
        GROUP BY number
    ), found AS (
        SELECT saved.owner_id, saved.id, task.id AS task_id, task.poster_id, true AS is_near
        FROM task JOIN saved_searches AS saved
            ON saved.reach && task.point AND ST_DWithin(saved.center, task.point, saved.radius_meters, false)
        WHERE COALESCE(saved.mode, 'ONSITE') = task.mode
            AND (saved.category_ids = '{{}}' OR task.category_id = ANY(saved.category_ids))
            AND (saved.currency IS NULL OR saved.currency = task.currency AND saved.budget_minor <= task.budget_minor)
            AND (saved.query IS NULL OR task.search @@ saved.query)
        UNION ALL
        SELECT saved.owner_id, saved.id, task.id, task.poster_id, false
        FROM task, several JOIN saved_searches AS saved ON saved.latitude IS NULL AND saved.keys && several.keys
        WHERE (saved.mode IS NULL OR saved.mode = task.mode)
            AND (saved.category_ids = '{{}}' OR task.category_id = ANY(saved.category_ids))
            AND (saved.currency IS NULL OR saved.currency = task.currency AND saved.budget_minor <= task.budget_minor)
            AND (saved.query IS NULL OR task.search @@ saved.query)
    )
    INSERT INTO alerts (task_id, user_id, search_id, is_near, is_pending, found_at)
    SELECT DISTINCT ON (owner_id) task_id, owner_id, id, is_near, true, :now
    FROM found
    WHERE owner_id <> poster_id
        AND NOT EXISTS (SELECT FROM suspensions WHERE user_id = owner_id AND is_suspended)
        AND NOT EXISTS (SELECT FROM blocks WHERE blocker_id = poster_id AND blocked_id = owner_id AND is_blocked)
        AND NOT EXISTS (SELECT FROM blocks WHERE blocker_id = owner_id AND blocked_id = poster_id AND is_blocked)
    ORDER BY owner_id, id
    ON CONFLICT (task_id, user_id) DO NOTHING
""")  # noqa: S608 - nothing of it comes from outside


@dataclass(frozen=True, slots=True)
class Matter:
    """What of a task searches look at."""

    category_id: str
    budget_minor: int
    currency: str
    mode: str
    status: str
    latitude: float | None
    longitude: float | None
    words: str | None


_MATTER = text("""
    SELECT category_id, budget_minor, currency, mode, status, latitude, longitude, search::text AS words
    FROM tasks WHERE id = :task_id
""")


async def get_matter(session: AsyncSession, task_id: str) -> Matter | None:
    row = (await session.execute(_MATTER, {"task_id": task_id})).one_or_none()
    return Matter(*row) if row is not None else None


async def find(session: AsyncSession, task_id: str, now: datetime) -> None:
    """Notes whom a task is to be told to, if it is open; who was told of it before is not told again."""
    await session.execute(MATCHING, {"task_id": task_id, "now": now})


async def take_pending(session: AsyncSession, task_id: str, most: int) -> Sequence[models.Alert]:
    """Marks some of a task's alerts as told, and answers with them by person."""
    next_ones = (
        select(col(Alert.task_id), col(Alert.user_id))
        .where(col(Alert.task_id) == task_id, _PENDING)
        .order_by(col(Alert.user_id))
        .limit(most)
    )
    statement = (
        update(Alert)
        .where(tuple_(col(Alert.task_id), col(Alert.user_id)).in_(unlocked(next_ones)))
        .values(is_pending=False)
        .returning(Alert)
    )
    return sorted((await session.scalars(statement)).all(), key=lambda alert: alert.user_id)


async def drop_pending(session: AsyncSession, task_id: str) -> None:
    """Nobody is told of a task any more."""
    await session.execute(delete(Alert).where(col(Alert.task_id) == task_id, _PENDING))


async def drop_pending_of(session: AsyncSession, user_id: str, search_id: str) -> Sequence[str]:
    """A person is not told any more what this search found. The tasks that are concerned, in order."""
    mine = col(Alert.user_id) == user_id, col(Alert.search_id) == search_id
    dropped = await session.scalars(delete(Alert).where(_PENDING, *mine).returning(col(Alert.task_id)))
    return sorted(dropped)


async def forget(session: AsyncSession, task_id: str) -> None:
    """Deletes who was told of a task."""
    await session.execute(delete(Alert).where(col(Alert.task_id) == task_id))


async def list_unwelcome(session: AsyncSession, poster_id: str, user_ids: Sequence[str]) -> Collection[str]:
    """Those of the people who must not hear of this poster's tasks now: suspended, or one has blocked the other."""
    rows = await session.scalars(_UNWELCOME, {"poster_id": poster_id, "user_ids": list(user_ids)})
    return set(rows)


_PENDING = text("is_pending")
_UNWELCOME = text("""
    SELECT user_id FROM suspensions WHERE is_suspended AND user_id = ANY(:user_ids)
    UNION SELECT blocked_id FROM blocks WHERE is_blocked AND blocker_id = :poster_id AND blocked_id = ANY(:user_ids)
    UNION SELECT blocker_id FROM blocks WHERE is_blocked AND blocked_id = :poster_id AND blocker_id = ANY(:user_ids)
""").bindparams(bindparam("user_ids", type_=ARRAY(Text)))
