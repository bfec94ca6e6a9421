"""Finding places by what people call them: a port with two implementations.

The gazetteer is in the process and needs no network; it knows localities. Nominatim is asked over HTTP, if the operator
names a server of it; it knows streets and houses. No connection to the database is held while either is asked.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

from shared.context import Services
from shared.geo import Point
from shared.process.app import Runner
from subgraphs.locations.geocoding.found import Found
from subgraphs.locations.geocoding.gazetteer import Gazetteer
from subgraphs.locations.geocoding.nominatim import Nominatim

__all__ = ["Found", "Geocoder", "geocoder", "runners"]


class Geocoder(Protocol):
    """Who knows where things are. Raises ServiceUnavailable while it cannot be asked."""

    async def geocode(self, text: str, country: str | None, limit: int) -> Sequence[Found]:
        """What the text may mean, likeliest first; `country` (ISO 3166-1 alpha-2) leaves out all else."""
        ...

    async def reverse(self, point: Point) -> Found | None:
        """What is there, or None far from everything."""
        ...


def geocoder(services: Services[Any]) -> Geocoder:
    """The one that the settings choose."""
    if services.settings.nominatim_url:
        return Nominatim(services.settings, services.cache, services.limiter)
    return gazetteer()


@cache
def gazetteer() -> Gazetteer:
    """The gazetteer of this process; reading it takes seconds."""
    return Gazetteer.read()


class _Reading:
    """Has the gazetteer read before the process serves, so that no request waits for it."""

    async def start(self) -> None:
        gazetteer()

    async def stop(self) -> None: ...


def runners(services: Services[Any]) -> Sequence[Runner]:
    """What must run while the process serves."""
    return () if services.settings.nominatim_url else (_Reading(),)
