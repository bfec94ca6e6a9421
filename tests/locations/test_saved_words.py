"""What saved searches find by words: the same as a search in `tasks` for them, in every script."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from shared import clock
from shared.database.db import Database
from shared.errors import InvalidInput
from shared.geo import Point
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.text_search.query import UNSPACED, parse
from subgraphs.locations import actions, store
from subgraphs.locations.rules.saved_searches import Area, words_of
from subgraphs.tasks.models import Task
from subgraphs.tasks.store.search import Filter
from tests.conftest import SettingsFor
from tests.locations.conftest import BANGKOK, Locations
from tests.locations.searching import CREATE, SavedSearches
from tests.support.messaging import sql

FENCE = "ต้องการช่างทาสีรั้วบ้านสองชั้น"


@pytest.mark.parametrize("area", [{}, {"center": BANGKOK, "radiusMeters": 5_000.0}], ids=["anywhere", "near"])
@pytest.mark.parametrize(
    ("words", "title", "is_found"),
    [
        ("รั้ว", FENCE, True),
        ("ทาสีรั้ว", FENCE, True),
        ("รั้วบ้าน ช่าง", FENCE, True),
        ("รั้ว หลังคา", FENCE, False),
        ("ทา", FENCE, True),
        ("ท", FENCE, True),
        ("ทอ", FENCE, False),
        ("掃除", "エアコンの掃除をお願いします", True),
        ("除", "エアコンの掃除をお願いします", True),
        ("掃機", "エアコンの掃除をお願いします", False),
        ("塀 ペンキ", "庭の塀にペンキを塗ってください", True),
        ("空调", "需要修理家里的空调两台谢谢", True),
        ("paint รั้ว", "Painting: ทาสีรั้วบ้าน", True),
        ("paint รั้ว", FENCE, False),
        ("paint รั้ว", "Paint the fence", False),
        ("ล้างair", "ล้าง air conditioner สองเครื่อง", True),
        ('"ซ่อมแอร์บ้าน"', "ต้องการช่างซ่อมแอร์บ้าน", True),
        ('"paint the fence" รั้ว', "Paint the fence รั้ว", True),
        ('"paint the fence" รั้ว', "Fence to paint รั้ว", False),
        ("ช่าง -รั้ว", FENCE, False),
        ("ช่าง -รั้ว", "ต้องการช่างซ่อมแอร์บ้าน", True),
        ("ช่าง -ทา", FENCE, False),
        ("หลังคา or รั้ว", FENCE, True),
        ("roof or รั้ว", FENCE, True),
        ("roof or หลังคา", FENCE, False),
        ("забор", "Покрасить забор на даче", True),
    ],
)
async def test_words_of_every_script_find_tasks(
    locations: Locations, area: dict[str, object], words: str, title: str, is_found: bool
) -> None:
    searches = SavedSearches(locations)
    person = new_id("user")
    await searches.save(person, words=words, **area)

    task = await searches.post(at=BANGKOK, title=title, description="And nothing else at all.")

    assert await searches.told(task) == ([person] if is_found else [])


async def test_a_word_of_the_description_is_found(locations: Locations) -> None:
    searches = SavedSearches(locations)
    person = new_id("user")
    await searches.save(person, words="รั้ว")

    task = await searches.post(title="Something for the garden", description=f"Please: {FENCE}.")

    assert await searches.told(task) == [person]


@pytest.mark.parametrize("words", ["-รั้ว", "รั้ว or -หลังคา", "-ท", "the -รั้ว", "- or -空调", "the or -รั้ว"])
async def test_what_any_task_may_have_is_refused_in_every_script(locations: Locations, words: str) -> None:
    payload = (await locations.act(new_id("user"), CREATE, input={"name": "Fences", "words": words}))[
        "createSavedSearch"
    ]

    assert payload == {
        "savedSearch": None,
        "userErrors": [
            {
                "code": "INVALID_INPUT",
                "message": "Give at least one word that the tasks must have.",
                "field": ["words"],
            }
        ],
    }
    assert await locations.sql("SELECT id FROM saved_searches") == []


async def test_a_search_that_was_saved_is_looked_up_by_what_a_task_must_have(locations: Locations) -> None:
    await SavedSearches(locations).save(new_id("user"), words="paints รั้ว or ทา -空调 or 'x")

    ((query, keys),) = await locations.sql("SELECT CAST(query AS text), keys FROM saved_searches")

    assert query == "'paint' & 'รั้' & 'ั้ว' | 'ทา':* & !'空调':* | 'x'"
    assert keys == ["paint", "x", "ทา"]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ("'fenc'", {"fenc"}),
        ("'red' & 'fenc' & 'hut'", {"fenc"}),
        ("'fenc' <-> 'red' | 'hut'", {"fenc", "hut"}),
        ("'ก':* & 'ab'", {"ab"}),
        ("'ก':* & 'ทา':*", {"ทา"}),
        ("( 'fenc' | 'hut' ) & 'red'", {"fenc", "hut"}),
        ("'o''brien | b' | 'ab\\\\cd'", {"o'brien | b", "ab\\cd"}),
    ],
)
def test_a_search_is_looked_up_by_one_word_of_each_alternative(tree: str, words: set[str]) -> None:
    assert words_of(tree) == words


_formulas = st.recursive(
    st.sampled_from("abcde").map(lambda word: f"'{word * (ord(word) - 96)}'"),
    lambda parts: st.builds("( {} {} {} )".format, parts, st.sampled_from("&|"), parts),
    max_leaves=8,
)


@given(tree=_formulas, has=st.sets(st.sampled_from(["a", "bb", "ccc", "dddd", "eeeee"])))
def test_what_meets_a_query_has_one_of_the_words_that_it_is_looked_up_by(tree: str, has: set[str]) -> None:
    held = re.sub(r"'(\w+)'", lambda word: str(word[1] in has), tree).replace("&", "and").replace("|", "or")

    assert not eval(held) or words_of(tree) & has  # noqa: S307 - a formula of True and False


# Words that are stemmed or left out, phrases, exclusions, alternatives, scripts without spaces beside others.
TEXTS = [
    ("Paint the fence", "Nothing more to say"),
    ("Painting a garden", "With or without a fence around it, O'Brien said"),
    ("Rosa\\Lee wants a fence in the garden", "ทาสี"),
    (FENCE, "Nothing more to say"),
    ("ต้องการช่างซ่อมแอร์บ้าน", "ด่วนมาก ใกล้รถไฟฟ้า"),
    ("ล้าง air conditioner สองเครื่อง", "ราคา500 บาท"),
    ("ช่าง painted fences", "ทาสีรั้ว"),
    ("エアコンの掃除をお願いします", "塀にペンキを塗る"),
    ("需要修理家里的空调两台谢谢", "Nothing more to say"),
    ("에어컨 청소를 부탁합니다", "Paint"),
    ("Покрасить забор на даче", "ทา"),
]
_pieces = st.sampled_from(
    ["fence", "fences", "painted", '"paint the fence"', '"the fence paint"', "-garden", '-"garden fence"', "-the",
     "the", "or", "or", "o'brien", "rosa\\lee", "ช่าง", "ซ่อมแอร์", "-แอร์", '"ซ่อม"', "แอ", "ท", "-ทา", "掃除", "空",
     "-空调", "청소", "paintรั้ว", '"ช่าง paint', "500", "забор", "''", "\\", ":*", "&"]
)  # fmt: skip
_cuts = st.builds(
    lambda text, start, size: text[start : start + size],
    st.sampled_from([text for both in TEXTS for text in both]),
    st.integers(0, 30),
    st.integers(1, 8),
)


@dataclass
class Both:
    """Both subgraphs' databases with the same tasks."""

    locations: Database
    tasks: Database
    ids: list[str]

    async def found_by_search(self, words: str) -> set[str]:
        """What a search in `tasks` finds, without corrections of typos."""
        conditions = Filter(query=parse(words, field=("text",))).conditions()
        return {row.id for row in await self.tasks.fetch(select(col(Task.id)).where(*conditions))}

    async def found_by_saved_search(self, words: str, area: Area | None) -> set[str]:
        """What a new saved search finds. Raises InvalidInput."""
        actor = Actor(new_id("user"), "session_01jd", frozenset(), frozenset(), clock.now())
        async with self.locations.transaction() as session:
            await actions.saved_searches.create_saved_search(
                session,
                actor,
                name="Words",
                center=area.center if area is not None else None,
                radius_meters=area.radius_meters if area is not None else None,
                words=words,
            )
        async with self.locations.transaction() as session:
            for task_id in self.ids:
                await store.alerts.find(session, task_id, clock.now())
        found = await sql(self.locations, "DELETE FROM alerts WHERE user_id = :id RETURNING task_id", id=actor.id)
        await sql(self.locations, "DELETE FROM saved_searches")
        return {str(task_id) for (task_id,) in found}


@pytest.fixture
async def both(locations: Locations, settings_for: SettingsFor) -> AsyncIterator[Both]:
    tasks = Database(settings_for("tasks"))
    ids = []
    for title, description in TEXTS:
        task = await locations.task(title=title, description=description)
        ids.append(task.id)
        await sql(
            tasks,
            """INSERT INTO tasks (id, poster_id, title, description, category_id, budget_minor, currency, mode, status,
                version, created_at, updated_at, published_at)
            SELECT :id, :poster, :title, :description, min(id), 1, 'EUR', 'ONSITE', 'OPEN', 1, :at, :at, :at
            FROM categories""",
            id=task.id, poster=task.poster_id, title=title, description=description, at=clock.now() - timedelta(days=1),
        )  # fmt: skip
    await SavedSearches(locations).settle()
    await sql(locations.database, "UPDATE tasks SET latitude = :latitude, longitude = :longitude", **BANGKOK)
    yield Both(locations.database, tasks, ids)
    await tasks.close()


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(_pieces | _cuts, min_size=1, max_size=4).map(" ".join),
    area=st.sampled_from([None, Area(Point(**BANGKOK), 5_000.0)]),
)
@example(words="ทา", area=None)
@example(words="ปแอ or 空", area=None)
async def test_a_saved_search_finds_what_a_search_finds(both: Both, words: str, area: Area | None) -> None:
    try:
        found = await both.found_by_saved_search(words, area)
    except InvalidInput:
        # What nearly every task would meet, or none.
        assert "-" in words or await both.found_by_search(words) == set()
        return

    assert found == await both.found_by_search(words)


async def test_both_databases_take_the_scripts_apart_that_searches_do(
    locations: Locations, settings_for: SettingsFor
) -> None:
    tasks = Database(settings_for("tasks"))
    characters = "".join(chr(number) for number in range(1, 0x10000) if not 0xD800 <= number < 0xE000)
    letters = "SELECT letter FROM string_to_table(:all, NULL) AS letters(letter) WHERE grams(letter, 'A') <> ''"
    text = "ล้าง air ทา空调エアコンの掃除 ก"
    for database in (locations.database, tasks):
        taken = {letter for (letter,) in await sql(database, letters, all=characters)}
        assert taken == set(re.findall(f"[{UNSPACED}]", characters))
        ((pieces,),) = await sql(database, "SELECT tsvector_to_array(grams(:text, 'A'))", text=text)
        assert isinstance(pieces, list)
        assert {"ล้า", "าง", "ง", "ทา空", "空调エ", "の掃除", "除", "ก"} <= set(pieces)
    await tasks.close()
