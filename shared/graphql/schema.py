"""Building a subgraph's schema: federation 2.9, the shared scalars, one way to declare fields.

`query`, `mutation`, `subscription` and `field` are Strawberry's decorators with what every field of the
graph needs: the scope that it takes (declared in the SDL and enforced here), a span and a duration, and
for mutations the step from a `DomainError` to the payload's `userErrors`.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import strawberry
from strawberry.federation.schema_directives import Authenticated, RequiresScopes
from strawberry.schema.config import StrawberryConfig

from shared.actor import MARKETPLACE
from shared.context import Context
from shared.errors import DomainError
from shared.graphql.scalars import SCALARS
from shared.graphql.types import UserError
from shared.telemetry import field_span

P = ParamSpec("P")
R = TypeVar("R")
Resolver = Callable[P, Awaitable[R]]
Info = strawberry.Info[Context[Any], None]


class Payload(Protocol):
    """What a mutation answers: its object, or the reasons why not."""

    user_errors: list[UserError]


def build_schema(
    query: type, mutation: type | None = None, subscription: type | None = None, types: Sequence[type] = ()
) -> strawberry.federation.Schema:
    """A federation schema of these root types; the printed SDL is in alphabetical order.

    2.9 is the latest federation version that the composer takes.
    """
    return strawberry.federation.Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=list(types),
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=True),
        federation_version="2.9",
    )


def query(*, description: str, scope: str | None = None, directives: Sequence[object] = ()) -> Any:
    """A field of Query. `scope` None: everybody; otherwise the caller needs that scope."""

    def declare(resolver: Resolver[P, R]) -> Any:
        return strawberry.federation.field(
            resolver=_observed(_guarded(resolver, scope)),
            description=description,
            directives=[*_security(scope), *directives],
        )

    return declare


# A field with a resolver on any other type is declared like one of Query.
field = query


def mutation(*, description: str, scope: str | None = MARKETPLACE) -> Any:
    """A field of Mutation. A DomainError that its resolver raises becomes the payload's `userErrors`.

    The payload class takes no required arguments; one whose error answers with the current object
    (`VERSION_CONFLICT`) has a classmethod `of(row)`.
    """

    def declare(resolver: Resolver[P, R]) -> Any:
        return strawberry.federation.mutation(
            resolver=_observed(_guarded(_refusing(resolver), scope)),
            description=description,
            directives=_security(scope),
        )

    return declare


def subscription(*, description: str, scope: str | None = None) -> Any:
    """A field of Subscription; its resolver is an async generator."""

    def declare(resolver: Callable[P, AsyncIterator[R]]) -> Any:
        @wraps(resolver)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[R]:
            _check(scope, kwargs)
            async for event in resolver(*args, **kwargs):
                yield event

        return strawberry.subscription(resolver=guarded, description=description, directives=_security(scope))

    return declare


def _security(scope: str | None) -> list[object]:
    if scope is None:
        return []
    if scope == MARKETPLACE:
        return [Authenticated()]
    return [Authenticated(), RequiresScopes(scopes=cast("Any", [[scope]]))]


def _check(scope: str | None, kwargs: dict[str, Any]) -> None:
    if scope is not None:
        info: Info = kwargs["info"]
        info.context.require_actor(scope)


def _guarded(resolver: Resolver[P, R], scope: str | None) -> Resolver[P, R]:
    if scope is None:
        return resolver

    @wraps(resolver)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        _check(scope, kwargs)
        return await resolver(*args, **kwargs)

    return guarded


def _refusing(resolver: Resolver[P, R]) -> Resolver[P, R]:
    payload_type = inspect.get_annotations(resolver)["return"]

    @wraps(resolver)
    async def refusing(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await resolver(*args, **kwargs)
        except DomainError as error:
            payload = payload_type() if error.current is None else payload_type.of(error.current)
            payload.user_errors = [UserError.of(error)]
            return cast("R", payload)

    return refusing


def _observed(resolver: Resolver[P, R]) -> Resolver[P, R]:
    name = resolver.__qualname__

    @wraps(resolver)
    async def observed(*args: P.args, **kwargs: P.kwargs) -> R:
        with field_span(name):
            return await resolver(*args, **kwargs)

    return observed
