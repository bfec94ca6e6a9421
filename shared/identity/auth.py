"""Who calls: access tokens, actors, and the sessions that ended before their tokens did."""

import asyncio
import hashlib
import json
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime

import jwt
import redis.asyncio as redis
import structlog
from redis.exceptions import RedisError

from shared import background, clock
from shared.config import Settings
from shared.errors import Unauthenticated
from shared.identity.actor import Actor, Role

log = structlog.get_logger(__name__)

_REVOKED_SESSIONS = "revoked:sessions"
_LEEWAY_SECONDS = 2
_CACHED_TOKENS = 10_000


class TokenVerifier:
    """Verifies access tokens (JWT, EdDSA, RFC 7519 and 8037) against the public keys of the JWKS file.

    A key with an `exp` (OpenID Federation 1.0) verifies until then, and a token of it holds no longer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: dict[str, jwt.PyJWK] = {}
        self._ends: dict[str, float] = {}
        self._keys_mtime = -1.0
        self._checked_at = -1.0
        self._verified: OrderedDict[bytes, Actor] = OrderedDict()

    def verify(self, token: str) -> Actor:
        """The actor of a token. Raises Unauthenticated for an expired, forged or malformed one."""
        self._reload_keys()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        actor = self._verified.get(digest)
        if actor is None:
            actor = self._decode(token)
            self._verified[digest] = actor
            if len(self._verified) > _CACHED_TOKENS:
                self._verified.popitem(last=False)
        if actor.expires_at.timestamp() + _LEEWAY_SECONDS <= clock.now().timestamp():
            raise Unauthenticated("The access token has expired.")
        return actor

    def check(self, actor: Actor) -> None:
        """Raises Unauthenticated if the key of the actor's token has been taken away since."""
        self._reload_keys()
        if actor.key_id and actor.key_id not in self._keys:
            raise Unauthenticated("The access token is not valid any more.")

    def _decode(self, token: str) -> Actor:
        try:
            # The header names the key; the algorithm is ours, never the token's.
            key_id = jwt.get_unverified_header(token).get("kid", "")
            key = self._keys.get(key_id)
            if key is None:
                raise Unauthenticated("The access token is not valid.")
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._settings.token_audience,
                issuer=self._settings.token_issuer,
                # Expiry is checked against shared.clock, and at each use rather than once per cached token.
                options={"require": ["exp", "iat", "sub", "sid"], "verify_exp": False, "verify_iat": False},
            )
            return Actor(
                id=str(claims["sub"]),
                session_id=str(claims["sid"]),
                roles=frozenset(Role(role) for role in claims.get("roles", ())),
                scopes=frozenset(str(claims.get("scope", "")).split()),
                expires_at=datetime.fromtimestamp(min(claims["exp"], self._ends[key_id]), UTC),
                key_id=key_id,
            )
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise Unauthenticated("The access token is not valid.") from error

    def _reload_keys(self) -> None:
        moment = time.monotonic()
        if moment - self._checked_at < 1:
            return
        self._checked_at = moment
        try:
            mtime = self._settings.jwks_file.stat().st_mtime
            if mtime == self._keys_mtime:
                return
            document = json.loads(self._settings.jwks_file.read_bytes())
            keys = {key["kid"]: jwt.PyJWK(key, algorithm="EdDSA") for key in document["keys"]}
            ends = {key["kid"]: float(key.get("exp", math.inf)) for key in document["keys"]}
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError):
            log.exception("jwks_unreadable", file=str(self._settings.jwks_file))
            return
        self._keys, self._ends, self._keys_mtime = keys, ends, mtime
        # A removed key must not live on in answers that it gave earlier.
        self._verified.clear()


class Revocations:
    """Sessions that ended within the lifetime of their access tokens; suspending somebody ends all of theirs.

    The truth is a Redis sorted set scored by the time after which no token can be alive. Each process
    mirrors it every second, so that a check costs no round trip and still holds when Redis is down: the
    mirror then keeps what it knew.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._sessions: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def check(self, actor: Actor) -> None:
        """Raises Unauthenticated if the actor's session has ended."""
        if actor.session_id in self._sessions:
            raise Unauthenticated("The session has ended.")

    async def revoke_session(self, session_id: str, until: datetime) -> None:
        """Refuses the session's tokens everywhere, until its last one has expired."""
        await self.revoke_sessions({session_id: until})

    async def revoke_sessions(self, sessions: Mapping[str, datetime]) -> None:
        """Like `revoke_session`, for several at once."""
        if sessions:
            scores = {session_id: until.timestamp() for session_id, until in sessions.items()}
            self._sessions |= scores
            await self._redis.zadd(_REVOKED_SESSIONS, scores)

    async def refresh(self) -> None:
        """Reads the set and drops what has run out."""
        current = clock.now().timestamp()
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(_REVOKED_SESSIONS, "-inf", current)
            pipe.zrange(_REVOKED_SESSIONS, 0, -1, withscores=True)
            _, sessions = await pipe.execute()
        # A Redis that lost its data must not revive a session: what was known stays until it runs out.
        known = {sid: until for sid, until in self._sessions.items() if until > current}
        self._sessions = known | {_text(sid): score for sid, score in sessions}

    async def start(self) -> None:
        self._task = asyncio.create_task(self._mirror(), name="revocations")

    async def stop(self) -> None:
        if self._task:
            await background.end(self._task)

    async def _mirror(self) -> None:
        reachable = True
        while True:
            try:
                await self.refresh()
                reachable = True
            except (RedisError, OSError, TimeoutError):
                if reachable:
                    log.warning("revocations_unreachable")
                reachable = False
            await asyncio.sleep(1)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def bearer_token(header: object) -> str | None:
    """The token of an `Authorization: Bearer …` value, or None where there is none, or nothing in it.

    Raises Unauthenticated for any other scheme, so that a mistyped header is not taken for anonymous; so is
    `Bearer` without a token.
    """
    if header is None or (isinstance(header, str) and not header.strip()):
        return None
    if not isinstance(header, str) or header[:7].lower() != "bearer " or len(header) > 8192:
        raise Unauthenticated("The authorization must be a bearer token.")
    return header[7:].strip()
