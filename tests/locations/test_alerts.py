"""Who is told of which task: everybody whose saved search finds it, once, and nobody else."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import clock, events
from shared.geo import Point
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.locations.actions import alerts
from subgraphs.locations.rules import neighbourhoods
from subgraphs.locations.rules.geometry import distance_meters, moved
from tests.conftest import Elsewhere
from tests.locations.conftest import BANGKOK, Locations
from tests.locations.searching import DELETE, SavedSearches
from tests.support.messaging import eventually
from tests.support.redelivery import deliver_twice

CATEGORY, OTHER_CATEGORY = new_id("category"), new_id("category")
TASK: dict[str, Any] = {
    "title": "Paint the fence", "description": "Two coats, and mind the roses.", "category_id": CATEGORY,
    "budget": Money(20_000, CurrencyCode.EUR), "mode": "ONSITE",
}  # fmt: skip


@pytest.fixture
def searches(locations: Locations) -> SavedSearches:
    return SavedSearches(locations)


def beside(meters: float) -> dict[str, float]:
    """A point so far east of the task's."""
    point = moved(Point(**BANGKOK), 90, meters)
    return {"latitude": point.latitude, "longitude": point.longitude}


def euro(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


AREA = {"center": BANGKOK, "radiusMeters": 1_000.0}


@pytest.mark.parametrize(
    ("given", "is_found"),
    [
        ({"center": beside(999), "radiusMeters": 1_000.0}, True),
        ({"center": beside(1_001), "radiusMeters": 1_000.0}, False),
        ({"center": beside(199_000), "radiusMeters": 200_000.0}, True),
        ({"center": {"latitude": -13.7, "longitude": -79.5}, "radiusMeters": 200_000.0}, False),
        (AREA | {"mode": "ONSITE"}, True),
        (AREA | {"mode": "REMOTE"}, False),
        (AREA | {"words": "roses"}, True),
        (AREA | {"words": "roof"}, False),
        (AREA | {"words": '"paint the fence" -roof'}, True),
        (AREA | {"words": "fence -roses"}, False),
        (AREA | {"categoryIds": [CATEGORY, OTHER_CATEGORY]}, True),
        (AREA | {"categoryIds": [OTHER_CATEGORY]}, False),
        (AREA | {"minBudget": euro("200.00")}, True),
        (AREA | {"minBudget": euro("200.01")}, False),
        (AREA | {"minBudget": euro("1.00", "USD")}, False),
        ({"words": "painting fences"}, True),
        ({"words": "roof or fence"}, True),
        ({"words": "roof fence"}, False),
        ({"words": '"fence paint"'}, False),
        ({"categoryIds": [CATEGORY]}, True),
        ({"categoryIds": [OTHER_CATEGORY]}, False),
        ({"mode": "ONSITE"}, True),
        ({"mode": "REMOTE"}, False),
        ({"minBudget": euro("199.99")}, True),
        ({"minBudget": euro("1.00", "USD")}, False),
        ({"words": "fence", "categoryIds": [OTHER_CATEGORY]}, False),
        ({"words": "fence", "categoryIds": [CATEGORY], "mode": "ONSITE", "minBudget": euro("1.00")}, True),
    ],
)
async def test_a_task_has_all_that_a_search_looks_for(
    searches: SavedSearches, given: dict[str, Any], is_found: bool
) -> None:
    person = new_id("user")
    saved = await searches.save(person, **given)

    task = await searches.post(at=BANGKOK, **TASK)

    told = {
        "user_id": person, "task_id": task.id, "poster_id": task.poster_id, "saved_search_id": saved["id"],
        "is_near": "center" in given,
    }  # fmt: skip
    assert await searches.alerts() == ([told] if is_found else [])


@pytest.mark.parametrize(("mode", "is_found"), [(None, False), ("ONSITE", False), ("REMOTE", True)])
async def test_an_area_takes_remote_tasks_only_if_it_says_so(
    searches: SavedSearches, mode: str | None, is_found: bool
) -> None:
    person = new_id("user")
    await searches.save(person, **AREA, mode=mode)
    anywhere = new_id("user")
    await searches.save(anywhere, words="fence", mode=mode)

    task = await searches.post(at=BANGKOK, **TASK | {"mode": "REMOTE"})

    assert await searches.told(task) == sorted(
        ([person] if is_found else []) + ([anywhere] if mode != "ONSITE" else [])
    )


async def test_an_area_finds_no_task_that_is_nowhere(searches: SavedSearches) -> None:
    await searches.save(new_id("user"), **AREA)

    assert await searches.told(await searches.post(**TASK)) == []


async def test_areas_reach_over_the_antimeridian_and_the_poles(searches: SavedSearches) -> None:
    near, over, far = new_id("user"), new_id("user"), new_id("user")
    await searches.save(near, center={"latitude": 0, "longitude": 179.99}, radiusMeters=5_000)
    await searches.save(far, center={"latitude": 0, "longitude": 179.9}, radiusMeters=5_000)
    await searches.save(over, center={"latitude": 89.99, "longitude": -90}, radiusMeters=5_000)

    assert await searches.told(await searches.post(at={"latitude": 0, "longitude": -179.99}, **TASK)) == [near]
    assert await searches.told(await searches.post(at={"latitude": 89.99, "longitude": 90}, **TASK)) == [over]


async def test_a_person_with_many_searches_is_told_once(searches: SavedSearches) -> None:
    person = new_id("user")
    for given in (AREA, {"words": "fence"}, AREA | {"words": "paint"}):
        await searches.save(person, **given)

    assert await searches.told(await searches.post(at=BANGKOK, **TASK)) == [person]


async def test_nobody_is_told_of_their_own_task_or_of_one_of_somebody_who_is_blocked_or_suspended(
    searches: SavedSearches, elsewhere: Elsewhere
) -> None:
    poster, blocker, blocked, suspended, unblocked, reinstated, other = people = [new_id("user") for _ in range(7)]
    for person in people:
        await searches.save(person, words="fence")
    await deliver_twice(
        elsewhere,
        "locations",
        events.UserBlocked(user_id=blocker, blocked_id=poster),
        events.UserBlocked(user_id=poster, blocked_id=blocked),
        events.UserSuspended(user_id=suspended, reason="Spam"),
        events.UserBlocked(user_id=unblocked, blocked_id=poster),
        events.UserUnblocked(user_id=unblocked, blocked_id=poster),
        events.UserSuspended(user_id=reinstated, reason="Spam"),
        events.UserReinstated(user_id=reinstated),
    )

    expected = {
        poster: [unblocked, reinstated, other],
        suspended: [],
        other: [poster, blocker, blocked, unblocked, reinstated],
    }
    for author, told in expected.items():
        task = await searches.post(author, **TASK)
        assert await searches.told(task) == sorted(told)
        # Nor does anybody else count as told, who may hear of it once they may.
        noted = await searches.sql("SELECT user_id FROM alerts WHERE task_id = :id ORDER BY user_id", id=task.id)
        assert noted == [(person,) for person in sorted(told)]


async def test_a_change_that_fits_is_told_to_those_who_were_not_told_before(searches: SavedSearches) -> None:
    painter, roofer = new_id("user"), new_id("user")
    await searches.save(painter, words="fence")
    await searches.save(roofer, words="roof")
    task = await searches.post(**TASK)

    for version, changes in enumerate(
        ({"title": "Paint the fence and the roof"}, {"title": "Paint the roof"}, {"title": "Paint the fence"}), start=2
    ):
        await searches.locations.hear(task.model_copy(update={"version": version, **changes}))
        await searches.settle()

    assert [alert["user_id"] for alert in await searches.alerts()] == [painter, roofer]


async def test_what_changes_nothing_that_searches_look_at_has_nothing_matched(searches: SavedSearches) -> None:
    task = await searches.post(**TASK)
    late = new_id("user")
    await searches.save(late, words="fence")

    await searches.locations.hear(task)
    await searches.locations.hear(task.model_copy(update={"version": 2, "requirements": ("A brush",)}))

    assert await searches.sql("SELECT kind FROM deadlines") == []
    assert await searches.alerts() == []


async def test_an_expired_task_that_is_posted_again_is_told_to_those_who_were_not_told_before(
    searches: SavedSearches,
) -> None:
    early, late = new_id("user"), new_id("user")
    await searches.save(early, words="fence")
    task = await searches.post(**TASK)
    await searches.locations.hear(task.model_copy(update={"version": 2, "status": "EXPIRED"}))
    await searches.save(late, words="fence")

    await searches.locations.hear(task.model_copy(update={"version": 3}))
    await searches.settle()

    assert [alert["user_id"] for alert in await searches.alerts()] == [early, late]


@pytest.mark.parametrize("changes", [{"status": "DRAFT", "published_at": None}, {"status": "ASSIGNED"}])
async def test_nobody_is_told_of_a_task_that_is_not_open(searches: SavedSearches, changes: dict[str, Any]) -> None:
    await searches.save(new_id("user"), words="fence")

    await searches.post(**TASK | changes)

    assert await searches.alerts() == []


async def test_events_that_come_again_tell_nobody_again(searches: SavedSearches, elsewhere: Elsewhere) -> None:
    person = new_id("user")
    await searches.save(person, words="fence")
    task = await searches.post(**TASK)
    again = task.model_copy(update={"id": new_id("task")})

    await deliver_twice(elsewhere, "locations", events.TaskPublished(task=again), events.TaskUpdated(task=again))
    await searches.settle()
    await searches.match(again.id)

    assert [alert["user_id"] for alert in await searches.alerts()] == [person, person]
    assert await searches.told(again) == [person]


async def test_thousands_are_told_in_steps_each_once_though_steps_fail(
    searches: SavedSearches, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = sorted(new_id("user") for _ in range(25))
    for person in people:
        await searches.save(person, words="fence")
    monkeypatch.setattr(alerts, "ALERTS_AT_ONCE", 10)
    steps, emit = [0], alerts.emit

    async def failing(session: Any, event: events.Event) -> int:
        steps[0] += 1
        if steps[0] in (5, 17, 18):
            raise ConnectionError("the process dies here")
        return await emit(session, event)

    monkeypatch.setattr(alerts, "emit", failing)
    task = await searches.locations.task(**TASK)
    await searches.settle()

    assert steps[0] > 25
    assert [alert["user_id"] for alert in await searches.alerts()] == people
    assert await searches.told(task) == people


async def _find(searches: SavedSearches, task: events.TaskSnapshot) -> None:
    """Notes whom a task is to be told to, and tells nobody."""
    async with searches.locations.database.transaction() as session:
        await alerts.store.alerts.find(session, task.id, clock.now())


async def _pending(searches: SavedSearches, people: list[str]) -> tuple[events.TaskSnapshot, dict[str, str]]:
    """A task that people are to be told of and were not told of yet, and their searches."""
    task = await searches.post(**TASK)
    saved = {person: (await searches.save(person, words="fence"))["id"] for person in people}
    await _find(searches, task)
    assert len(await searches.sql("SELECT 1 FROM alerts WHERE is_pending")) == len(people)
    return task, saved


async def _tell(searches: SavedSearches, task: events.TaskSnapshot) -> None:
    async with searches.locations.database.transaction() as session:
        await alerts.alert_some(session, task.id, clock.now())


async def test_a_step_tells_no_more_than_it_may_whatever_the_planner_thinks_of_the_table(
    searches: SavedSearches,
) -> None:
    people = sorted(new_id("user") for _ in range(5))
    task, _ = await _pending(searches, people[:1])
    await searches.sql("ANALYZE alerts")
    for person in people[1:]:
        await searches.save(person, words="fence")
    await _find(searches, task)

    for expected in (people[:2], people[2:4], people[4:]):
        async with searches.locations.database.transaction() as session:
            taken = await alerts.store.alerts.take_pending(session, task.id, 2)
        assert [alert.user_id for alert in taken] == expected


async def test_who_may_not_hear_of_it_any_more_is_not_told(searches: SavedSearches, elsewhere: Elsewhere) -> None:
    blocker, suspended, deleting, leaving, other = people = [new_id("user") for _ in range(5)]
    task, saved = await _pending(searches, people)

    await deliver_twice(
        elsewhere,
        "locations",
        events.UserBlocked(user_id=blocker, blocked_id=task.poster_id),
        events.UserSuspended(user_id=suspended, reason="Spam"),
        events.UserErased(user_id=leaving),
    )
    await searches.act(deleting, DELETE, input={"savedSearchId": saved[deleting]})
    await searches.settle()
    await _tell(searches, task)

    assert await searches.told(task) == [other]
    assert await searches.sql("SELECT 1 FROM alerts WHERE is_pending") == []


async def test_a_suspended_posters_task_is_told_when_the_suspension_ends_to_whom_it_was_not_told(
    searches: SavedSearches, elsewhere: Elsewhere
) -> None:
    early, waiting, late = new_id("user"), new_id("user"), new_id("user")
    await searches.save(early, words="fence")
    task = await searches.post(**TASK)
    await searches.save(waiting, words="fence")
    await _find(searches, task)

    await deliver_twice(elsewhere, "locations", events.UserSuspended(user_id=task.poster_id, reason="Spam"))
    await _tell(searches, task)
    await searches.save(late, words="fence")
    await searches.match(task.id)
    assert [alert["user_id"] for alert in await searches.alerts()] == [early]

    await deliver_twice(elsewhere, "locations", events.UserReinstated(user_id=task.poster_id))
    await searches.settle()
    assert sorted(alert["user_id"] for alert in await searches.alerts()) == sorted([early, waiting, late])


async def test_deleting_one_search_leaves_what_another_one_found(searches: SavedSearches) -> None:
    person = new_id("user")
    task, saved = await _pending(searches, [person])
    await searches.save(person, words="paint")

    await searches.act(person, DELETE, input={"savedSearchId": saved[person]})
    await searches.settle()

    assert await searches.told(task) == [person]


async def test_nobody_is_told_of_a_task_that_was_taken_meanwhile(searches: SavedSearches) -> None:
    task, _ = await _pending(searches, [new_id("user")])
    await searches.locations.hear(task.model_copy(update={"version": 2, "status": "ASSIGNED"}))

    await _tell(searches, task)

    assert await searches.alerts() == []
    assert await searches.sql("SELECT 1 FROM alerts") == []


async def test_who_was_told_is_forgotten_once_the_task_is_over(searches: SavedSearches) -> None:
    await searches.save(new_id("user"), words="fence")
    task = await searches.post(**TASK)
    assert len(await searches.sql("SELECT 1 FROM alerts")) == 1

    await searches.locations.hear(task.model_copy(update={"version": 2, "status": "CANCELLED"}))

    assert await searches.sql("SELECT 1 FROM alerts") == []


async def test_who_was_told_is_forgotten_30_days_after_the_task_expired(searches: SavedSearches) -> None:
    person = new_id("user")
    await searches.save(person, words="fence")
    gone, again, back = [await searches.post(**TASK) for _ in range(3)]
    for task, statuses in ((gone, ["EXPIRED"]), (again, ["EXPIRED", "OPEN", "EXPIRED"]), (back, ["EXPIRED", "OPEN"])):
        for version, status in enumerate(statuses, start=2):
            await searches.locations.hear(task.model_copy(update={"version": version, "status": status}))
    await searches.settle()
    due = "SELECT subject_id, due_at FROM deadlines WHERE kind = 'alert_forgetting' ORDER BY subject_id"
    times = dict(await searches.sql(due))
    assert {(at - clock.now()).days for at in times.values() if isinstance(at, datetime)} == {29}
    # As if the second one had expired a while after the first one.
    await searches.sql("UPDATE deadlines SET due_at = :then WHERE subject_id <> :id RETURNING 1",
                       then=clock.now() - timedelta(seconds=1), id=again.id)  # fmt: skip

    async def is_forgotten() -> bool:
        return len(await searches.sql("SELECT 1 FROM deadlines")) == 1

    await eventually(is_forgotten)
    told = await searches.sql("SELECT task_id FROM alerts ORDER BY task_id")
    assert told == [(task_id,) for task_id in sorted([again.id, back.id])]
    # Nor is anybody told again of the one that is back.
    assert len(await searches.alerts()) == 3


async def test_small_areas_that_are_moved_around_tell_where_the_public_point_is_and_no_more(
    searches: SavedSearches,
) -> None:
    # Where others see the place of somebody is chance: of somebody for whom that is well beside it.
    shown_in = neighbourhoods.containing(Point(**BANGKOK))
    poster = next(
        each
        for each in iter(lambda: new_id("user"), None)
        if distance_meters(Point(**BANGKOK), neighbourhoods.public_point(each, shown_in)) > 300
    )
    place = await searches.locations.place(poster, point=BANGKOK)
    public = Point(**place["publicPoint"])
    around = [moved(public, bearing, meters) for meters in (0.5, 2.0) for bearing in (0, 90, 180, 270)]
    exact = [moved(Point(**BANGKOK), bearing, meters) for meters in (0.5, 100) for bearing in (0, 90, 180, 270)]
    watchers: dict[str, bool] = {}
    for points, is_found in ((around, True), (exact, False)):
        for point in points:
            watcher = new_id("user")
            center = {"latitude": point.latitude, "longitude": point.longitude}
            await searches.save(watcher, center=center, radiusMeters=3.0 if is_found else 150.0)
            watchers[watcher] = is_found

    task = await searches.locations.task(**TASK, poster_id=poster, place_id=place["id"])
    await searches.settle()

    assert await searches.told(task) == sorted(watcher for watcher, is_found in watchers.items() if is_found)
    told = str(await searches.alerts())
    assert "latitude" not in told
    assert "distance" not in told
