"""Every place in a schema where a client can write a text, found in the schema itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_required_argument,
    is_required_input_field,
    is_scalar_type,
)

SUBGRAPHS = Path(__file__).parents[2] / "subgraphs"
_NUMBERS = {"Int": 1, "Float": 1.5, "Boolean": True}

# What stands in the other fields, so that an input gets as far as the one that is tried. By name; `<…>` is the scene's.
_GOOD = {
    "taskId": "<walter draft>",
    "bidId": "<bid>",
    "userId": "<victor>",
    "taskerId": "<victor>",
    "sessionId": "<walter session>",
    "notificationIds": "<notification>",
    "categoryId": "<category>",
    "categoryIds": "<category>",
    "posterId": "<paula>",
    "id": "<task>",
    "email": "somebody.else@example.com",
    "password": "correct horse battery staple",
    "newPassword": "another correct horse battery staple",
    "currentPassword": "not the current one",
    "amount": "100.00",
    "dueAt": "2030-01-01T00:00:00Z",
}
_DEFAULT = "A text that is as good as any other, and long enough for all."


@dataclass(frozen=True)
class TextField:
    """One text of one root field: where it stands in the arguments, and what its scalar is."""

    root: str
    """`Query` or `Mutation`."""
    field: str
    path: tuple[str, ...]
    scalar: str

    @property
    def name(self) -> str:
        return f"{self.field}({'.'.join(self.path)})"


@cache
def schema_of(subgraph: str) -> GraphQLSchema:
    """The schema as it is printed."""
    text = (SUBGRAPHS / subgraph / "schema.graphql").read_text()
    return build_schema(text, assume_valid=True, assume_valid_sdl=True)


def text_fields(subgraph: str) -> Iterator[TextField]:
    """Every argument and input field that is a string, an id or another scalar that is written as a text."""
    schema = schema_of(subgraph)
    for root in (schema.query_type, schema.mutation_type):
        for name, field in (root.fields if root else {}).items():
            if root is not None and not name.startswith("_"):
                for argument, declared in field.args.items():
                    for path, scalar in _paths(declared.type, (argument,)):
                        yield TextField(root.name, name, path, scalar)


def _paths(kind: GraphQLInputType, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        for name, field in named.fields.items():
            yield from _paths(field.type, (*path, name))
    elif is_scalar_type(named) and named.name not in _NUMBERS:
        yield path, named.name


def operation(subgraph: str, at: TextField, value: object) -> tuple[str, dict[str, object]]:
    """A document that calls the root field, and variables that are good but for the value in its place."""
    schema = schema_of(subgraph)
    root = schema.query_type if at.root == "Query" else schema.mutation_type
    assert root is not None
    field = root.fields[at.field]
    used = {
        name: declared for name, declared in field.args.items() if name == at.path[0] or is_required_argument(declared)
    }
    variables = {name: _good(name, declared, at.path, value) for name, declared in used.items()}
    declared = ", ".join(f"${name}: {argument.type}" for name, argument in used.items())
    passed = ", ".join(f"{name}: ${name}" for name in used)
    answer = get_named_type(field.type)
    selection = (
        "{ __typename userErrors { code message field } }" if "userErrors" in getattr(answer, "fields", {}) else ""
    )
    if not selection and not is_scalar_type(answer):
        selection = "{ __typename }"
    return f"{at.root.lower()} ({declared}) {{ {at.field}({passed}) {selection} }}", variables


def _good(name: str, declared: GraphQLArgument | GraphQLInputField, path: tuple[str, ...], value: object) -> object:
    tried = path[0] == name
    kind = declared.type.of_type if isinstance(declared.type, GraphQLNonNull) else declared.type
    named = get_named_type(kind)
    result: object
    if isinstance(named, GraphQLInputObjectType):
        rest = path[1:] if tried else ("",)
        result = _object(named.fields, rest, value)
    elif tried and len(path) == 1:
        result = value
    elif isinstance(named, GraphQLEnumType):
        result = next(iter(named.values))
    else:
        result = _NUMBERS.get(named.name, _GOOD.get(name, _DEFAULT))
    return [result] if isinstance(kind, GraphQLList) else result


def _object(fields: Mapping[str, GraphQLInputField], path: tuple[str, ...], value: object) -> dict[str, object]:
    return {
        name: _good(name, field, path, value)
        for name, field in fields.items()
        if name == path[0] or is_required_input_field(field)
    }
