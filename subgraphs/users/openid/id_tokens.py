"""What a provider says who signed in: ID tokens (OpenID Connect Core 1.0, sections 2 and 3.1.3.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from authlib.oidc.core.claims import CodeIDToken  # type: ignore[import-untyped]  # ships no types
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from shared import clock
from shared.config import Settings
from shared.errors import DomainError
from subgraphs.users.openid import http
from subgraphs.users.openid.providers import Provider
from subgraphs.users.rules.openid import open_id_sign_in_failed

# Signatures of a key pair only: a token "signed" with the client secret or with nothing proves no provider.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_LEEWAY_SECONDS = 30
_OLDEST_SECONDS = 600
_LONGEST_TOKEN = 16_384
_MAX_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class Claims:
    """Who signed in, as the provider has it; `email` only if it has verified the address."""

    subject: str
    email: str | None
    name: str | None


async def claims_of(settings: Settings, provider: Provider, response: Mapping[str, object], nonce: str) -> Claims:
    """The claims of a token response's ID token. Raises OpenIdSignInFailed unless all about it holds."""
    token, access_token = response.get("id_token"), response.get("access_token")
    if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
        raise open_id_sign_in_failed()
    try:
        decoded = await _verified(settings, provider, token)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
                "sub": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            },
            params={"nonce": nonce, "client_id": provider.client_id, "access_token": access_token},
        )
        now = int(clock.now().timestamp())
        claims.validate(now, _LEEWAY_SECONDS)
        return _read(decoded.claims, now, provider)
    except DomainError:
        raise
    except (JoseError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        raise open_id_sign_in_failed() from None


async def _verified(settings: Settings, provider: Provider, token: str) -> jwt.Token:
    header = jws.extract_compact(token.encode()).headers()
    key = _key_for(await http.keys(settings, provider), header)
    if key is None:
        # A new key of the provider's, or an invention.
        key = _key_for(await http.keys(settings, provider, renew=True), header)
    if key is None:
        raise open_id_sign_in_failed()
    return jwt.decode(token, key, algorithms=_ALGORITHMS)


def _key_for(document: Mapping[str, object], header: Mapping[str, object]) -> Key | None:
    """The one key that the header names; without a name the only one there is."""
    listed = cast("list[dict[str, object]]", document.get("keys"))
    usable = [each for each in listed if each.get("kty") in ("RSA", "EC", "OKP") and each.get("use", "sig") == "sig"]
    kid = header.get("kid")
    named = [each for each in usable if each.get("kid") == kid] if kid is not None else usable
    if len(named) != 1 or named[0].get("alg", header.get("alg")) != header.get("alg"):
        return None
    return KeySet.import_key_set({"keys": [cast("dict[str, str | list[str]]", named[0])]}).keys[0]


def _read(claims: Mapping[str, object], now: int, provider: Provider) -> Claims:
    audience, subject, issued_at = claims["aud"], claims["sub"], claims["iat"]
    # Further audiences are parties that we know nothing of (section 3.1.3.7, number 3).
    if audience not in (provider.client_id, [provider.client_id]):
        raise open_id_sign_in_failed()
    if not isinstance(issued_at, int) or issued_at < now - _OLDEST_SECONDS:
        raise open_id_sign_in_failed()
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT or not subject.isprintable():
        raise open_id_sign_in_failed()
    email, name = claims.get("email"), claims.get("name")
    verified = isinstance(email, str) and claims.get("email_verified") is True
    return Claims(subject, cast("str", email) if verified else None, name if isinstance(name, str) else None)
