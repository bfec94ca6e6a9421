"""From the rows of the matrix to documents, and from answers back to its words."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    parse,
    validate,
)

from shared.access import EMPTY, NULL, OWN, SILENT, VALUE, Answer
from shared.matrix import Cell, field_of, is_by_id, is_look_up

Data = dict[str, Any]
Tree = dict[str, "Tree"]
Path = tuple[str, ...]

ENTITIES, NODE = "_entities", "node"
_ABSTRACT = {ENTITIES: "_Entity", NODE: "Node"}
ROOTS = {"Query": "query", "Mutation": "mutation", "Subscription": "subscription"}
_COUNTS = re.compile(r"(\w*C|c)ount")
# What fields take where rows name them without arguments.
_ARGUMENTS = {"distanceMeters": "(from: {latitude: 0, longitude: 0})"}
_NUMBERS = {"version", "latitude", "longitude"}
_ID = re.compile(r"[a-z]+_[0-9a-hjkmnp-tv-z]{26}")


@dataclass
class Question:
    """One root field with all that is asked below it, about one object."""

    operation: str
    root: str
    about: str
    entity: str = ""
    """The type of the object, if the root answers many."""
    tree: Tree = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)
    """Where the answer of a row stands, by the row's key."""

    def text(self, alias: str, values: Mapping[str, object]) -> str:
        """The field with an alias and an object's values in place of their names."""
        below = _selection(self.tree)
        if self.entity:
            below = f"{{ __typename ... on {self.entity} {below} }}"
        return f"{alias}: {_filled(self.root, values)} {below if self.tree else ''}"


def row_of(cell: Cell) -> str:
    """What the cells of all actors have in common."""
    return f"{cell.type}.{cell.field} {cell.place} {cell.at}"


def questions(schema: GraphQLSchema, cells: Iterable[Cell], *, by: str = "") -> list[Question]:
    """What to ask a schema about these cells; cells that it cannot be asked about are left out.

    `by`: by the id of an object, of `_entities` straight at the subgraph whose schema it is, or of `node`.
    """
    asked: dict[tuple[str, str, str], Question] = {}
    for cell in cells:
        question = _question_by_id(schema, cell, by) if by else _question(schema, cell)
        if question is not None:
            known = asked.setdefault((question.operation, question.root, question.about), question)
            if known is not question:
                _merge(known.tree, question.tree)
                known.places |= question.places
    return list(asked.values())


def _question(schema: GraphQLSchema, cell: Cell) -> Question | None:
    if is_by_id(cell.at) and cell.type not in ROOTS:
        return None
    root, *below = steps(cell.at)
    for type_, operation in ROOTS.items():
        root_type = schema.type_map.get(type_)
        if isinstance(root_type, GraphQLObjectType) and field_of(root) in root_type.fields:
            tree, path = _walk(root_type.fields[field_of(root)].type, below, cell, is_root=cell.type == type_)
            return Question(operation, root, cell.about, tree=tree, places={row_of(cell): path})
    return None


def _question_by_id(schema: GraphQLSchema, cell: Cell, by: str) -> Question | None:
    """By id, where the row begins with a look-up by id or is asked by id alone."""
    root, *below = steps(cell.at) if cell.at else ("",)
    if cell.type in ROOTS or not (is_by_id(cell.at) or is_look_up(root)):
        return None
    name = cell.type if not below else field_of(root)[:1].upper() + field_of(root)[1:]
    abstract, type_ = schema.type_map.get(_ABSTRACT[by]), schema.type_map.get(name)
    if not isinstance(abstract, GraphQLUnionType | GraphQLInterfaceType) or not isinstance(type_, GraphQLObjectType):
        return None
    if not schema.is_sub_type(abstract, type_):
        return None
    found = re.search(r"\$\w+", root)
    variable = found[0] if found else "$id"
    roots = {
        ENTITIES: f'_entities(representations: [{{__typename: "{name}", id: {variable}}}])',
        NODE: f"node(id: {variable})",
    }
    tree, path = _walk(type_, below, cell, is_root=False)
    return Question("query", roots[by], cell.about, name, tree, {row_of(cell): path})


def _walk(type_: object, below: Sequence[str], cell: Cell, *, is_root: bool) -> tuple[Tree, Path]:
    """What to select below a field of this type, and the path to the cell's answer."""
    here = get_named_type(type_)
    tree = _identity(here)
    if below:
        inner, path = _walk(_fields(here)[field_of(below[0])].type, below[1:], cell, is_root=is_root)
        tree.setdefault(below[0], {})
        _merge(tree[below[0]], inner)
        return tree, (field_of(below[0]), *path)
    if is_root:
        if "userErrors" in _fields(here):
            tree["userErrors"] = {"code": {}}
        return tree, ()
    declared = _fields(here)[cell.field]
    arguments = _ARGUMENTS.get(cell.field, "") if declared.args else ""
    _merge(tree, {f"{cell.field}{arguments}": _identity(get_named_type(declared.type))})
    return tree, (cell.field,)


def _identity(type_: GraphQLNamedType | None) -> Tree:
    """The least that tells which object it is."""
    if type_ is None or is_leaf_type(type_):
        return {}
    fields = _fields(type_)
    if "nodes" in fields:
        return {"nodes": _identity(get_named_type(fields["nodes"].type))}
    return {"id": {}} if "id" in fields else {"__typename": {}}


def _fields(type_: object) -> dict[str, Any]:
    return type_.fields if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else {}


def _merge(tree: Tree, other: Tree) -> None:
    for name, below in other.items():
        _merge(tree.setdefault(name, {}), below)


def _selection(tree: Tree) -> str:
    return "{ " + " ".join(f"{name} {_selection(below) if below else ''}" for name, below in tree.items()) + " }"


def _filled(text: str, values: Mapping[str, object]) -> str:
    return re.sub(r"\$(\w+)", lambda name: json.dumps(values[name[1]]), text)


def document(operation: str, asked: Mapping[str, tuple[Question, Mapping[str, object]]]) -> str:
    """One document of several questions, by their aliases."""
    return f"{operation} {{ {' '.join(question.text(alias, values) for alias, (question, values) in asked.items())} }}"


def steps(at: str) -> list[str]:
    """The fields of `at`, with their arguments."""
    return re.findall(r"\w+(?:\((?:\"[^\"]*\"|[^\"])*?\)(?=\.|$))?", at)


def mistakes(schema: GraphQLSchema, question: Question) -> list[str]:
    """What is wrong with a question according to the schema."""

    class Anything(dict[str, object]):
        def __missing__(self, name: str) -> object:
            return 1 if name in _NUMBERS else "x"

    text = document(question.operation, {"q": (question, Anything())})
    return [error.message for error in validate(schema, parse(text))]


def judge(row: str, question: Question, alias: str, answer: Data, subject_id: str) -> Answer:
    """The word for what a row was answered."""
    path = question.places[row]
    for error in answer.get("errors") or ():
        at = [step for step in error.get("path") or () if isinstance(step, str)]
        if at == [alias, *path][: len(at)]:
            return Answer(f"`{error['extensions']['code']}`", refusal=True)
    root = (answer.get("data") or {}).get(alias)
    if question.operation == "mutation" and not path:
        return _outcome(root, subject_id)
    return judge_value(root, path, subject_id, name=path[-1] if path else field_of(question.root))


def _outcome(payload: Data | None, subject_id: str) -> Answer:
    if payload is None:
        return NULL
    if payload["userErrors"]:
        return Answer(f"`{payload['userErrors'][0]['code']}`")
    names = [name for name in payload if name not in ("userErrors", "__typename")]
    gives = [judge_value(payload, (name,), subject_id, name=name) for name in names]
    return next((each for each in gives if each in (VALUE, OWN)), EMPTY) if gives else VALUE


def judge_value(root: object, path: Path, subject_id: str, *, name: str = "") -> Answer:
    """The word for what stands at a path of an answer, in a field of this name; of several values one is enough."""
    words = {_word(value, name) for value in _leaves(root, path)}
    if VALUE in words:
        ids = {each for each in _ID.findall(json.dumps(root)) if each.split("_")[0] == subject_id.split("_")[0]}
        return OWN if ids and subject_id not in ids else VALUE
    return NULL if NULL in words else EMPTY


def judge_events(events: Sequence[object], path: Path, subject_id: str) -> Answer:
    """The word for what a subscription has shown at a path."""
    if not events:
        return SILENT
    return judge_value(events, path, subject_id)


def _leaves(value: object, path: Path) -> Iterator[object]:
    if isinstance(value, list) and value:
        for each in value:
            yield from _leaves(each, path)
    elif path and isinstance(value, dict):
        yield from _leaves(value[path[0]], path[1:])
    else:
        yield value


def _word(value: object, name: str) -> Answer:
    if value is None:
        return NULL
    if value == [] or (isinstance(value, dict) and value.get("nodes") == []):
        return EMPTY
    if value == 0 and _COUNTS.fullmatch(name):
        return EMPTY
    return VALUE
