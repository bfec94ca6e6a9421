"""What a resolver can reach: the actor, the database, the loaders of this operation, the streams."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.cache import Cache
from shared.config import Settings
from shared.copies import Arrivals
from shared.database.db import Database
from shared.errors import Forbidden, RequestError, Unauthenticated
from shared.events import Envelope, Event
from shared.files import Addresses, Files
from shared.identity.actor import Actor
from shared.identity.addresses import Proxies, one_address
from shared.identity.auth import Revocations, TokenVerifier, bearer_token
from shared.limits.budget import OperationBudgets
from shared.limits.ratelimit import RateLimiter
from shared.limits.subscriptions import SubscriptionPlaces
from shared.messaging.streams import StreamHub
from shared.telemetry import bind_actor

L = TypeVar("L")


@dataclass(slots=True)
class Services(Generic[L]):
    """What one process has once, whatever it serves."""

    settings: Settings
    database: Database
    arrivals: Arrivals
    cache: Cache
    limiter: RateLimiter
    proxies: Proxies
    budgets: OperationBudgets
    places: SubscriptionPlaces
    verifier: TokenVerifier
    revocations: Revocations
    hub: StreamHub
    new_loaders: Callable[[Database], L]
    files: Files | None = None
    addresses: Addresses | None = None
    own: object = None
    """What one subgraph alone has besides, such as its connections to a payment provider; its runners set it."""
    draining: bool = False


@dataclass(slots=True)
class Context(Generic[L]):
    """One operation's view of the process. `loaders` batch and cache within the operation only."""

    services: Services[L]
    request_id: str
    address: str
    refusal: Unauthenticated | None = None
    """Why the token that was sent does not hold."""
    user_agent: str = ""
    _actor: Actor | None = None
    _loaders: L | None = field(default=None, repr=False)

    @property
    def actor(self) -> Actor | None:
        """Who asks; None for a stranger, who sent no token.

        Raises Unauthenticated where one was sent that does not hold: its owner is no stranger.
        """
        self.check_token()
        return self._actor

    @property
    def known_actor(self) -> Actor | None:
        """Who asks as far as is known, for what is counted of whoever it is."""
        return self._actor

    @property
    def loaders(self) -> L:
        if self._loaders is None:
            self._loaders = self.services.new_loaders(self.services.database)
        return self._loaders

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def limiter(self) -> RateLimiter:
        return self.services.limiter

    @property
    def addresses(self) -> Addresses:
        """The addresses of the files of a subgraph that has some; its start made sure of them."""
        assert self.services.addresses is not None
        return self.services.addresses

    @property
    def caller(self) -> str:
        """What limits per caller count for: the actor or, of nobody, the address."""
        actor = self.known_actor
        return actor.id if actor is not None else self.one_address

    @property
    def one_address(self) -> str:
        """What limits per address count for: an IPv4 address, or the /64 of an IPv6 one."""
        return one_address(self.address)

    def authenticate(self, authorization: object) -> None:
        """Takes the actor from an `Authorization` value; nothing and an empty one are a stranger's.

        Of a token that does not hold the reason is kept, with which every operation is answered but those
        that lead to a session.
        """
        try:
            token = bearer_token(authorization)
            if token is not None:
                actor = self.services.verifier.verify(token)
                self.services.revocations.check(actor)
                self._actor = actor
                bind_actor(actor.id)
        except Unauthenticated as refusal:
            self.refusal = refusal

    def check_token(self) -> None:
        """Raises Unauthenticated where a token was sent that does not hold."""
        if self.refusal is not None:
            # Raised for every operation of a connection, it would keep the frames of each.
            raise self.refusal.with_traceback(None)

    def forwarded_for(self, addresses: object) -> None:
        """Takes the client's address from what a router says of it in `connection_init`, as `X-Forwarded-For`."""
        proxies = self.services.proxies
        if isinstance(addresses, str) and len(addresses) <= 1_000 and proxies.covers(self.address):
            self.address = proxies.client_behind(addresses) or self.address

    def require_actor(self, *scopes: str) -> Actor:
        """The actor. Raises Unauthenticated without one, Forbidden if it lacks one of `scopes`."""
        actor = self.actor
        if actor is None:
            raise Unauthenticated("Sign in first.")
        if not actor.scopes.issuperset(scopes):
            raise Forbidden("The signed-in user may not do this.")
        return actor

    def is_actor(self, user_id: str | None) -> bool:
        """Whether this is the user who asks."""
        return self.actor is not None and self.actor.id == user_id

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session that is committed when the block ends; loaders forget what they read before."""
        self._loaders = None
        return self.services.database.transaction()

    def fork(self) -> "Context[L]":
        """The same caller's next operation on this connection, with loaders of its own."""
        fork = Context(self.services, self.request_id, self.address, self.refusal, self.user_agent, self._actor)
        fork.recheck()
        return fork

    def recheck(self) -> None:
        """Drops an actor whose token has expired, or was revoked, or lost its key since the connection opened."""
        if self._actor is not None and (refusal := self._ended(self._actor)):
            self._actor, self.refusal = None, refusal

    def _ended(self, actor: Actor) -> Unauthenticated | None:
        if actor.expires_at <= clock.now():
            return Unauthenticated("The access token has expired.")
        try:
            self.services.verifier.check(actor)
            self.services.revocations.check(actor)
        except Unauthenticated as refusal:
            return refusal
        return None

    async def follow(
        self, stream: str, after: int | None, visible: Callable[[Event], bool] = lambda event: True
    ) -> AsyncIterator["Followed"]:
        """The events of a stream after `after`, then live, until the actor's right to them ends.

        `visible` decides for each event whether the actor may see it. Raises BadRequest, CursorExpired,
        Unauthenticated, ServerShutdown.
        """
        actor = self.actor

        def ended() -> RequestError | None:
            return self._ended(actor) if actor else None

        previous = after
        async with aclosing(self.services.hub.follow(stream, after, check=ended)) as envelopes:
            async for envelope in envelopes:
                if visible(envelope.event):
                    self._loaders = None
                    yield Followed(envelope, previous)
                    previous = envelope.seq


@dataclass(frozen=True, slots=True)
class Followed:
    """An event as one subscriber sees it.

    `previous_seq` is the `seq` before it in this subscription, None before the first one of a
    subscription that began without `after`. Not every event of a stream is for everybody, so only this
    tells a client whether one was lost on the way.
    """

    envelope: Envelope[Event]
    previous_seq: int | None
