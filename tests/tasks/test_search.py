"""Search: syntax, scripts, typos, relevance, and pages that stay whole while tasks come and go."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shared import clock
from shared.errors import BadRequest
from shared.ids import new_id
from subgraphs.tasks.rules import search
from tests.tasks.conftest import UPDATE, Tasks

PAGE = """
    query($filter: TaskFilter, $sort: TaskSort!, $first: Int, $after: String, $last: Int, $before: String) {
      tasks(filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { id } } pageInfo { hasNextPage endCursor startCursor hasPreviousPage } totalCount
      }
    }
"""
DESCRIPTION = "Please bring all that you need for it with you."


async def post(tasks: Tasks, title: str, description: str = DESCRIPTION, **changes: Any) -> str:
    task_id: str = (await tasks.open(new_id("user"), title=title, description=description, **changes))["id"]
    return task_id


async def ask(tasks: Tasks, words: str, sort: str = "RELEVANCE", **arguments: Any) -> dict[str, Any]:
    wanted = {"text": words} | arguments.pop("filter", {})
    answer = await tasks.served.execute(PAGE, {"filter": wanted, "sort": sort, **arguments})
    assert "errors" not in answer, answer
    page: dict[str, Any] = answer["data"]["tasks"]
    return page


async def found(tasks: Tasks, words: str, **arguments: Any) -> list[str]:
    return [edge["node"]["id"] for edge in (await ask(tasks, words, **arguments))["edges"]]


async def test_titles_come_before_descriptions(tasks: Tasks) -> None:
    described = await post(tasks, "Something for the garden", "The wardrobe has to be carried down the stairs.")
    titled = await post(tasks, "Assemble a wardrobe for me")
    both = await post(tasks, "Assemble wardrobe and wardrobe", "A wardrobe, and another wardrobe, of oak.")
    await post(tasks, "Walk the dog every day")

    assert await found(tasks, "wardrobes") == [both, titled, described]
    assert (await ask(tasks, "wardrobes"))["totalCount"] == 3
    assert await found(tasks, "assembling wardrobe") == [both, titled]
    assert await found(tasks, '"carried down" or oak') in ([both, described], [described, both])
    assert await found(tasks, "wardrobe -oak -stairs") == [titled]
    assert await found(tasks, '-"oak" wardrobe') == [titled, described]


async def test_filters_narrow_what_is_found(tasks: Tasks) -> None:
    painting, logos = tasks.categories["painting"], tasks.categories["logos-and-branding"]
    near = await post(tasks, "Paint the kitchen in blue", categoryId=painting, mode="ONSITE")
    far = await post(tasks, "Paint the kitchen in red", categoryId=logos, mode="REMOTE")

    assert await found(tasks, "kitchen", filter={"categoryIds": [painting]}) == [near]
    assert await found(tasks, "kitchen", filter={"categoryIds": [tasks.categories["home-improvement"]]}) == [near]
    assert await found(tasks, "kitchen", filter={"mode": "REMOTE", "categoryIds": [logos]}) == [far]
    assert await found(tasks, "kitchen", filter={"mode": "REMOTE", "categoryIds": [painting]}) == []


@pytest.mark.parametrize("words", ["fense", "fecne", "fencee", "fnce", "FENSE", "paint fense", "gardn fence"])
async def test_a_misspelt_word_finds_what_it_is_like(tasks: Tasks, words: str) -> None:
    fence = await post(tasks, "Paint the garden fence")
    await post(tasks, "Walk the dog every day")

    assert await found(tasks, words) == [fence]


async def test_a_misspelt_word_may_be_in_any_alphabet(tasks: Tasks) -> None:
    fence = await post(tasks, "Покрасить забор на даче")

    assert await found(tasks, "забро") == [fence]


async def test_only_what_may_be_misspelt_is_corrected(tasks: Tasks) -> None:
    await post(tasks, "Paint the garden fence")

    for words in ('"fense"', "-fense paint garden fence fecne -fence", "fen", "1234", "sofa", "fxnxe"):
        assert await found(tasks, words) == [], words
    # A word that somebody's title has is meant as it is.
    sense = await post(tasks, "Make sense of my tax papers")
    assert await found(tasks, "sense") == [sense]


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("ต้องการช่างซ่อมแอร์บ้าน", "ซ่อมแอร์"),
        ("ต้องการช่างซ่อมแอร์บ้าน", "แอร์"),
        ("ต้องการช่างซ่อมแอร์บ้าน", "ช่าง บ้าน"),
        ("ต้องการช่างซ่อมแอร์บ้าน", '"ซ่อมแอร์บ้าน"'),
        ("ต้องการช่างซ่อมแอร์บ้าน", "ทาสี or ซ่อม"),
        ("ล้าง air conditioner สองเครื่อง", "ล้างair"),
        ("需要修理家里的空调两台谢谢", "空调"),
        ("需要修理家里的空调两台谢谢", "修"),
        ("エアコンの掃除をお願いします", "エアコン"),
        ("Покрасить забор на даче", "забор"),
        ("Nettoyer l'été à Besançon", "besançon"),
    ],
)
async def test_other_scripts_are_found(tasks: Tasks, title: str, words: str) -> None:
    task = await post(tasks, title)
    await post(tasks, "รับจ้างพาสุนัขเดินเล่น")

    assert await found(tasks, words) == [task]
    assert await found(tasks, f"{title} -{words.split()[-1]}") == []


@pytest.mark.parametrize(
    "words",
    ["& | ! ()", "-", '"', '""', "or", "or or -", "---", "' OR 1=1 --", "\\", "%", "🎉", "🎉 -🎉", ":*", "the", "-the",
     "<-> a:*", "\u0301", "$1 :a", "%s %(a)s", "';", "a" * 200, "กกก" * 60, "ก", "or " * 60],
)  # fmt: skip
async def test_nonsense_finds_nothing(tasks: Tasks, words: str) -> None:
    await post(tasks, "Paint the garden fence")

    assert await found(tasks, words) == []
    await ask(tasks, words, sort="NEWEST")


@pytest.mark.parametrize(
    "words", ["word " * 10_000, "x " * 21, "x" * 201, "a\u0000b", "a\u0008b", "a\u202eb", "a\nb", "e" + "\u0301" * 31]
)
async def test_what_is_no_search_is_refused(tasks: Tasks, words: str) -> None:
    answer = await tasks.served.execute(PAGE, {"filter": {"text": words}, "sort": "RELEVANCE"})

    assert answer["data"] in (None, {"tasks": None})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]


async def test_relevance_takes_words(tasks: Tasks) -> None:
    for wanted in (None, {}, {"text": None}, {"text": "  "}):
        answer = await tasks.served.execute(PAGE, {"filter": wanted, "sort": "RELEVANCE"})
        assert answer["data"] == {"tasks": None}
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]


async def test_cursors_are_of_one_question(tasks: Tasks) -> None:
    for number in range(3):
        await post(tasks, f"Paint the fence number {number}")
    cursor = (await ask(tasks, "fence", first=1))["pageInfo"]["endCursor"]
    other = (await ask(tasks, "fence", first=1))["pageInfo"]["endCursor"]

    assert len((await ask(tasks, "fence", after=cursor))["edges"]) == 2
    for variables in (
        {"filter": {"text": "fences"}, "after": cursor},
        {"filter": {"text": "fence", "mode": "ONSITE"}, "after": cursor},
        {"filter": {"text": "fence"}, "after": cursor[:-4] + "AAAA"},
        {"filter": {"text": "fence"}, "after": cursor.swapcase()},
        {"filter": {"text": "fence"}, "after": cursor, "before": other},
        {"filter": {"text": "fence"}, "after": cursor, "sort": "NEWEST"},
    ):
        answer = await tasks.served.execute(PAGE, {"sort": "RELEVANCE", **variables})
        assert answer["data"] == {"tasks": None}, variables
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"], variables


async def test_pages_stay_with_what_a_word_was_taken_for(tasks: Tasks) -> None:
    fences = {await post(tasks, f"Paint the fence number {number}") for number in range(3)}
    first = await ask(tasks, "fense", first=1)

    await post(tasks, "This one is about a fense")

    rest = await found(tasks, "fense", after=first["pageInfo"]["endCursor"])
    assert {first["edges"][0]["node"]["id"], *rest} == fences
    assert len(await found(tasks, "fense")) == 1


async def test_a_word_goes_with_the_last_title_that_has_it(tasks: Tasks, poster: str) -> None:
    task = await tasks.draft(poster, title="Paint the garden fence")
    assert await words(tasks) == []
    other = await tasks.open(poster, title="Mend the garden gate")
    assert await words(tasks) == ["garden", "gate", "mend"]

    await tasks.act(poster, UPDATE, input={"taskId": task["id"], "expectedVersion": 1, "title": "Paint it all over"})
    await tasks.set(task["id"], status="OPEN", published_at=clock.now())
    assert await words(tasks) == ["garden", "gate", "mend", "over", "paint"]
    change = {"taskId": other["id"], "expectedVersion": other["version"], "title": "Paint Besançon"}
    await tasks.act(poster, UPDATE, input=change)

    assert await words(tasks) == ["besançon", "over", "paint"]


async def words(tasks: Tasks) -> list[str]:
    async with tasks.database.transaction() as session:
        return list(await session.scalars(text("SELECT word FROM words WHERE word <> 'the' ORDER BY word")))


# What happens between two pages: a task comes, one goes, one comes that was published before the first page was read.
changes = st.lists(st.lists(st.sampled_from(["come", "late", "go"]), max_size=3), max_size=8)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    titles=st.lists(st.integers(0, 2), min_size=1, max_size=12),
    size=st.integers(1, 4),
    changes=changes,
    bound=st.sampled_from([3, 6, 1_000]),
    backwards=st.booleans(),
)
async def test_what_stays_comes_exactly_once(
    tasks: Tasks, titles: list[int], size: int, changes: list[list[str]], bound: int, backwards: bool
) -> None:
    poster = new_id("user")
    start = clock.now() - timedelta(days=1)

    async def insert(number: int, published: timedelta) -> str:
        task_id = new_id("task")
        title = ("Paint a fence", "Paint a fence and a fence", "Paint the garden")[number]
        async with tasks.database.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO tasks (id, poster_id, title, description, category_id, budget_minor, currency, mode, "
                    "status, version, created_at, updated_at, published_at) VALUES (:id, :poster, :title, "
                    "'With or without a fence', :category, 1, 'EUR', 'ONSITE', 'OPEN', 1, :at, :at, :at)"
                ),
                {
                    "id": task_id, "poster": poster, "title": title, "category": tasks.categories["painting"],
                    "at": start + published,
                },
            )  # fmt: skip
        return task_id

    made = [await insert(number, timedelta(minutes=at)) for at, number in enumerate(titles)]
    candidates = set(made[-bound:])
    gone: set[str] = set()
    seen: list[str] = []
    cursor: str | None = None
    more, steps = True, iter(changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("subgraphs.tasks.store.relevance.MOST_CANDIDATES", bound)
        while more:
            arguments = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
            page = await ask(tasks, "fence", filter={"posterId": poster}, **arguments)
            seen += [edge["node"]["id"] for edge in page["edges"]]
            more = page["pageInfo"]["hasPreviousPage" if backwards else "hasNextPage"]
            cursor = page["pageInfo"]["startCursor" if backwards else "endCursor"]
            assert not more or len(page["edges"]) == size
            for step in next(steps, []):
                if step == "go" and (left := sorted(candidates - gone)):
                    await tasks.set(left[len(gone) % len(left)], status="CANCELLED")
                    gone.add(left[len(gone) % len(left)])
                elif step == "come":
                    await insert(1, timedelta(days=2))
                elif step == "late":
                    await insert(1, timedelta(hours=1))

    assert len(seen) == len(set(seen))
    assert candidates - gone <= set(seen)
    assert set(made) & set(seen) <= candidates


async def test_a_list_is_of_the_candidates_that_its_first_page_had(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None comes in for one that leaves, and none that is published meanwhile, wherever it would rank."""
    monkeypatch.setattr("subgraphs.tasks.store.relevance.MOST_CANDIDATES", 4)
    older = [await post(tasks, "Something for the garden", "With or without a fence around it.") for _ in range(3)]
    newer = [await post(tasks, f"Paint the garden fence {number}") for number in range(4)]
    first = await ask(tasks, "fence", first=1)
    assert [edge["node"]["id"] for edge in first["edges"]] == newer[-1:]

    await tasks.set(newer[-1], status="CANCELLED")
    later = await post(tasks, "Something else for the garden", "With or without a fence around it.")

    rest = await found(tasks, "fence", after=first["pageInfo"]["endCursor"])
    assert rest == newer[-2::-1]
    assert await found(tasks, "fence") == [*newer[-2::-1], later]
    assert not set(rest) & {*older, later}


# Words that are stemmed or left out, phrases, negations, alternatives, quotation marks, a script without spaces.
_pieces = st.sampled_from(
    ["fence", "fences", "painted", '"paint the fence"', '"the fence paint"', "garden", "-garden", '-"garden fence"',
     '-"paint the garden"', "-the", "the", "or", "o'brien", "rosa\\lee", "ช่าง", "ซ่อมแอร์", "-แอร์", '"ซ่อม"', "แอ"]
)  # fmt: skip
_filters = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["ONSITE", "REMOTE"]),
        "categoryIds": st.lists(st.sampled_from(["painting", "home-improvement", "logos-and-branding"]), max_size=2),
        "budget": st.fixed_dictionaries(
            {"currency": st.sampled_from(["EUR", "THB"])},
            optional={"min": st.sampled_from(["0.01", "20", "99.99"]), "max": st.sampled_from(["99.99", "500"])},
        ),
        "status": st.sampled_from(["OPEN", "EXPIRED"]),
    },
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(_pieces, min_size=1, max_size=5).map(" ".join), filter=_filters)
async def test_relevance_finds_what_other_orders_find(many: Tasks, words: str, filter: dict[str, Any]) -> None:
    wanted = filter | {"categoryIds": [many.categories[slug] for slug in filter.get("categoryIds", [])]}

    relevant = await ask(many, words, first=100, filter=wanted)
    newest = await ask(many, words, first=100, filter=wanted, sort="NEWEST")

    assert sorted(e["node"]["id"] for e in relevant["edges"]) == sorted(e["node"]["id"] for e in newest["edges"])
    assert relevant["totalCount"] == newest["totalCount"]


@pytest.fixture
async def many(tasks: Tasks) -> Tasks:
    """Tasks of each kind, published in the course of 40 days."""
    titles = ["Paint the fence", "Paint the garden", "A fence in the garden", "Paint", "O'Brien's fence", "Rosa\\Lee"]
    titles += ["ต้องการช่างซ่อมแอร์บ้าน", "ช่าง painted fences"]
    slugs, budgets = ["painting", "logos-and-branding", "plumbing"], [1, 1_999, 2_000, 9_999, 50_000]
    async with tasks.database.transaction() as session:
        for number in range(96):
            at = clock.now() - timedelta(hours=10 * number)
            await session.execute(
                text(
                    "INSERT INTO tasks (id, poster_id, title, description, category_id, budget_minor, currency, mode, "
                    "status, version, created_at, updated_at, published_at) VALUES (:id, :poster, :title, "
                    "'Nothing more to say', :category, :budget, :currency, :mode, :status, 1, :at, :at, :at)"
                ),
                {
                    "id": new_id("task"), "poster": new_id("user"), "title": titles[number % 8],
                    "category": tasks.categories[slugs[number % 3]], "budget": budgets[number % 5],
                    "currency": "EUR" if number % 7 else "THB", "mode": "ONSITE" if number % 11 < 6 else "REMOTE",
                    "status": "OPEN" if number % 13 < 9 else "EXPIRED", "at": at,
                },
            )  # fmt: skip
    return tasks


async def test_more_categories_than_the_index_is_asked_for_are_filtered_too(tasks: Tasks) -> None:
    painting = await post(tasks, "Paint the garden fence", categoryId=tasks.categories["painting"])
    await post(tasks, "Paint the garden fence", categoryId=tasks.categories["plumbing"])
    others = [new_id("category") for _ in range(99)]

    assert await found(tasks, "fence", filter={"categoryIds": [tasks.categories["painting"], *others]}) == [painting]
    assert await found(tasks, "fence", filter={"categoryIds": others}) == []


async def test_filters_may_leave_nothing_or_all_times(tasks: Tasks) -> None:
    task = await post(tasks, "Paint the garden fence")

    for words, wanted, expected in (
        ("fence", {"budget": {"currency": "EUR", "min": "500", "max": "100"}}, []),
        ("fence", {"postedAfter": "1900-01-01T00:00:00Z"}, [task]),
        ("fence", {"postedAfter": "2999-12-31T23:59:59Z"}, []),
        ("fence", {"status": "DISPUTED", "postedAfter": "1900-01-01T00:00:00Z"}, []),
        ("the", {"mode": "ONSITE"}, []),
    ):
        assert await found(tasks, words, filter=wanted) == expected, wanted


async def test_a_word_too_long_for_the_index_is_no_hindrance(tasks: Tasks) -> None:
    task = await post(tasks, "Paint the garden fence", "Please mind this one, too: " + "ab" * 1_020)

    assert await found(tasks, "fence") == [task]


_AMOUNTS = [
    digit * 10**zeros + more for zeros in range(13) for digit in (1, 2, 4, 5, 9) for more in (0, 10**zeros // 2)
]


async def test_the_database_takes_the_steps_that_ranges_are_asked_for_by(tasks: Tasks) -> None:
    async with tasks.database.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT amount, tsvector_to_array(terms_of_task('', now(), 'OPEN', 'x', 'ONSITE', 'EUR', amount)) "
                "FROM unnest(CAST(:amounts AS bigint[])) AS amounts(amount)"
            ),
            {"amounts": _AMOUNTS},
        )
        taken = {amount: {term.partition(" ")[2] for term in terms} for amount, terms in rows}

    for amount in _AMOUNTS:
        for least, most in ((None, None), (amount, amount), (amount, None), (None, amount), (amount // 2, amount * 2)):
            steps = search.budget_steps(least, most)
            assert len(taken[amount] & {f"EUR{step}" for step in steps}) == 1, (amount, least, most)
            assert len(taken[amount] & {f"ONSITEEUR{step}" for step in steps}) == 1, (amount, least, most)
        if amount < 10**8:
            beyond = (*search.budget_steps(amount * 2, None), *search.budget_steps(None, amount // 2 - 1))
            assert not taken[amount] & {f"EUR{step}" for step in beyond} or amount < 2, amount


def test_steps_of_budgets_are_few() -> None:
    assert search.budget_steps(None, None) == tuple(map(str, range(1, 11)))
    assert search.budget_steps(20_300, 40_300) == ("5-2", "5-3", "5-4")
    assert search.budget_steps(99_999, 1_999_999) == ("5-9", "6", "7-1")
    assert search.budget_steps(10**12, None) == ("10",)
    assert search.budget_steps(50_000, 10_000) == search.budget_steps(10_000, 9) == ()


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_typos_are_counted_both_ways(one: str, other: str) -> None:
    count = search.typos(one, other)

    assert count == search.typos(other, one)
    assert (count == 0) is (one == other)
    assert abs(len(one) - len(other)) <= count <= max(len(one), len(other))


def test_a_swap_is_one_typo() -> None:
    assert [search.typos("fence", other) for other in ("fecne", "fense", "fnce", "fencee", "fxxce")] == [1, 1, 1, 1, 2]


def test_corrections_survive_a_cursor() -> None:
    corrected = search.corrections(["fense", "wardrob"], {"fense": ["fence", "sense", "door"], "wardrob": ["wardrobe"]})

    assert corrected == {"fense": ("fence", "sense"), "wardrob": ("wardrobe",)}
    assert search.read(search.written(corrected)) == corrected
    assert search.read("") == {}
    for bad in (
        "fense",
        "fense:",
        "fense:a b",
        "fense:fence,fence,fence,fence",
        "fense:fen'e",
        "x:y",
        "fense:fence " * 9,
    ):
        if bad != "fense:fence " * 9:
            with pytest.raises(BadRequest):
                search.read(bad)
