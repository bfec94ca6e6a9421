"""How often a mutation may be tried, declared where the mutation is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias, cast

from shared.config import Settings
from shared.context import Context
from shared.errors import DomainError, RateLimited

Key: TypeAlias = Callable[[Context[Any], Any], str]
"""Whom an attempt counts for, by the context and the mutation's input."""


def by_address(context: Context[Any], input: object) -> str:
    """The client's address, an IPv6 one by its /64."""
    return context.one_address


def by_actor(context: Context[Any], input: object) -> str:
    """The signed-in user."""
    return context.require_actor().id


@dataclass(frozen=True, slots=True)
class Quota:
    """At most so many attempts, counted for each field of a request that tries.

    `name` says what is counted, mutations with the same name count together; `setting` is the field of `Settings`
    with the limit, such as `20/1 hour`; `by` says for whom it counts. With `failures_only` an attempt counts
    if it was refused with a DomainError. Over it a field answers RateLimited before anything is done.
    """

    name: str
    setting: str
    by: Key = by_address
    failures_only: bool = False

    def __post_init__(self) -> None:
        if self.setting not in Settings.model_fields:
            raise ValueError(f"There is no setting {self.setting}.")

    def limit(self, context: Context[Any]) -> str:
        """The limit, as the setting has it."""
        return cast("str", getattr(context.services.settings, self.setting))


def limited(resolver: Callable[..., Awaitable[object]], quotas: Sequence[Quota]) -> Callable[..., Awaitable[object]]:
    """The resolver within its quotas."""
    if not quotas:
        return resolver

    @wraps(resolver)
    async def within(*args: object, **kwargs: object) -> object:
        context = _context(kwargs)
        keys = {quota: quota.by(context, kwargs.get("input")) for quota in quotas}
        for quota, key in keys.items():
            take = context.limiter.check if quota.failures_only else context.limiter.hit
            await take(quota.name, key, quota.limit(context))
        try:
            return await resolver(*args, **kwargs)
        except DomainError:
            for quota, key in keys.items():
                if quota.failures_only:
                    with suppress(RateLimited):
                        await context.limiter.hit(quota.name, key, quota.limit(context))
            raise

    return within


def _context(arguments: Mapping[str, object]) -> Context[Any]:
    return cast("Context[Any]", cast("Any", arguments["info"]).context)
