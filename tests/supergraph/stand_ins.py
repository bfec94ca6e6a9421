"""Stand-ins for all subgraphs of the real graph, which answer by their committed SDL alone: everything is there.

They serve what only routers can get wrong. A caller whose `Authorization` is `missing Task Place` is answered null by
every subgraph for each entity of these types, as for an id that leads nowhere.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    build_ast_schema,
    concat_ast,
    get_named_type,
    graphql_sync,
    parse,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shared.graphql.entities import PREFIXES, prefix_of
from shared.ids import id_of
from shared.matrix import entities_of
from supergraph import compose

_SCALARS: Mapping[str, object] = {"Boolean": True, "Float": 1.0, "Int": 1}
_TYPES = {prefix: name for name, prefix in PREFIXES.items()}


def stand_in(sdl: str) -> GraphQLSchema:
    """The schema of a subgraph, with what the federation adds."""
    document = parse(sdl)
    federation = parse(
        f"scalar _Any union _Entity = {' | '.join(sorted(entities_of(document)))} "
        "extend type Query { _entities(representations: [_Any!]!): [_Entity]! }"
    )
    return build_ast_schema(concat_ast([document, federation]), assume_valid=True, assume_valid_sdl=True)


def _resolve(source: Mapping[str, Any], info: GraphQLResolveInfo, **arguments: Any) -> object:
    if info.field_name == "_entities":
        return [None if each["__typename"] in info.context else each for each in arguments["representations"]]
    if str(get_named_type(info.return_type)) == "Node":
        found = [_node(each, info) for each in arguments.get("ids", [arguments.get("id")])]
        return found if "ids" in arguments else found[0]
    if info.field_name in source:
        return source[info.field_name]
    if info.field_name == "id" and "nodeId" in source:
        return source["nodeId"]
    return _value(info.return_type, info)


def _node(id: str, info: GraphQLResolveInfo) -> object:
    name = _TYPES[id.partition("_")[0]]
    own = {
        each.name for each in info.schema.get_possible_types(cast("GraphQLUnionType", info.schema.type_map["_Entity"]))
    }
    return None if name in own and name in info.context else {"__typename": name, "nodeId": id}


def _value(type_: GraphQLOutputType, info: GraphQLResolveInfo) -> object:
    match type_:
        case GraphQLNonNull():
            return _value(type_.of_type, info)
        case GraphQLList():
            return [_value(type_.of_type, info)]
        case GraphQLEnumType():
            return next(iter(type_.values))
        case GraphQLObjectType():
            return {"__typename": type_.name}
        case GraphQLInterfaceType():
            return {"__typename": info.schema.get_possible_types(type_)[0].name}
    return id_of(prefix_of(info.parent_type.name), 1) if str(type_) == "ID" else _SCALARS.get(str(type_), "1")


def _endpoint(schema: GraphQLSchema) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def serve(request: Request) -> JSONResponse:
        asked = orjson.loads(await request.body())
        answer = graphql_sync(
            schema,
            asked["query"],
            root_value={},
            context_value=frozenset(request.headers.get("authorization", "").split()),
            variable_values=asked.get("variables"),
            field_resolver=_resolve,
        )
        return JSONResponse(answer.formatted)

    return serve


async def _keys(request: Request) -> JSONResponse:
    return JSONResponse({"keys": []})


app = Starlette(
    routes=[
        Route("/.well-known/jwks.json", _keys),
        *(
            Route(
                f"/{each.name}/graphql",
                _endpoint(stand_in((compose.REPOSITORY / each.schema).read_text())),
                methods=["POST"],
            )
            for each in compose.subgraphs(compose.REPOSITORY)
        ),
    ]
)
