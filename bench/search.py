"""Searches, maps and alerts at 10,000, 100,000 and 1,000,000 tasks: the time that PostgreSQL takes for them.

PostgreSQL says it itself (EXPLAIN ANALYZE), planning included, of the statements that the subgraphs' stores build.
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
from rich.console import Console

from bench.figures import Figure
from bench.statements import ROUNDS, WARM_UP, Statement, figures_of, text, times
from bench.system import System
from deploy.local import postgres_server, scale
from deploy.local.scale_texts import name
from shared import clock
from shared.errors import BadRequest
from shared.geo import Point
from shared.money import CurrencyCode
from shared.text_search.query import parse
from subgraphs.locations import rules as locations_rules
from subgraphs.locations import store as locations
from subgraphs.tasks import store as tasks
from subgraphs.tasks.rules.tasks import Mode, Status

SIZES = (10_000, 100_000, 1_000_000)
_RADIUS_METERS = 10_000.0
_PAGE = 20
_LEAST_ZOOM, _FIRST_ZOOM = 2, 5
_WORDS = (
    "tools", "garden", "kitchen paint", "clean", "cleaning flat", '"painted last year"', "wardrobe or furniture -dog",
    "repair", "station", "mother", "photos video", "moving house", "fence ladder", "-dog bathroom", "invoice tax",
    "แอร์", "ที่จอดรถ", "ซ่อม", "ใบเสร็จรับเงิน",
)  # fmt: skip
_MISSPELT = ("gardn", "kitchn", "clening", "furnitur", "pluming", "assembley", "paintting", "repiar", "photgraphy")

_ON_THE_MAP = """
    SELECT id, poster_id, category_id, latitude, longitude FROM tasks
    WHERE status = 'OPEN' AND latitude IS NOT NULL ORDER BY md5(id) LIMIT $1
"""


async def measure(system: System, console: Console) -> list[Figure]:
    """Loads tasks up to each size, one after the other, and measures."""
    address = partial(postgres_server.database_url, system.stack.instance)
    figures: list[Figure] = []
    loaded = 0
    for number, size in enumerate(SIZES, 1):
        console.print(f"  Loading tasks up to {size:,} …")
        await scale.load(address, size - loaded, number, lambda count: None)
        loaded = size
        async with system.superuser("tasks") as tasks_db, system.superuser("locations") as locations_db:
            # As autovacuum would a little later.
            for connection in (tasks_db, locations_db):
                await connection.execute("SET max_parallel_workers_per_gather = 0; SET jit = off")
                await connection.execute("VACUUM ANALYZE")
            figures += await _measured(size, tasks_db, locations_db)
    return figures


async def _measured(size: int, tasks_db: asyncpg.Connection, locations_db: asyncpg.Connection) -> list[Figure]:
    randomly = random.Random(size)
    cities = scale.Cities()
    query = "SELECT parent_id, array_agg(id) FROM categories WHERE parent_id IS NOT NULL GROUP BY parent_id"
    families = [tuple(sorted(row[1])) for row in await tasks_db.fetch(query)]
    on_the_map = await locations_db.fetch(_ON_THE_MAP, WARM_UP + ROUNDS)
    searches = await locations_db.fetchval("SELECT count(*) FROM saved_searches")
    areas = await locations_db.fetchval("SELECT count(*) FROM service_areas")
    nearby = await times(locations_db, lambda: text(_nearby(cities, randomly)))
    view = await times(locations_db, lambda: text(_view(cities, randomly)))
    taskers = await times(locations_db, lambda: text(_taskers(randomly.choice(on_the_map))))
    matched = await times(locations_db, lambda: _matched(randomly.choice(on_the_map)))
    found = await times(tasks_db, lambda: text(_found(families, randomly)))
    newest = await times(tasks_db, lambda: text(_found(families, randomly, filtered=False)))
    similar = await times(tasks_db, lambda: text(tasks.words.similar_words([randomly.choice(_MISSPELT)])))
    return [
        *figures_of(f"nearbyTasks, {size:,} tasks", nearby, 20, "10 km, 20 results"),
        *figures_of(f"tasksInView, {size:,} tasks", view, 150, "a whole country at zoom 5 or less"),
        *figures_of(f"taskersNear, {size:,} tasks", taskers, None, f"{areas:,} service areas, 20 results"),
        *figures_of(f"Matching a task, {size:,} tasks", matched, 30, f"against {searches:,} saved searches"),
        *figures_of(f"Text search, {size:,} tasks", found, 50, "by relevance, two filters"),
        *figures_of(f"Text search, {size:,} tasks", newest, None, "by relevance, no filter"),
        *figures_of(f"Words like a misspelt one, {size:,} tasks", similar, None, "before a search"),
    ]


def _nearby(cities: scale.Cities, randomly: random.Random) -> Statement:
    city = cities.choose(randomly)
    center = locations_rules.geometry.moved(city.point, randomly.uniform(0, 360), randomly.uniform(0, 5_000))
    wanted = locations.nearby.Filter()
    window = locations.nearby.order(center, _RADIUS_METERS, wanted).window(_PAGE, None, None, None)
    return locations.nearby.page_of(locations.nearby.nearby(center, _RADIUS_METERS, wanted), window)


def _taskers(task: asyncpg.Record) -> Statement:
    """The first page of who works where a task is."""
    point = Point(task["latitude"], task["longitude"])
    work = locations.service_areas.Work(task["id"], task["poster_id"], task["category_id"], point)
    window = locations.service_areas.order(work).window(_PAGE, None, None, None)
    return window.select(locations.service_areas.near(work))


def _matched(task: asyncpg.Record) -> str:
    """A task that is new against all saved searches."""
    return locations.alerts.MATCHING.text.replace(":task_id", f"'{task['id']}'").replace(":now", "now()")


def _view(cities: scale.Cities, randomly: random.Random) -> Statement:
    """All of a country, as near as it can be shown from zoom 5 on."""
    country = randomly.choice(cities.all).country
    points = [city.point for city in cities.all if city.country == country]
    south_west = Point(min(point.latitude for point in points), min(point.longitude for point in points))
    north_east = Point(max(point.latitude for point in points), max(point.longitude for point in points))
    for zoom in range(_FIRST_ZOOM, _LEAST_ZOOM, -1):
        try:
            return locations.maps.counted(locations_rules.maps.view_of(south_west, north_east, zoom))
        except BadRequest:
            continue
    return locations.maps.counted(locations_rules.maps.view_of(south_west, north_east, _LEAST_ZOOM))


def _found(families: Sequence[tuple[str, ...]], randomly: random.Random, *, filtered: bool = True) -> Statement:
    words = randomly.choice((*_WORDS, name(randomly.randrange(20_000)), name(randomly.randrange(100))))
    query = parse(words, field=("text",))
    family, mode = randomly.choice(families), randomly.choice(list(Mode))
    budget = randomly.randrange(100, 500) * 100
    since = clock.now() - timedelta(days=randomly.randrange(1, 15))
    filters: tuple[dict[str, Any], ...] = (
        {"category_ids": family, "mode": Mode.ONSITE},
        {"category_ids": family, "currency": CurrencyCode.EUR, "budget_min_minor": budget},
        {"category_ids": (randomly.choice(family),), "currency": CurrencyCode.EUR, "budget_max_minor": budget},
        {
            "mode": mode, "currency": CurrencyCode.EUR, "budget_min_minor": budget, "budget_max_minor": budget + 20_000,
        },
        {"mode": mode, "posted_after": since},
    )  # fmt: skip
    wanted = tasks.search.Filter(query=query, status=Status.OPEN, **(randomly.choice(filters) if filtered else {}))
    window = tasks.relevance.order(wanted).window(_PAGE, None, None, None)
    return tasks.relevance.page(wanted, query, window, tasks.relevance.Bounds("", clock.now()))
