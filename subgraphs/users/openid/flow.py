"""The authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 9700), without cookies."""

import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from authlib.oauth2.rfc7636.challenge import create_s256_code_challenge  # type: ignore[import-untyped]  # no types

from shared import clock
from shared.config import Settings
from subgraphs.users import actions, models, rules
from subgraphs.users.openid import http, id_tokens
from subgraphs.users.openid.providers import Provider
from subgraphs.users.rules.openid import open_id_sign_in_failed


def authorization_url(metadata: Mapping[str, object], provider: Provider, under_way: "actions.openid.UnderWay") -> str:
    """Where the browser goes."""
    endpoint = str(metadata["authorization_endpoint"])
    query = urlencode(
        {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": provider.redirect_uri,
            "scope": " ".join(provider.scopes),
            "state": under_way.state,
            "nonce": under_way.nonce,
            "code_challenge": create_s256_code_challenge(under_way.verifier),
            "code_challenge_method": "S256",
        }
    )
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


async def claims_of_answer(
    settings: Settings,
    provider: Provider,
    row: models.OpenIdSignIn,
    under_way: "actions.openid.UnderWay",
    *,
    code: str,
    state: str,
    iss: str | None,
) -> id_tokens.Claims:
    """Who signed in, by the provider's answer. Raises OpenIdSignInFailed, ServiceUnavailable."""
    metadata = await http.metadata(settings, provider)
    expected = rules.openid.is_answer_expected(
        clock.now(),
        expires_at=row.expires_at,
        same_state=hmac.compare_digest(under_way.state.encode(), state.encode("utf-8", "surrogatepass")),
        issuer=provider.issuer,
        iss=iss,
        iss_required=metadata.get("authorization_response_iss_parameter_supported") is True,
    )
    if not expected or not code or len(code) > 4_096 or not code.isprintable():
        raise open_id_sign_in_failed()
    response = await http.exchange(settings, provider, code, under_way.verifier)
    return await id_tokens.claims_of(settings, provider, response, under_way.nonce)
