"""What a schema says of the cost of its fields and the sizes of its lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    IntValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from strawberry.federation.schema_directives import Cost, ListSize
from strawberry.schema.schema_converter import GraphQLCoreConverter

from shared.graphql.limits.formula import Argument, Size, Slice, literal_size

# That of a page without arguments, and the router's `default_list_size`.
DEFAULT_LIST_SIZE = 20


@dataclass(frozen=True, slots=True)
class _ListSize:
    arguments: tuple[tuple[str, int | None], ...]
    assumed: int
    sizes_children: bool

    def size(self, node: FieldNode) -> Size:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        candidates: list[Argument | int] = []
        for name, default in self.arguments:
            value = given.get(name)
            if isinstance(value, VariableNode):
                candidates.append(Argument(value.name.value, default))
            elif isinstance(value, IntValueNode):
                candidates.append(literal_size(value.value))
            elif value is None and default is not None:
                candidates.append(default)
        if any(isinstance(candidate, Argument) for candidate in candidates):
            return Slice(tuple(candidates), self.assumed)
        return max((candidate for candidate in candidates if isinstance(candidate, int)), default=self.assumed)


@dataclass(frozen=True, slots=True)
class _Field:
    type_name: str
    weight: int
    is_list: bool
    list_size: _ListSize | None


@dataclass(frozen=True, slots=True)
class Costs:
    """The weights and sizes of a schema, read once."""

    fields: Mapping[str, Mapping[str, _Field]]
    # For each type the fields whose size a field that answers the type gives, such as `edges`.
    sized_fields: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "Costs":
        fields: dict[str, dict[str, _Field]] = {}
        sized: dict[str, set[str]] = {}
        for name, kind in schema.type_map.items():
            if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
                continue
            fields[name] = {}
            for field_name, field in kind.fields.items():
                directive = _directive(field, ListSize)
                fields[name][field_name] = described = _described(field, directive)
                if directive is not None and directive.sized_fields:
                    sized.setdefault(described.type_name, set()).update(directive.sized_fields)
        return cls(fields, {name: frozenset(names) for name, names in sized.items()})


def _described(field: GraphQLField, list_size: ListSize | None) -> _Field:
    named = get_named_type(field.type)
    cost = _directive(field, Cost) or _directive(named, Cost)
    composite = isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
    return _Field(
        type_name=named.name,
        weight=cost.weight if cost else int(composite),
        is_list=is_list_type(get_nullable_type(field.type)),
        list_size=_sizing(field, list_size) if list_size else None,
    )


def _sizing(field: GraphQLField, directive: ListSize) -> _ListSize:
    names = directive.slicing_arguments or []
    defaults = {name: field.args[name].default_value for name in names}
    return _ListSize(
        arguments=tuple((name, value if isinstance(value, int) else None) for name, value in defaults.items()),
        assumed=directive.assumed_size if isinstance(directive.assumed_size, int) else DEFAULT_LIST_SIZE,
        sizes_children=bool(directive.sized_fields),
    )


_D = TypeVar("_D", Cost, ListSize)


def _directive(element: GraphQLField | GraphQLNamedType, kind: type[_D]) -> _D | None:
    definition = element.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    found = (each for each in getattr(definition, "directives", None) or () if isinstance(each, kind))
    return next(found, None)


_costs: "WeakKeyDictionary[GraphQLSchema, Costs]" = WeakKeyDictionary()


def costs_of(schema: GraphQLSchema) -> Costs:
    """The weights and sizes of a schema, read the first time that they are asked for."""
    costs = _costs.get(schema)
    if costs is None:
        costs = _costs[schema] = Costs.of(schema)
    return costs
