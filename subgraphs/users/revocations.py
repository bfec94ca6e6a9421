"""Making ended sessions known: their access tokens are refused everywhere within five seconds.

The request that ends a session tells Redis at once, as far as it can. Behind that stands the keeper: every
two seconds it writes what PostgreSQL knows into Redis, so that neither a lost answer of Redis, nor a Redis
that lost its data, nor a broker that is down lets a token live on.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from redis.exceptions import RedisError

from shared import background, clock
from shared.context import Services
from shared.errors import ServiceUnavailable
from shared.identity.auth import Revocations
from shared.process.app import Runner
from subgraphs.users import actions, credentials, models, secrets_at_rest, store, tokens
from subgraphs.users.loaders import Loaders
from subgraphs.users.mails.postman import Postman
from subgraphs.users.openid.providers import providers

log = structlog.get_logger(__name__)

_INTERVAL_SECONDS = 2.0
# A process whose clock is behind takes a token for longer.
_MARGIN = timedelta(minutes=1)
_AT_ONCE = 1_000
_TIDY_SECONDS = 600.0
_TIDY_ROWS = 1_000
_ENCRYPTED_ROWS = 100
_PRINTED_ROWS = 100


async def revoke(revocations: Revocations, sessions: Iterable[models.Session]) -> None:
    """Refuses the access tokens of sessions that have ended; if Redis does not answer, the keeper tells it later."""
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        await _tell(revocations, {session.id: session.access_expires_at for session in sessions})


def runners(services: Services[Loaders]) -> Sequence[Runner]:
    """The background work of users."""
    return [_Preparation(services), RevocationKeeper(services), Postman(services)]


class _Preparation:
    """Fails the start without keys, and does before the first request what is slow once."""

    def __init__(self, services: Services[Loaders]) -> None:
        self._settings = services.settings

    async def start(self) -> None:
        tokens.signing_keys(self._settings).load()
        secrets_at_rest.cipher(self._settings).load()
        providers(self._settings)
        await asyncio.to_thread(credentials.prepare, self._settings)

    async def stop(self) -> None:
        """Nothing goes on."""


class RevocationKeeper:
    """Keeps Redis' set of ended sessions complete, forgets what expired long ago, and renews what an older key made."""

    def __init__(self, services: Services[Loaders]) -> None:
        self._database = services.database
        self._revocations = services.revocations
        self._cipher = secrets_at_rest.cipher(services.settings)
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="revocation keeper")

    async def stop(self) -> None:
        if self._task is not None:
            await background.end(self._task)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_tidy = loop.time() + _TIDY_SECONDS
        with suppress_instrumentation():
            while True:
                try:
                    await self.assert_revoked()
                    self._failing = False
                    if loop.time() >= next_tidy:
                        more = await self._tidy()
                        next_tidy = loop.time() + (_INTERVAL_SECONDS if more else _TIDY_SECONDS)
                except (ServiceUnavailable, RedisError, OSError, TimeoutError) as error:
                    self._failed(error)
                except Exception:
                    log.exception("revocation_keeper_failed")
                await asyncio.sleep(_INTERVAL_SECONDS)

    async def assert_revoked(self) -> None:
        """Writes all sessions that ended while a token of theirs is alive. Raises ServiceUnavailable, RedisError."""
        alive_after = clock.now() - _MARGIN
        await _tell(self._revocations, await store.sessions.list_revoked_sessions(self._database, alive_after))

    async def _tidy(self) -> bool:
        async with self._database.transaction() as session:
            sessions = await actions.sessions.forget_expired(session, _TIDY_ROWS)
            codes = await store.mailed_codes.forget_expired(session, clock.now(), _TIDY_ROWS)
            sign_ins = await store.openid.forget_expired(session, clock.now(), _TIDY_ROWS)
            factors = await actions.second_factor.forget_expired(session, _TIDY_ROWS)
        await self._encrypt_anew()
        await self._print_anew()
        return max(sessions, codes, factors, sign_ins) >= _TIDY_ROWS

    async def _encrypt_anew(self) -> None:
        """Encrypts what an older key encrypted, in short transactions."""
        for where in secrets_at_rest.ENCRYPTED:
            after, more = "", True
            while more:
                async with self._database.transaction() as session:
                    after = await secrets_at_rest.encrypt_anew(session, self._cipher, where, after, _ENCRYPTED_ROWS)
                more = after != ""

    async def _print_anew(self) -> None:
        """Makes the fingerprints of documents anew that an older key made, in short transactions."""
        after, more = "", True
        while more:
            async with self._database.transaction() as session:
                after = await actions.verification.print_anew(session, self._cipher, after, _PRINTED_ROWS)
            more = after != ""

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            log.warning("revocations_not_written", error=type(error).__name__)
        self._failing = True


async def _tell(revocations: Revocations, ends: Mapping[str, datetime]) -> None:
    items = [(session_id, until + _MARGIN) for session_id, until in ends.items()]
    for start in range(0, len(items), _AT_ONCE):
        await revocations.revoke_sessions(dict(items[start : start + _AT_ONCE]))
