"""What we ask providers: discovery, keys, tokens. Short, small, and nowhere but where the operator said."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote

import httpx
import orjson
import structlog

from shared.config import Settings
from shared.errors import ServiceUnavailable
from subgraphs.users.openid.providers import Provider, is_fetchable
from subgraphs.users.rules.openid import open_id_sign_in_failed

log = structlog.get_logger(__name__)

_SECONDS = 5.0
_MAX_BYTES = 256_000
_KEPT_SECONDS = 3_600.0
_RENEWED_AT_MOST_EVERY = 30.0


class _Cached:
    """Answers of providers, by address, with the time of their fetching."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[float, dict[str, object]]] = {}
        self.renewed: dict[str, float] = {}


@cache
def _cached(settings: Settings) -> _Cached:
    return _Cached()


async def metadata(settings: Settings, provider: Provider) -> Mapping[str, object]:
    """The provider's configuration (OpenID Connect Discovery 1.0). Raises ServiceUnavailable."""
    url = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
    found = await _get(settings, provider, url)
    if found.get("issuer") != provider.issuer:
        raise _unavailable(provider, "another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        endpoint = found.get(name)
        if not isinstance(endpoint, str) or not is_fetchable(settings, endpoint):
            raise _unavailable(provider, f"no {name}")
    return found


async def keys(settings: Settings, provider: Provider, *, renew: bool = False) -> Mapping[str, object]:
    """The provider's keys (RFC 7517); `renew` asks again, if that was not done a moment ago."""
    url = str((await metadata(settings, provider))["jwks_uri"])
    return await _get(settings, provider, url, renew=renew)


async def exchange(settings: Settings, provider: Provider, code: str, verifier: str) -> Mapping[str, object]:
    """The token response to an authorization code (RFC 6749, 4.1.3; RFC 7636).

    Raises OpenIdSignInFailed where the provider refuses the code, ServiceUnavailable where it does not answer.
    """
    endpoint = str((await metadata(settings, provider))["token_endpoint"])
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.redirect_uri,
        "code_verifier": verifier,
    }
    auth: httpx.BasicAuth | None = None
    secret = provider.secret()
    match provider.token_endpoint_auth_method:
        case "client_secret_basic":
            # Both are form-encoded first (RFC 6749, section 2.3.1).
            auth = httpx.BasicAuth(quote(provider.client_id, safe=""), quote(secret or "", safe=""))
        case "client_secret_post":
            form |= {"client_id": provider.client_id, "client_secret": secret or ""}
        case "none":
            form |= {"client_id": provider.client_id}
    status, answer = await _fetch(provider, "POST", endpoint, form=form, auth=auth)
    if status in (400, 401, 403):
        log.warning("openid_code_refused", provider=provider.id, status=status)
        raise open_id_sign_in_failed()
    if status != 200 or answer is None:
        raise _unavailable(provider, f"status {status} of the token endpoint")
    return answer


async def _get(settings: Settings, provider: Provider, url: str, *, renew: bool = False) -> dict[str, object]:
    cached = _cached(settings)
    moment = time.monotonic()
    fetched_at, document = cached.documents.get(url, (0.0, None))
    fresh = document is not None and moment - fetched_at < _KEPT_SECONDS
    if renew and moment - cached.renewed.get(url, -_RENEWED_AT_MOST_EVERY) >= _RENEWED_AT_MOST_EVERY:
        cached.renewed[url] = moment
        fresh = False
    if fresh and document is not None:
        return document
    status, answer = await _fetch(provider, "GET", url)
    if status != 200 or answer is None:
        raise _unavailable(provider, f"status {status}")
    cached.documents[url] = (moment, answer)
    return answer


async def _fetch(
    provider: Provider,
    method: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    auth: httpx.BasicAuth | None = None,
) -> tuple[int, dict[str, object] | None]:
    """Status and JSON object of an answer, None for another body. Follows no redirect."""
    body = b""
    try:
        async with (
            asyncio.timeout(_SECONDS),
            httpx.AsyncClient(verify=_tls(), follow_redirects=False, trust_env=False, timeout=_SECONDS) as client,
            client.stream(
                method, url, data=dict(form) if form else None, auth=auth or httpx.USE_CLIENT_DEFAULT,
                headers={"accept": "application/json", "accept-encoding": "identity"},
            ) as response,
        ):  # fmt: skip
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise _unavailable(provider, "too long an answer")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        raise _unavailable(provider, type(error).__name__) from None
    try:
        parsed = orjson.loads(body)
    except ValueError:
        parsed = None
    return response.status_code, parsed if isinstance(parsed, dict) else None


def _unavailable(provider: Provider, reason: str) -> ServiceUnavailable:
    log.warning("openid_provider_unavailable", provider=provider.id, reason=reason)
    return ServiceUnavailable(f"{provider.name} does not answer as it should at the moment; try again later.")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
