"""What locations hands out of a person, and what is left of them."""

from shared import events
from shared.ids import new_id
from tests.conftest import Elsewhere
from tests.locations.areas import SET
from tests.locations.conftest import BANGKOK, Locations
from tests.locations.searching import SavedSearches
from tests.support.passes import erased_at_each_pass
from tests.support.redelivery import deliver_twice
from tests.support.sealed import Export

BESIDE = {"latitude": 13.75, "longitude": 100.49}


async def test_an_export_holds_ones_own_places_and_nobody_elses(locations: Locations, elsewhere: Elsewhere) -> None:
    person = new_id("user")
    place = await locations.place(person, point=BANGKOK, address="A marked address 12")
    task = await locations.task(poster_id=person, place_id=place["id"], title="Mend the roof")
    theirs, _ = await locations.task_at()
    export = Export(person)

    await deliver_twice(elsewhere, "locations", export.request)

    documents = export.open(await locations.bodies("locations.export.sealed"))
    by_part = {(each["table"], each["person"]): each["rows"] for each in documents[:-1]}
    assert by_part.keys() == {("places", "owner_id"), ("neighbourhoods", "owner_id"), ("tasks", "poster_id")}
    (row,) = by_part["places", "owner_id"]
    assert (row["id"], row["address"], row["latitude"]) == (place["id"], "A marked address 12", BANGKOK["latitude"])
    (copy,) = by_part["tasks", "poster_id"]
    assert (copy["id"], copy["title"]) == (task.id, "Mend the roof")
    assert theirs.id not in str(documents)


async def test_ones_own_saved_searches_are_exported_and_go(locations: Locations, elsewhere: Elsewhere) -> None:
    searches = SavedSearches(locations)
    person, other = new_id("user"), new_id("user")
    given = {"name": "A marked name", "center": BANGKOK, "radiusMeters": 500.0, "words": "fence"}
    saved = await searches.save(person, **given)
    kept = await searches.save(other, words="fence")
    await searches.post(at=BANGKOK)
    export = Export(person)

    await deliver_twice(elsewhere, "locations", export.request)
    documents = export.open(await locations.bodies("locations.export.sealed"))
    await deliver_twice(elsewhere, "locations", events.UserErased(user_id=person))

    by_part = {(each["table"], each["person"]): each["rows"] for each in documents[:-1]}
    (row,) = by_part["saved_searches", "owner_id"]
    assert (row["id"], row["name"], row["latitude"], row["words"]) == (
        saved["id"], "A marked name", BANGKOK["latitude"], "fence",
    )  # fmt: skip
    assert "keys" not in row
    (alert,) = by_part["alerts", "user_id"]
    assert alert["search_id"] == saved["id"]
    assert kept["id"] not in str(documents)
    assert await locations.sql("SELECT id FROM saved_searches") == [(kept["id"],)]
    assert await locations.sql("SELECT user_id FROM alerts") == [(other,)]
    everything = [*await locations.sql("SELECT CAST(body AS text) FROM outbox")]
    assert [row for row in everything if "marked" in str(row)] == []


async def test_nothing_tells_where_somebody_was_who_left(locations: Locations, elsewhere: Elsewhere) -> None:
    person = new_id("user")
    place = await locations.place(person, point=BANGKOK, address="A marked address 12")
    await locations.place(person, point=BESIDE, address="Another marked address")
    await locations.task(poster_id=person, place_id=place["id"], title="A marked title")
    other, kept = await locations.task_at()

    await deliver_twice(elsewhere, "locations", events.UserErased(user_id=person))

    assert await locations.sql("SELECT owner_id FROM places") == [(other.poster_id,)]
    assert await locations.sql("SELECT owner_id FROM neighbourhoods") == [(other.poster_id,)]
    rows = "SELECT title, search, latitude, longitude, point, x, y FROM tasks WHERE poster_id = :person"
    assert await locations.sql(rows, person=person) == [("[deleted]", None, None, None, None, None, None)]
    assert await locations.sql("SELECT DISTINCT tasks FROM cells") == [(1,)]
    everything = [
        *await locations.sql("SELECT CAST(body AS text) FROM outbox"),
        *await locations.sql("SELECT CAST(t AS text) FROM tasks AS t"),
        *await locations.sql("SELECT CAST(p AS text) FROM places AS p"),
    ]
    assert [row for row in everything if "marked" in str(row)] == []
    assert kept["id"] in str(everything)


async def test_ones_own_service_area_is_exported_and_goes(locations: Locations, elsewhere: Elsewhere) -> None:
    person, other = new_id("user"), new_id("user")
    for tasker in (person, other):
        await locations.act(tasker, SET, input={"center": BANGKOK, "radiusMeters": 500.0})
    export = Export(person)

    await deliver_twice(elsewhere, "locations", export.request)
    documents = export.open(await locations.bodies("locations.export.sealed"))
    await deliver_twice(elsewhere, "locations", events.UserErased(user_id=person))

    ((row,),) = [each["rows"] for each in documents[:-1] if each["table"] == "service_areas"]
    assert (row["tasker_id"], row["latitude"], row["radius_meters"]) == (person, BANGKOK["latitude"], 500.0)
    assert await locations.sql("SELECT tasker_id FROM service_areas") == [(other,)]


async def test_what_comes_later_is_erased_as_well(locations: Locations, elsewhere: Elsewhere) -> None:
    person = new_id("user")
    await deliver_twice(elsewhere, "locations", events.UserErased(user_id=person))

    async def comes_back() -> None:
        await locations.place(person)

    async def is_gone() -> bool:
        return await locations.sql("SELECT owner_id FROM places") == []

    await erased_at_each_pass(comes_back, is_gone)
