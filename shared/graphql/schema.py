"""Building a subgraph's schema: federation 2.9, the shared scalars, one way to declare fields.

`query`, `mutation`, `subscription` and `field` are Strawberry's decorators with what every field of the
graph needs: the scope that it takes (declared in the SDL and enforced here), the check of its ids, a span and a
duration, and for mutations the step from a `DomainError` to the payload's `userErrors`.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import fields, is_dataclass
from functools import partial, wraps
from typing import Any, Protocol, TypeVar, cast

import strawberry
from graphql import GraphQLField
from strawberry.federation.schema import FederationAny
from strawberry.federation.schema_directives import Authenticated, RequiresScopes
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.info import Info as StrawberryInfo
from strawberry.utils.str_converters import to_camel_case

from shared.context import Context
from shared.errors import BadRequest, DomainError, InvalidId
from shared.graphql.entities import prefix_of
from shared.graphql.ids import Check, check_ids, checks_of
from shared.graphql.pagination import connection_directives
from shared.graphql.quotas import Quota, limited
from shared.graphql.scalars import SCALARS
from shared.graphql.types import UserError
from shared.identity.actor import MARKETPLACE
from shared.ids import check_id
from shared.telemetry import field_span

# Strawberry reads a resolver's signature at run time; what wraps one passes anything on.
Resolver = Callable[..., Any]
F = TypeVar("F", bound=Resolver)
_LEADS_TO_SESSION = "leads_to_session"
Info = strawberry.Info[Context[Any], None]


class Payload(Protocol):
    """What a mutation answers: its object, or the reasons why not."""

    user_errors: list[UserError]


def build_schema(
    query: type, mutation: type | None = None, subscription: type | None = None, types: Sequence[type] = ()
) -> strawberry.federation.Schema:
    """A federation schema of these root types.

    2.9 is the latest federation version that the composer takes. The schema is not sorted: sorting swaps
    Strawberry's enum types for graphql-core's, whose inputs are plain strings instead of members.
    """
    return _Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=list(types),
        config=StrawberryConfig(scalar_map=SCALARS),
        federation_version="2.9",
    )


class _Schema(strawberry.federation.Schema):
    """A schema whose entities are resolved all together: by `resolve_references(info, ids)` of their types.

    Strawberry's own resolver asks for each by itself, and fails for all when one is no representation of an entity;
    here that one is answered with BAD_REQUEST. Keys are single ids throughout the graph: `id`, and in what `node`
    refers to the same as `nodeId`.
    """

    async def entities_resolver(  # type: ignore[override]  # Strawberry awaits what a resolver answers
        self, info: StrawberryInfo, representations: list[FederationAny]
    ) -> list[FederationAny]:
        # An exception in a list is the error of its place alone.
        entities: list[object] = [BadRequest("This is no representation of an entity of this subgraph.")]
        entities *= len(representations)
        asked: dict[Resolver, dict[int, str]] = {}
        for place, representation in enumerate(representations):
            match representation:
                case {"__typename": str(name), "id": id} | {"__typename": str(name), "nodeId": id} if (
                    resolver := self._resolver(name)
                ) is not None:
                    try:
                        asked.setdefault(resolver, {})[place] = check_id(id, prefix_of(name))
                    except InvalidId as error:
                        entities[place] = error
        await asyncio.gather(*(_resolve(resolver, info, ids, entities) for resolver, ids in asked.items()))
        return cast("list[FederationAny]", entities)

    def _resolver(self, name: str) -> Resolver | None:
        type_ = self.schema_converter.type_map.get(name)
        return getattr(getattr(type_ and type_.definition, "origin", None), "resolve_references", None)


async def _resolve(resolver: Resolver, info: StrawberryInfo, ids: Mapping[int, str], entities: list[object]) -> None:
    """Puts the entities of one type in their places."""
    found: Sequence[object]
    try:
        found = await resolver(info, list(ids.values()))
    except Exception as error:
        found = [error] * len(ids)
    for place, entity in zip(ids, found, strict=True):
        entities[place] = entity


def query(
    *,
    description: str,
    scope: str | None = None,
    directives: Sequence[object] = (),
    leads_to_session: bool = False,
) -> Callable[[F], F]:
    """A field of Query. `scope` None: everybody; otherwise the caller needs that scope.

    `leads_to_session` as for `mutation`.
    """

    def declare(resolver: F) -> F:
        declared = strawberry.federation.field(
            resolver=_observed(_guarded(resolver, scope)),
            description=_described(description, leads_to_session),
            directives=[*_security(scope), *connection_directives(resolver), *directives],
            metadata={_LEADS_TO_SESSION: leads_to_session},
        )
        return cast("F", declared)

    return declare


# A field with a resolver on any other type is declared like one of Query.
field = query


def mutation(
    *,
    description: str,
    scope: str | None = MARKETPLACE,
    quotas: Sequence[Quota] = (),
    leads_to_session: bool = False,
) -> Callable[[F], F]:
    """A field of Mutation. A DomainError that its resolver raises becomes the payload's `userErrors`, with its others.

    A resolver is the call of its action: `shared.graphql.acting`.

    `quotas` say how often it may be tried. What strangers can call (`scope` None) needs one. One that raises
    NotCopied is run again when the copy has come.

    `leads_to_session`: it opens or renews a session, or is on the way to one, so that it goes on beside a token
    that does not hold any more. All others are refused then, see `Engine.prepare`.

    The payload class takes no required arguments; one whose error answers with the current object
    (`VERSION_CONFLICT`) has a classmethod `of(row)`.
    """

    def declare(resolver: F) -> F:
        declared = strawberry.federation.mutation(
            resolver=_observed(_guarded(_refusing(limited(_awaiting_copies(resolver), quotas)), scope)),
            description=_described(description, leads_to_session),
            directives=_security(scope),
            metadata={_LEADS_TO_SESSION: leads_to_session},
        )
        return cast("F", declared)

    return declare


def _described(description: str, leads_to_session: bool) -> str:
    return f"{description} Goes on beside an access token that does not hold." if leads_to_session else description


def leads_to_session(field: GraphQLField | None) -> bool:
    """Whether a root field was declared to be one that goes on beside a token that does not hold."""
    definition = field and field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return bool(getattr(definition, "metadata", {}).get(_LEADS_TO_SESSION))


def subscription(*, description: str, scope: str | None = None) -> Callable[[F], F]:
    """A field of Subscription; its resolver is an async generator."""

    def declare(resolver: F) -> F:
        ids = checks_of(resolver)

        @wraps(resolver)
        async def guarded(*args: object, **kwargs: object) -> AsyncIterator[object]:
            _check(scope, ids, kwargs)
            async with aclosing(resolver(*args, **kwargs)) as events:
                async for event in events:
                    yield event

        declared = strawberry.subscription(resolver=guarded, description=description, directives=_security(scope))
        return cast("F", declared)

    return declare


def _security(scope: str | None) -> list[object]:
    if scope is None:
        return []
    if scope == MARKETPLACE:
        return [Authenticated()]
    return [Authenticated(), RequiresScopes(scopes=cast("Any", [[scope]]))]


def _check(scope: str | None, ids: Mapping[str, Check], arguments: Mapping[str, object]) -> None:
    if scope is not None:
        cast("Info", arguments["info"]).context.require_actor(scope)
    check_ids(ids, arguments)


def _guarded(resolver: Resolver, scope: str | None) -> Resolver:
    ids = checks_of(resolver)
    if scope is None and not ids:
        return resolver

    @wraps(resolver)
    async def guarded(*args: object, **kwargs: object) -> object:
        _check(scope, ids, kwargs)
        return await resolver(*args, **kwargs)

    return guarded


def _awaiting_copies(resolver: Resolver) -> Resolver:
    @wraps(resolver)
    async def awaiting(*args: object, **kwargs: object) -> object:
        context = cast("Info", kwargs["info"]).context
        return await context.services.arrivals.awaited(context.caller, partial(resolver, *args, **kwargs))

    return awaiting


def _refusing(resolver: Resolver) -> Resolver:
    payload_type = inspect.get_annotations(resolver)["return"]

    @wraps(resolver)
    async def refusing(*args: object, **kwargs: object) -> object:
        try:
            return await resolver(*args, **kwargs)
        except DomainError as error:
            payload: Payload = payload_type() if error.current is None else payload_type.of(error.current)
            payload.user_errors = [UserError.of(each) for each in _in_order(error.reasons, kwargs.get("input"))]
            return payload

    return refusing


def _in_order(reasons: Sequence[DomainError], input: object) -> Sequence[DomainError]:
    """As the input has its fields, so that the first is the first of a form; what is about none of them comes first."""
    if len(reasons) == 1 or not is_dataclass(input):
        return reasons
    places = {to_camel_case(each.name): place for place, each in enumerate(fields(input))}
    return sorted(reasons, key=lambda each: places.get(each.field[0], -1) if each.field else -1)


def _observed(resolver: Resolver) -> Resolver:
    name = resolver.__qualname__

    @wraps(resolver)
    async def observed(*args: object, **kwargs: object) -> object:
        with field_span(name):
            return await resolver(*args, **kwargs)

    return observed
