"""What the gazetteer makes of what people write."""

import pytest

from shared.geo import Point
from shared.ids import new_id
from subgraphs.locations import app
from subgraphs.locations.geocoding import gazetteer
from subgraphs.locations.geocoding.names import fold
from tests.conftest import AccessToken, SettingsFor
from tests.locations.conftest import BANGKOK, Locations
from tests.support.serving import serve

GEOCODE = """query($text: String!, $country: String) {
    geocode(text: $text, country: $country) { label locality country precision point { latitude longitude } } }"""
REVERSE = "query($point: PointInput!) { reverseGeocode(point: $point) { locality country } }"


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("Bangkok", None, "Bangkok, TH"),
        ("bangkok", None, "Bangkok, TH"),
        ("BANGKOK", None, "Bangkok, TH"),
        ("กรุงเทพมหานคร", None, "Bangkok, TH"),
        ("เชียงใหม่", None, "Chiang Mai, TH"),
        ("จังหวัดเชียงใหม่", None, "Chiang Mai, TH"),
        ("99 ถนนนิมมานเหมินท์ ตำบลสุเทพ เชียงใหม่ 50200 ประเทศไทย", None, "Chiang Mai, TH"),
        ("12 Sukhumvit Soi 11, Khlong Toei Nuea, Watthana, Bangkok 10110, Thailand", None, "Bangkok, TH"),
        ("10 Downing Street, London", None, "London, GB"),
        ("10 Downing Street, London", "CA", "London, CA"),
        ("Main Street 1, London, Canada", None, "London, CA"),
        ("5 Market Street, Glastonbury, UK", None, "Glastonbury, GB"),
        ("Paris, Texas, USA", None, "Paris, US"),
        ("Paris", None, "Paris, FR"),
        ("Zürich", None, "Zürich, CH"),
        ("zurich", None, "Zürich, CH"),
        ("Muenchen", None, "Munich, DE"),
        ("Marienplatz 1, 80331 München", None, "Munich, DE"),
        ("São Paulo", None, "São Paulo, BR"),
        ("sao paulo", None, "São Paulo, BR"),
        ("東京", None, "Tokyo, JP"),
        ("Москва", None, "Moscow, RU"),
        # The beginning of a name.
        ("Chiang M", "TH", "Chiang Mai, TH"),
        ("San Fran", None, "San Francisco, US"),
        ("เชียงให", None, "Chiang Mai, TH"),
        # A slip of the finger: a letter swapped, missing, too many, wrong.
        ("Bnagkok", None, "Bangkok, TH"),
        ("Bankgok", None, "Bangkok, TH"),
        ("Londn", "GB", "London, GB"),
        ("Frankkfurt", None, "Frankfurt am Main, DE"),
        ("Hambirg", None, "Hamburg, DE"),
        ("12 Some Street, Chiang Mqi", None, "Chiang Mai, TH"),
    ],
)
async def test_the_likeliest_comes_first(text: str, country: str | None, expected: str) -> None:
    found = await gazetteer().geocode(text, country, 10)

    assert [each.label for each in found][:1] == [expected]
    assert len(found) <= 10
    assert len({(each.latitude, each.longitude) for each in found}) == len(found)


@pytest.mark.parametrize("text", ["", " ", "12345", "!!! ???", "Qqxyzzyq Wwvvw", ",,,;;;", "x" * 300, "\u0301" * 30])
async def test_what_names_nothing_finds_nothing(text: str) -> None:
    assert await gazetteer().geocode(text, None, 10) == []


async def test_long_texts_are_cheap() -> None:
    for text in (" ".join(["chiang"] * 150), ",".join("abcdefgh") * 20, "สุขุมวิท" * 37, "a " * 150):
        assert len(await gazetteer().geocode(text[:300], None, 10)) <= 10


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (Point(13.7563, 100.5018), "Bangkok, TH"),
        (Point(18.79, 98.98), "Chiang Mai, TH"),
        (Point(-18.14, 178.44), "Suva, FJ"),
        (Point(78.22, 15.63), "Longyearbyen, SJ"),
        (Point(0, -140), None),
        (Point(90, 0), None),
        (Point(-90, 180), None),
    ],
)
async def test_the_nearest_locality_is_what_is_at_a_point(point: Point, expected: str | None) -> None:
    found = await gazetteer().reverse(point)

    assert (found.label if found else None) == expected


async def test_localities_across_the_antimeridian_are_found() -> None:
    taveuni = await gazetteer().reverse(Point(-17.0, -179.9))
    assert taveuni is not None
    assert taveuni.country == "FJ"
    assert taveuni.longitude > 0


def test_names_are_compared_without_case_and_accents() -> None:
    assert fold("Zürich") == fold("ZURICH") == "zurich"
    assert fold("Łódź") == "lodz"
    assert fold("Saint-Denis") == fold("saint denis")
    assert fold("เชียงใหม่") == "เชียงใหม่"


async def test_signed_in_people_look_for_addresses(locations: Locations) -> None:
    answer = await locations.act(new_id("user"), GEOCODE, text="Silom, Bangkok", country="th")

    first = answer["geocode"][0]
    assert (first["label"], first["locality"], first["country"], first["precision"]) == (
        "Bangkok, TH", "Bangkok", "TH", "LOCALITY",
    )  # fmt: skip
    found = await locations.act(new_id("user"), REVERSE, point=BANGKOK)
    assert found["reverseGeocode"] == {"locality": "Bangkok", "country": "TH"}
    assert (await locations.act(new_id("user"), REVERSE, point={"latitude": 0, "longitude": -140})) == {
        "reverseGeocode": None
    }
    assert (await locations.refusal(None, GEOCODE, text="Bangkok"))[0] == "UNAUTHENTICATED"
    assert (await locations.refusal(None, REVERSE, point=BANGKOK))[0] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("text", "country", "says"),
    [
        ("", None, "`text`"),
        ("x", None, "`text`"),
        ("x" * 301, None, "`text`"),
        ("Bang\x00kok", None, "NUL"),
        ("Bangkok", "XX", "`country`"),
        ("Bangkok", "", "`country`"),
        ("Bangkok", "T" * 100, "`country`"),
    ],
)
async def test_bad_questions_are_refused(locations: Locations, text: str, country: str | None, says: str) -> None:
    code, message = await locations.refusal(new_id("user"), GEOCODE, text=text, country=country)

    assert code == "BAD_REQUEST"
    assert says in message


async def test_nobody_asks_too_often(settings_for: SettingsFor, access_token: AccessToken) -> None:
    async with serve(app.build(settings_for("locations", geocodes_per_account="3/1 minute"))) as served:
        locations, person = Locations(served, access_token), new_id("user")
        for _ in range(2):
            await locations.act(person, GEOCODE, text="Bangkok")
        await locations.act(person, REVERSE, point=BANGKOK)

        assert (await locations.refusal(person, GEOCODE, text="Bangkok"))[0] == "RATE_LIMITED"
        assert (await locations.refusal(person, REVERSE, point=BANGKOK))[0] == "RATE_LIMITED"
        await locations.act(new_id("user"), GEOCODE, text="Bangkok")
