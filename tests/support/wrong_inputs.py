"""Forms that are wrong in every field at once, and what each field must be answered.

Each subgraph has a table of them, `FORMS` in `tests/<subgraph>/forms.py`, which `tests/platform/test_user_errors.py`
holds against the schema: a mutation with several fields that a rule may refuse is in it, with all of these fields.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from graphql import GraphQLInputObjectType, GraphQLInputType, GraphQLSchema, get_named_type, is_enum_type

S = TypeVar("S")
Given = dict[str, Any]

# What the caller's program fills in, not a person; or what every value is right for.
_NOT_OF_A_FORM = {"idempotencyKey", "expectedVersion"}
_ALWAYS_RIGHT = {"ID", "Boolean"}


@dataclass(frozen=True)
class Wrong:
    """A value that a rule refuses, and the user error about it."""

    value: object
    code: str = "INVALID_INPUT"
    min: str | None = None
    max: str | None = None
    allowed: Sequence[str] | None = None
    at: Sequence[str] = ()
    """The `field` of the error, where it is not the path of the value itself."""


@dataclass(frozen=True)
class Form(Generic[S]):
    """A mutation's input with nothing right in it but the ids."""

    prepare: Callable[[S], Awaitable[tuple[str, Given]]]
    """Makes what the input is about; answers who may fill it in, and the ids."""
    wrong: Mapping[str, Wrong]
    """By the path of the value, such as `amount.currency`, in the order of the schema."""
    never_wrong: Mapping[str, str] = field(default_factory=dict)
    """Why no value of a field is refused beside the others, by its path."""

    def input(self, ids: Given) -> Given:
        """What to send."""
        given = dict(ids)
        for path, wrong in self.wrong.items():
            *outer, name = path.split(".")
            place = given
            for step in outer:
                place = place.setdefault(step, {})
            place[name] = wrong.value
        return given

    def errors(self) -> list[Given]:
        """What `ERRORS` must be answered."""
        return [
            {
                "code": wrong.code,
                "field": list(wrong.at or path.split(".")),
                "min": wrong.min,
                "max": wrong.max,
                "allowed": wrong.allowed,
            }
            for path, wrong in self.wrong.items()
        ]


ERRORS = "userErrors { code field min max allowed }"


def document(mutation: str) -> str:
    """The mutation, asked for its errors alone."""
    input_type = f"{mutation[:1].upper()}{mutation[1:]}Input"
    return f"mutation ($input: {input_type}!) {{ {mutation}(input: $input) {{ {ERRORS} }} }}"


def forms_of(schema: GraphQLSchema) -> dict[str, list[str]]:
    """The fields that may be wrong, by the mutation, for those that have several."""
    mutations = schema.mutation_type.fields if schema.mutation_type else {}
    found = {name: [*_leaves(field.args["input"].type)] for name, field in mutations.items() if "input" in field.args}
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def _leaves(type_: GraphQLInputType, *outer: str) -> Iterator[str]:
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType):
        for name, declared in named.fields.items():
            if name not in _NOT_OF_A_FORM:
                yield from _leaves(declared.type, *outer, name)
    elif named.name not in _ALWAYS_RIGHT and not is_enum_type(named):
        yield ".".join(outer)
