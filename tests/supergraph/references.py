"""The fields of the graph that lead to an entity of another subgraph, with a way to each."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    parse,
)

from shared.ids import id_of
from shared.matrix import types_of
from supergraph import compose

_LITERALS = {"Boolean": "true", "Float": "1.0", "Int": "1", "ID": f'"{id_of("some", 1)}"'}
# A field with its arguments, and its name.
_Step = tuple[str, str]


@dataclass(frozen=True)
class Reference:
    """A field of `type` that leads to `entity`, of which its owner has the field `asked`, which is never null."""

    type: str
    field: str
    entity: str
    asked: str
    operation: str
    path: tuple[str, ...]
    """Where the entity stands in the answer."""

    def __str__(self) -> str:
        return f"{self.type}.{self.field}.{self.asked}"


def references() -> list[Reference]:
    """All of them, by the committed schemas."""
    api = build_schema((compose.REPOSITORY / compose.API).read_text())
    documents = [
        parse((compose.REPOSITORY / each.schema).read_text()) for each in compose.subgraphs(compose.REPOSITORY)
    ]
    owned = {
        name: fields
        for document in documents
        for name, fields in types_of(document).items()
        if _is_owned(document, name)
    }
    ways = _ways(api)
    return sorted((each for document in documents for each in _references(api, ways, owned, document)), key=str)


def _is_owned(document: DocumentNode, name: str) -> bool:
    """Whether a subgraph is where an entity is at home: where it is a Node with an `id`."""
    found = next(
        each for each in document.definitions if isinstance(each, ObjectTypeDefinitionNode) and each.name.value == name
    )
    return any(each.name.value == "Node" for each in found.interfaces or ()) and "id" in types_of(document)[name]


def _references(
    api: GraphQLSchema,
    ways: Mapping[str, tuple[_Step, ...]],
    owned: Mapping[str, Collection[str]],
    document: DocumentNode,
) -> Iterator[Reference]:
    types = types_of(document)
    for name in ways.keys() & types.keys():
        for field in types[name]:
            entity = get_named_type(_fields(api, name)[field].type).name
            if entity in owned and not _is_owned(document, entity):
                asked = min(
                    each
                    for each in owned[entity]
                    if each != "id" and isinstance(_fields(api, entity)[each].type, GraphQLNonNull)
                )
                way = (*ways[name], _step(field, _fields(api, name)[field]))
                operation = _operation(api, way, _step(asked, _fields(api, entity)[asked]), entity)
                yield Reference(name, field, entity, asked, operation, tuple(step for _, step in way))


def _fields(api: GraphQLSchema, name: str) -> Mapping[str, GraphQLField]:
    type_ = api.type_map[name]
    return type_.fields if isinstance(type_, GraphQLObjectType) else {}


def _ways(api: GraphQLSchema) -> Mapping[str, tuple[_Step, ...]]:
    """The shortest way to each type, from a query if there is one."""
    ways: dict[str, tuple[_Step, ...]] = {"Query": (), "Mutation": ()}
    waiting = deque(ways)
    while waiting:
        name = waiting.popleft()
        for field, declared in _fields(api, name).items():
            found = get_named_type(declared.type).name
            if found not in ways:
                ways[found] = (*ways[name], _step(field, declared))
                waiting.append(found)
    return ways


def _operation(api: GraphQLSchema, way: tuple[_Step, ...], asked: _Step, entity: str) -> str:
    root = "query" if way[0][1] in _fields(api, "Query") else "mutation"
    leaf = (
        asked[0]
        if is_leaf_type(get_named_type(_fields(api, entity)[asked[1]].type))
        else f"{asked[0]} {{ __typename }}"
    )
    return f"{root} {{ {' { '.join(step for step, _ in way)} {{ {leaf}{' }' * (len(way) + 1)}"


def _step(name: str, field: GraphQLField) -> _Step:
    given = [f"{each}: {_literal(one.type)}" for each, one in field.args.items() if is_required_argument(one)]
    return f"{name}({', '.join(given)})" if given else name, name


def _literal(type_: GraphQLInputType) -> str:
    match type_:
        case GraphQLNonNull():
            return _literal(type_.of_type)
        case GraphQLList():
            return f"[{_literal(type_.of_type)}]"
        case GraphQLEnumType():
            return next(iter(type_.values))
        case GraphQLInputObjectType():
            given = [
                f"{each}: {_literal(one.type)}" for each, one in type_.fields.items() if is_required_input_field(one)
            ]
            return f"{{{', '.join(given)}}}"
    return _LITERALS.get(type_.name, '"1"')
