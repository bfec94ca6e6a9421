"""The authorization matrix: what each of eight actors is answered for every field of a subgraph.

It is made of the subgraph's schema and of the declarations of its `access.py`; `problems` tells what they miss.
docs/authorization.md is printed from it, and tests/e2e/test_authorization.py asks every cell of it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graphql import (
    BooleanValueNode,
    ConstArgumentNode,
    DocumentNode,
    FieldDefinitionNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
)

from shared.access import (
    EMPTY,
    ENDS,
    NULL,
    OWN,
    VALUE,
    Answer,
    Declaration,
    Mutation,
    Object,
    Query,
    Rule,
    Subscription,
    Type,
    Who,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of the matrix: what one actor is answered."""

    subgraph: str
    type: str
    field: str
    about: str
    at: str
    who: Who
    answer: Answer
    ambiguous: bool = False
    """Whether the field is declared in several places."""

    @property
    def place(self) -> str:
        """What the answer is about, and how it was asked if that is particular."""
        return f"{self.about} by id" if is_by_id(self.at) else self.about

    @property
    def id(self) -> str:
        place = f"({self.place})" if self.ambiguous else ""
        return f"{self.subgraph}.{self.type}.{self.field}{place}[{self.who}]"


_FIELD = re.compile(r"\w+")
_ROOTS = {Query: "Query", Mutation: "Mutation", Subscription: "Subscription"}
# What the federation adds; `_entities` is asked for each type, `_service` is introspection.
_FEDERATION = frozenset({"_Service", "_entities", "_service"})


def field_of(at: str) -> str:
    """The root field of `at`."""
    found = _FIELD.match(at)
    if found is None:
        raise ValueError(f"no field: {at!r}")
    return found[0]


def types_of(document: DocumentNode) -> dict[str, dict[str, FieldDefinitionNode]]:
    """The object types of a printed schema with the fields that clients get from it."""
    return {
        each.name.value: {field.name.value: field for field in each.fields or () if _is_shown(field)}
        for each in document.definitions
        if isinstance(each, ObjectTypeDefinitionNode) and each.name.value not in _FEDERATION
    }


def _is_shown(field: FieldDefinitionNode) -> bool:
    """Not what the federation adds, what is hidden, or what only another subgraph answers."""
    directives = {each.name.value for each in field.directives or ()}
    return field.name.value not in _FEDERATION and directives.isdisjoint({"external", "inaccessible"})


def entities_of(document: DocumentNode) -> set[str]:
    """The types that the subgraph answers by `_entities`, without those that it only refers to."""
    return {
        each.name.value
        for each in document.definitions
        if isinstance(each, ObjectTypeDefinitionNode)
        for directive in each.directives or ()
        if directive.name.value == "key" and not any(_is_false(argument) for argument in directive.arguments or ())
    }


def _is_false(argument: ConstArgumentNode) -> bool:
    return isinstance(argument.value, BooleanValueNode) and not argument.value.value


def cells(subgraph: str, document: DocumentNode, declarations: Iterable[Declaration]) -> list[Cell]:
    """Every cell of a subgraph's matrix."""
    rows = [row for each in declarations for row in _rows(types_of(document), each)]
    places = [(type_, field) for type_, field, _, _, _ in rows]
    return [
        Cell(subgraph, type_, field, about, at, who, answer, places.count((type_, field)) > 1)
        for type_, field, about, at, rule in rows
        for who, answer in rule.items()
    ]


_Row = tuple[str, str, str, str, Rule]


def _rows(types: Mapping[str, Mapping[str, FieldDefinitionNode]], declaration: Declaration) -> Iterator[_Row]:
    if isinstance(declaration, Type):
        for field, rule in declaration.rows:
            yield declaration.name, field, declaration.about, declaration.at, rule
    elif not isinstance(declaration, Object):
        root, field, rule = _ROOTS[type(declaration)], field_of(declaration.at), declaration.rule
        if isinstance(declaration, Subscription):
            rule = {**rule, Who.SUSPENDED: ENDS}
        yield root, field, declaration.about, declaration.at, rule
        if isinstance(declaration, Mutation):
            payload = _payload_type(types, field)
            for name in [*declaration.gives.split(), "userErrors"]:
                nullable = not isinstance(getattr(types.get(payload, {}).get(name), "type", None), NonNullTypeNode)
                rule = {who: _in_payload(name, nullable, answer) for who, answer in declaration.rule.items()}
                yield payload, name, declaration.about, declaration.at, rule


def _payload_type(types: Mapping[str, Mapping[str, FieldDefinitionNode]], mutation: str) -> str:
    declared = types.get("Mutation", {}).get(mutation)
    if declared is None:
        return f"{mutation[:1].upper()}{mutation[1:]}Payload"
    type_ = declared.type.type if isinstance(declared.type, NonNullTypeNode) else declared.type
    return cast("NamedTypeNode", type_).name.value


def _in_payload(field: str, nullable: bool, answer: Answer) -> Answer:
    """What a field of the payload is where the mutation is answered so."""
    if answer.refusal:
        return answer
    if field == "userErrors":
        return EMPTY if answer in (VALUE, OWN, EMPTY) else VALUE
    if answer in (VALUE, OWN):
        return answer
    return NULL if nullable else EMPTY


def problems(document: DocumentNode, declarations: Sequence[Declaration]) -> list[str]:
    """What is missing or superfluous, a line each: fields without answers, answers without fields."""
    types, entities = types_of(document), entities_of(document)
    objects = {each.name for each in declarations if isinstance(each, Object)}
    rows = [row for each in declarations for row in _rows(types, each)]
    asked = {(type_, field) for type_, field, *_ in rows}
    by_id = {
        (each.name, field)
        for each in declarations
        if isinstance(each, Type) and (is_by_id(each.at) or is_look_up(each.at))
        for field, _ in each.rows
    }
    existing = {(type_, field) for type_, fields in types.items() for field in fields}
    return [
        *(f"{type_}.{field}: nobody has declared who may see it" for type_, field in sorted(existing - asked)),
        *(f"{type_}.{field}: declared, but not in the schema" for type_, field in sorted(asked - existing)),
        *(
            f"{type_}.{field}: an entity's field, declared without a way by id"
            for type_, field in sorted(existing & asked)
            if type_ in entities and (type_, field) not in by_id
        ),
        *(f"{about}: no object of this name" for about in sorted({about for _, _, about, _, _ in rows} - objects)),
        *(f"{each}: declared twice" for each, count in Counter(_identity(*row) for row in rows).items() if count > 1),
    ]


def _identity(type_: str, field: str, about: str, at: str, rule: Rule) -> str:
    return Cell("", type_, field, about, at, Who.OWNER, VALUE, ambiguous=True).id.strip(".").removesuffix("[owner]")


def is_by_id(at: str) -> bool:
    """Whether `at` is for whatever object has an id."""
    return not at or field_of(at) == "node"


def is_look_up(at: str) -> bool:
    """Whether `at` is one field that takes nothing but an id."""
    return re.fullmatch(r"\w+\(id: \$\w+\)", at) is not None
