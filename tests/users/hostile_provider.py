"""An OpenID Connect provider that says what the test tells it: `python -m tests.users.hostile_provider PORT`.

`POST /told` sets what it does wrong; `GET /authorize` answers the way back to the client as JSON.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route


class Provider:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.told: dict[str, Any] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.rotate()

    def rotate(self) -> None:
        self.kid = secrets.token_hex(4)
        self.rsa = RSAKey.generate_key(2048, {"kid": self.kid, "use": "sig"})
        self.ec = ECKey.generate_key("P-256", {"kid": f"{self.kid}-ec", "use": "sig"})

    async def tell(self, request: Request) -> Response:
        self.told = await request.json()
        if self.told.get("rotate"):
            self.rotate()
        return JSONResponse({"asked": self.asked})

    async def misbehave(self, endpoint: str) -> Response | None:
        self.asked.append(endpoint)
        match self.told.get(endpoint):
            case "redirect":
                return RedirectResponse(f"{self.issuer}/elsewhere/{endpoint}")
            case "error":
                return Response("down", 503)
            case "large":
                return JSONResponse({"issuer": self.issuer, "padding": "x" * 1_000_000})
            case "slow":
                await asyncio.sleep(30)
            case "html":
                return Response("<html>", media_type="text/html")
        return None

    async def discovery(self, request: Request) -> Response:
        wrong = await self.misbehave("discovery")
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        return wrong or JSONResponse(document | self.told.get("metadata", {}))

    async def jwks(self, request: Request) -> Response:
        keys = [self.rsa.as_dict(private=False), self.ec.as_dict(private=False)]
        return await self.misbehave("jwks") or JSONResponse({"keys": keys})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return JSONResponse({"code": code, "state": asked["state"], "iss": self.issuer})

    async def elsewhere(self, request: Request) -> Response:
        self.asked.append("elsewhere")
        return JSONResponse({})

    async def token(self, request: Request) -> Response:
        if wrong := await self.misbehave("token"):
            return wrong
        form = {name: value[0] for name, value in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(b"the-client:the%20secret").decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or request.headers.get("authorization") != f"Basic {basic}"
            or form["redirect_uri"] != asked["redirect_uri"]
            or asked["code_challenge_method"] != "S256"
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        access_token = secrets.token_urlsafe()
        answer = {"access_token": access_token, "token_type": "Bearer", "id_token": self.sign(asked, access_token)}
        return JSONResponse({name: value for name, value in answer.items() if value is not None})

    def sign(self, asked: dict[str, Any], access_token: str) -> str | None:
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "the-client",
            "sub": "somchai",
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            "email": "somchai@example.com",
            "email_verified": True,
            "name": "Somchai Srisuk",
        } | self.told.get("claims", {})
        claims = {name: value for name, value in claims.items() if value is not None}
        for name in ("exp", "iat", "nbf"):
            if name in self.told.get("shifted", {}):
                claims[name] = now + self.told["shifted"][name]
        match self.told.get("signature"):
            case "absent":
                return None
            case "none":
                parts = [json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode(), b""]
                return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
            case "client secret":
                return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("the secret"))
            case "public key":
                # By hand: the library makes no such key.
                parts = [json.dumps({"alg": "HS256", "kid": self.kid}).encode(), json.dumps(claims).encode()]
                signed = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
                mac = hmac.digest(self.rsa.as_pem(private=False), signed.encode(), "sha256")
                return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
            case "foreign key":
                foreign = RSAKey.generate_key(2048, {"kid": self.kid})
                return jwt.encode({"alg": "RS256", "kid": self.kid}, claims, foreign)
            case "unknown key":
                return jwt.encode({"alg": "RS256", "kid": "unknown"}, claims, RSAKey.generate_key(2048))
            case "own key":
                own = RSAKey.generate_key(2048)
                header = {"alg": "RS256", "jwk": own.as_dict(private=False)}
                return jwt.encode(header, claims, own)
            case "tampered":
                head, _, signature = jwt.encode({"alg": "RS256", "kid": self.kid}, claims, self.rsa).split(".")
                other = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "nina"}).encode()).rstrip(b"=").decode()
                return f"{head}.{other}.{signature}"
            case "nonsense":
                return "x" * 100
            case "long":
                return "x" * 100_000
            case "ES256":
                return jwt.encode({"alg": "ES256", "kid": f"{self.kid}-ec"}, claims, self.ec)
        return jwt.encode({"alg": "RS256", "kid": self.kid}, claims, self.rsa)


def main(port: int) -> None:
    provider = Provider(f"http://127.0.0.1:{port}")
    app = Starlette(
        routes=[
            Route("/told", provider.tell, methods=["POST"]),
            Route("/.well-known/openid-configuration", provider.discovery),
            Route("/jwks", provider.jwks),
            Route("/authorize", provider.authorize),
            Route("/token", provider.token, methods=["POST"]),
            Route("/elsewhere/{endpoint}", provider.elsewhere),
        ]
    )
    # Answers that it holds back on purpose must not hold up its end.
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
