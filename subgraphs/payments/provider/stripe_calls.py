"""Asking Stripe, by its official library: one call, one object, or all that a list has."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import stripe

from shared.config import Settings
from subgraphs.payments.provider.port import ProviderRefused, ProviderUnavailable

# Answers keep the form that they have today when Stripe or the library goes on.
_API_VERSION = "2026-10-28.endive"
_LIVE_URL = "https://api.stripe.com"
# What is not there, or not ours to see.
_UNKNOWN = frozenset({"resource_missing", "account_invalid"})

PAGE = 100
OTHERWISE = "idempotency_error"
"""What somebody is refused with who uses a key again for something else: as Stripe does while it remembers the key."""

# It would tell Stripe about this machine, and keep an id for that in the home of its user.
stripe.enable_telemetry = False
# Below that it writes whole answers, with the secrets of clients and the names of people.
logging.getLogger("stripe").setLevel(logging.INFO)

T = TypeVar("T")
Listed = TypeVar("Listed", bound=stripe.StripeObject)


class Calls:
    """The library's client for one account. One for each process: it keeps connections."""

    def __init__(self, settings: Settings, secret_key: str) -> None:
        self._seconds = settings.stripe_timeout_seconds
        # The one client of the library that blocks nothing with what is installed anyway.
        self._http = stripe.HTTPXClient(timeout=self._seconds)
        self.stripe = stripe.StripeClient(
            secret_key,
            stripe_version=_API_VERSION,
            base_addresses={"api": settings.stripe_api_url or _LIVE_URL},
            # Whoever calls knows whether to ask again, and how long they can wait.
            max_network_retries=0,
            http_client=self._http,
        ).v1

    async def close(self) -> None:
        """Ends its connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    async def ask(self, request: Awaitable[T]) -> T:
        """An answer. Raises ProviderUnavailable, or ProviderRefused with Stripe's error as its cause."""
        try:
            async with asyncio.timeout(self._seconds):
                return await request
        except TimeoutError:
            raise ProviderUnavailable("timeout") from None
        except (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError, stripe.PermissionError) as error:
            code = str(getattr(error.error, "code", None) or getattr(error.error, "type", None))
            if isinstance(error, stripe.PermissionError) and code not in _UNKNOWN:
                raise ProviderUnavailable("the key may not do this") from error
            raise ProviderRefused(code, error.user_message or "") from error
        except stripe.StripeError as error:
            # A wrong key too is no answer about the call.
            raise ProviderUnavailable(type(error).__name__) from error

    async def get(self, request: Awaitable[T]) -> T:
        """An object. Raises LookupError if there is none."""
        try:
            return await self.ask(request)
        except ProviderRefused as refused:
            if refused.code in _UNKNOWN:
                raise LookupError(refused.code) from refused
            raise

    async def each(self, first: Awaitable[stripe.ListObject[Listed]]) -> AsyncIterator[Listed]:
        """What a list has, page after page."""
        page = await self.ask(first)
        while True:
            for each in page.data:
                yield each
            if not page.has_more:
                return
            page = await self.ask(page.next_page_async())
