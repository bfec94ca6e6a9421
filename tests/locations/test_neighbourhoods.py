"""Whatever else is known of somebody's places, what others see narrows one of them to no less than 300 m.

An adversary who knows the rules, all other exact points and the order of everything tries each point of a lattice: the
place might be wherever nothing public would be different. What the real API answers is tried in test_privacy.py.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import hypot

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.geo import Point
from subgraphs.locations.rules.geometry import distance_meters, from_plane, moved
from subgraphs.locations.rules.neighbourhoods import Neighbourhood, containing, near, point_in, public_point, shown_in
from tests.locations.areas import CENTERS

CIRCLE_METERS = 300
MESH_METERS = 50
REACH_METERS = 850


def corner_near(point: Point) -> Point:
    """A corner of neighbourhoods, where three or four of them meet."""
    on_edge = _edge(point, moved(point, 0 if point.latitude < 0 else 180, 800))
    return _edge(on_edge, moved(on_edge, 90, 3_000))


def _edge(one: Point, other: Point) -> Point:
    """Where the straight way between two points leaves the first one's neighbourhood, by bisection."""
    for _ in range(40):
        middle = Point((one.latitude + other.latitude) / 2, (one.longitude + other.longitude) / 2)
        one, other = (middle, other) if containing(middle) == containing(one) else (one, middle)
    return one


AROUND = [*CENTERS, *(corner_near(moved(center, 200, 5_000)) for center in CENTERS if abs(center.latitude) < 89)]


def middle_of(here: Neighbourhood) -> Point:
    """The middle of a neighbourhood; of the round ones at the poles the pole."""
    poles = (Point(-90, 0), Point(90, 0))
    return next((pole for pole in poles if containing(pole) == here), point_in(here, 0.5, 0.5))


# On a scale of metres as on one of neighbourhoods.
directions = st.floats(0, 360)
offsets = st.tuples(directions, st.one_of(st.floats(0, 60), st.floats(0, 2_500)))


def show(owner_id: str, known: list[Neighbourhood], place: Point) -> Point:
    """Where others see an owner's next place, or the centre of their service area."""
    shown = shown_in(place, known)
    if shown not in known:
        known.append(shown)
    return public_point(owner_id, shown)


def public_points(owner_id: str, places: Sequence[Point]) -> list[Point]:
    """Where others see an owner's places that are made in this order."""
    known: list[Neighbourhood] = []
    return [show(owner_id, known, place) for place in places]


def possible_points(owner_id: str, places: Sequence[Point], secret: int) -> set[tuple[int, int]]:
    """Where one of the places might be as well, if everything public and all other places are to be as they are."""
    seen = public_points(owner_id, places)
    before: list[Neighbourhood] = []
    for place in places[:secret]:
        show(owner_id, before, place)
    possible = set()
    for number, point in lattice(seen[secret]):
        known = before.copy()
        if all(
            show(owner_id, known, place) == shown
            for place, shown in zip((point, *places[secret + 1 :]), seen[secret:], strict=True)
        ):
            possible.add(number)
    return possible


def lattice(middle: Point) -> Iterator[tuple[tuple[int, int], Point]]:
    """All around a point, by their numbers eastward and northward."""
    steps = range(-REACH_METERS // MESH_METERS, REACH_METERS // MESH_METERS + 1)
    for east, north in product(steps, steps):
        yield (east, north), from_plane(middle, east * MESH_METERS, north * MESH_METERS)


def widest_circle(points: set[tuple[int, int]]) -> int:
    """The radius of the largest circle of a lattice whose points are all among these, but for the mesh."""
    radius, middles = 0, points
    while True:
        wider = radius + MESH_METERS
        disc = [
            (east, north)
            for east, north in product(range(-wider // MESH_METERS, wider // MESH_METERS + 1), repeat=2)
            if hypot(east, north) * MESH_METERS <= wider
        ]
        middles = {(x, y) for x, y in middles if all((x + east, y + north) in points for east, north in disc)}
        if not middles:
            return radius
        radius = wider


@settings(max_examples=100, deadline=None)
@given(around=st.sampled_from(AROUND), ways=st.lists(offsets, min_size=1, max_size=6), data=st.data())
def test_with_all_other_places_known_one_may_be_anywhere_in_a_circle_of_300_m(
    around: Point, ways: list[tuple[float, float]], data: st.DataObject
) -> None:
    places = [moved(around, *way) for way in ways]
    secret = data.draw(st.integers(0, len(places) - 1))

    assert widest_circle(possible_points("somebody", places, secret)) >= CIRCLE_METERS - MESH_METERS


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_that_circle_is_around_the_middle_and_near_to_no_other_neighbourhood(latitude: float, longitude: float) -> None:
    """However many other neighbourhoods somebody is known to have been shown in, and without a mesh."""
    here = containing(Point(latitude, longitude))

    for bearing in range(0, 360, 15):
        assert near(moved(middle_of(here), bearing, CIRCLE_METERS)) == {here}


@given(around=st.sampled_from(AROUND), ways=st.lists(st.tuples(directions, st.floats(0, 45)), max_size=20))
def test_places_a_few_metres_beside_the_first_one_give_no_second_sample(
    around: Point, ways: list[tuple[float, float]]
) -> None:
    """The mean of many would be the house; at a corner of neighbourhoods it would be there."""
    assert len(set(public_points("somebody", [around, *(moved(around, *way) for way in ways)]))) == 1


@given(around=st.sampled_from(AROUND), way=offsets)
def test_two_people_in_one_house_tell_no_more_than_one(around: Point, way: tuple[float, float]) -> None:
    house = moved(around, *way)
    one, other = (public_points(person, [house])[0] for person in ("one", "other"))

    assert containing(one) == containing(other) == containing(house)
    assert one != other


@given(latitude=st.floats(-89, 89), longitude=st.floats(-180, 180), way=st.tuples(directions, st.floats(0, 45)))
def test_others_see_a_place_at_most_850_m_beside_it(
    latitude: float, longitude: float, way: tuple[float, float]
) -> None:
    first = Point(latitude, longitude)
    beside = moved(first, *way)

    for place, seen in zip((first, beside), public_points("somebody", [first, beside]), strict=True):
        assert distance_meters(place, seen) < 850


@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_a_pole_and_the_antimeridian_are_one_place_however_they_are_written(pole: float) -> None:
    assert len({containing(Point(pole, longitude)) for longitude in (-180, -1, 0, 179.9, 180)}) == 1
    for latitude in (-89.9, -17.0, 0.0, 51.5):
        assert containing(Point(latitude, -180)) == containing(Point(latitude, 180))
