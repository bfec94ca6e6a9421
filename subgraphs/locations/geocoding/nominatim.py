"""The geocoder that asks a server of Nominatim's (https://nominatim.org), which knows streets and houses.

Asked within its usage policy (https://operations.osmfoundation.org/policies/nominatim/): as often as the operator
allows, all processes together, answers kept for a day, a User-Agent that says who asks. Nowhere but at the configured
address. The data is OpenStreetMap's (ODbL).
"""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache

import httpx
import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from shared.cache import Cache
from shared.config import Settings
from shared.errors import RateLimited, ServiceUnavailable
from shared.geo import Point
from shared.limits.ratelimit import RateLimiter
from subgraphs.locations.geocoding.found import Found
from subgraphs.locations.rules.places import Precision

log = structlog.get_logger(__name__)

_MAX_BYTES = 512_000
_KEPT = timedelta(days=1)
_MANY = TypeAdapter(list[Found])
_LOCALITY_KEYS = ("city", "town", "village", "municipality", "hamlet", "city_district", "suburb", "county", "state")
_FAILURES_TO_OPEN = 3
_OPEN_SECONDS = 30.0


class _Circuit:
    """Keeps a server that failed several times in a row from being asked for a while; then one may try."""

    def __init__(self) -> None:
        self._failures = 0
        self._open_until = 0.0

    def pass_or_fail(self) -> None:
        """Raises ServiceUnavailable while the server is not to be asked."""
        if self._failures < _FAILURES_TO_OPEN:
            return
        if time.monotonic() < self._open_until:
            raise _unavailable()
        self._open_until = time.monotonic() + _OPEN_SECONDS

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._open_until = time.monotonic() + _OPEN_SECONDS


class Nominatim:
    """One configured server."""

    def __init__(self, settings: Settings, cache: Cache, limiter: RateLimiter) -> None:
        self._settings = settings
        self._cache = cache
        self._limiter = limiter
        self._circuit = _circuit(settings)

    async def geocode(self, text: str, country: str | None, limit: int) -> Sequence[Found]:
        """Raises ServiceUnavailable."""
        asked = {"q": text, "limit": str(limit), "addressdetails": "1"}
        if country is not None:
            asked["countrycodes"] = country.lower()
        return await self._ask("search", asked)

    async def reverse(self, point: Point) -> Found | None:
        """Raises ServiceUnavailable."""
        asked = {"lat": repr(point.latitude), "lon": repr(point.longitude), "zoom": "18", "addressdetails": "1"}
        found = await self._ask("reverse", asked)
        return found[0] if found else None

    async def _ask(self, what: str, asked: Mapping[str, str]) -> list[Found]:
        parameters = {**asked, "format": "jsonv2", "accept-language": "en"}
        question = orjson.dumps([self._settings.nominatim_url, what, parameters], option=orjson.OPT_SORT_KEYS)
        key = f"locations:nominatim:{hashlib.sha256(question).hexdigest()}"
        return await self._cache.get_or_load(key, _KEPT, lambda: self._fetch(what, parameters), _MANY)

    async def _fetch(self, what: str, parameters: Mapping[str, str]) -> list[Found]:
        self._circuit.pass_or_fail()
        await self._turn()
        try:
            rows = await self._answer(what, parameters)
            found = [each for row in rows if (each := _found(row)) is not None]
            if rows and not found:
                raise _Nonsense("nothing that can be read")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, _Nonsense) as error:
            self._circuit.failed()
            reason = str(error) if isinstance(error, _Nonsense) else type(error).__name__
            log.warning("nominatim_unavailable", reason=reason)
            raise _unavailable() from None
        self._circuit.succeeded()
        return found

    async def _turn(self) -> None:
        """Waits until this may be asked, as long as an answer may take."""
        end = time.monotonic() + self._settings.nominatim_timeout_seconds
        while True:
            try:
                await self._limiter.hit("nominatim", "everybody", self._settings.nominatim_requests)
            except RateLimited as refused:
                wait = float(refused.extensions["retryAfterSeconds"])
                if time.monotonic() + wait > end:
                    raise ServiceUnavailable("Too many look for addresses at the moment; try again.") from None
                await asyncio.sleep(wait)
            else:
                return

    async def _answer(self, what: str, parameters: Mapping[str, str]) -> list[object]:
        url = f"{self._settings.nominatim_url.rstrip('/')}/{what}"
        seconds = self._settings.nominatim_timeout_seconds
        body = b""
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(verify=_tls(), follow_redirects=False, trust_env=False, timeout=seconds) as client,
            client.stream("GET", url, params=dict(parameters), headers=self._headers()) as response,
        ):
            if response.status_code != 200:
                raise _Nonsense(f"status {response.status_code}")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise _Nonsense("too long an answer")
        try:
            parsed = orjson.loads(body)
        except ValueError:
            raise _Nonsense("no JSON") from None
        if isinstance(parsed, list):
            return parsed
        if isinstance(parsed, dict):
            # A point in the middle of nowhere.
            return [] if "error" in parsed else [parsed]
        raise _Nonsense("another kind of JSON")

    def _headers(self) -> dict[str, str]:
        contact = self._settings.nominatim_contact
        agent = f"service-exchange/0.1 ({contact})" if contact else "service-exchange/0.1"
        return {"user-agent": agent, "accept": "application/json", "accept-encoding": "identity"}


class _Nonsense(Exception):
    """An answer that is none."""


def _found(row: object) -> Found | None:
    """A result as Nominatim's jsonv2 has it, None for what is none."""
    if not isinstance(row, dict):
        return None
    address = row.get("address")
    parts = address if isinstance(address, dict) else {}
    try:
        return Found(
            label=str(row["display_name"])[:500],
            locality=next((str(parts[key])[:200] for key in _LOCALITY_KEYS if key in parts), None),
            country=str(parts["country_code"]).upper() if "country_code" in parts else None,
            latitude=float(row["lat"]),
            longitude=float(row["lon"]),
            precision=_precision(parts),
        )
    except (KeyError, TypeError, ValueError, ValidationError):
        return None


def _precision(parts: Mapping[str, object]) -> Precision:
    if "house_number" in parts:
        return Precision.ADDRESS
    return Precision.STREET if "road" in parts else Precision.LOCALITY


def _unavailable() -> ServiceUnavailable:
    return ServiceUnavailable("Addresses cannot be looked up at the moment; try again later.")


@cache
def _circuit(settings: Settings) -> _Circuit:
    return _Circuit()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
