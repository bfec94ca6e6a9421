"""Limits of operations: what is counted, and that no document takes long to refuse."""

import contextlib
import json
from collections.abc import Callable

import pytest
import strawberry
from graphql import GraphQLError, get_introspection_query, parse, validate
from hypothesis import given
from hypothesis import strategies as st
from strawberry.federation.schema_directives import Cost

from shared.errors import BadRequest, TooComplex
from shared.graphql.limits import (
    DEFAULT_LIMITS,
    Limits,
    check_document,
    check_variables,
    list_size,
    parse_limited,
)
from tests.support.cpu import LIMIT_SECONDS, cpu_seconds

PAGE = list_size(
    slicing_arguments=["first", "last"],
    sized_fields=["nodes", "edges"],
    require_one_slicing_argument=False,
)


@strawberry.type
class User:
    name: str


@strawberry.federation.type(keys=["id"])
class Task:
    id: strawberry.ID
    title: str
    poster: User
    watchers: list[User]
    labels: list[str]
    photos: list[User] = strawberry.federation.field(directives=[list_size(assumed_size=3)])
    heavy: User = strawberry.federation.field(directives=[Cost(weight=25)])
    digest: str = strawberry.federation.field(directives=[Cost(weight=5)])
    parent: "Task | None"

    @strawberry.federation.field(directives=[PAGE])
    def subtasks(self, first: int | None = None, last: int | None = None) -> "TaskConnection":
        return TaskConnection(nodes=[], edges=[], total_count=0)

    @strawberry.federation.field(directives=[list_size(slicing_arguments=["limit"])])
    def top(self, limit: int = 7) -> "list[Task]":
        return []


@strawberry.type
class TaskEdge:
    node: Task


@strawberry.type
class TaskConnection:
    nodes: list[Task]
    edges: list[TaskEdge]
    total_count: int


@strawberry.input
class Filter:
    tags: list[str] | None = None
    inner: "Filter | None" = None


@strawberry.type
class Query:
    @strawberry.federation.field(directives=[PAGE])
    def tasks(self, first: int | None = None, last: int | None = None, filter: Filter | None = None) -> TaskConnection:
        return TaskConnection(nodes=[], edges=[], total_count=0)

    @strawberry.field
    def task(self, id: strawberry.ID | None = None) -> Task | None:
        return None

    plain: TaskConnection


@strawberry.type
class Mutation:
    touch: Task


SCHEMA = strawberry.federation.Schema(query=Query, mutation=Mutation, federation_version="2.9")._schema


def cost(query: str, variables: dict[str, object] | None = None, limits: Limits = DEFAULT_LIMITS) -> int:
    return check_variables(check_document(SCHEMA, parse_limited(query), None, limits), variables or {})


def refusal(query: str, variables: dict[str, object] | None = None) -> dict[str, str | int | float]:
    with pytest.raises(TooComplex) as raised:
        cost(query, variables)
    return raised.value.extensions


# --- cost ---


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ("{ task { id title labels } }", 1),
        ("{ task { poster { name } } }", 2),
        ("{ task { watchers { name } } }", 1 + 20),
        ("{ task { photos { name } } }", 1 + 3),
        ("{ task { heavy { name } } }", 1 + 25),
        ("{ task { digest } }", 1 + 5),
        ("{ task { top { id } } }", 1 + 7),
        ("{ task { top(limit: 4) { id } } }", 1 + 4),
        ("{ tasks { totalCount } }", 1),
        ("{ tasks { nodes { id } } }", 1 + 20),
        ("{ tasks(first: 5) { nodes { id } } }", 1 + 5),
        ("{ tasks(first: 5, last: 7) { nodes { id } } }", 1 + 7),
        ("{ tasks(first: null) { nodes { id } } }", 1 + 20),
        ("{ tasks(first: -5) { nodes { id } } }", 1),
        ("{ tasks(first: 5) { edges { node { id } } } }", 1 + 5 * 2),
        ("{ tasks(first: 5) { nodes { poster { name } } totalCount } }", 1 + 5 * 2),
        ("{ tasks(first: 3) { nodes { subtasks(first: 4) { nodes { id } } } } }", 1 + 3 * (1 + 1 + 4)),
        ("{ tasks(first: 3) { ... { nodes { id } } ...F } } fragment F on TaskConnection { nodes { id } }", 1 + 3 + 3),
        ("{ plain { nodes { id } } }", 1 + 20),
        ("mutation { touch { id } }", 10 + 1),
        ("{ a: task { id } b: task { id } }", 2),
        ("{ unknown { unknown } }", 0),
    ],
)
def test_the_cost_counts_objects_by_list_sizes(query: str, expected: int) -> None:
    assert cost(query) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, 1 + 20),
        ({"first": None}, 1 + 20),
        ({"first": 3}, 1 + 3),
        ({"first": 3.0}, 1 + 3),
        ({"last": 7}, 1 + 7),
        ({"first": 3, "last": 7}, 1 + 7),
        ({"first": -3}, 1),
        ({"first": "100"}, 1 + 20),
        ({"first": True}, 1 + 20),
        ({"first": [100]}, 1 + 20),
        ({"first": float("nan")}, 1 + 20),
    ],
)
def test_sizes_given_as_variables_count_as_sent(variables: dict[str, object], expected: int) -> None:
    query = "query ($first: Int, $last: Int) { tasks(first: $first, last: $last) { nodes { id } } }"

    assert cost(query, variables) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("query ($n: Int = 5) { tasks(first: $n) { nodes { id } } }", 1 + 5),
        ("query ($n: Int) { task { top(limit: $n) { id } } }", 1 + 7),
        ("query ($n: Int = 2) { task { top(limit: $n) { id } } }", 1 + 2),
    ],
)
def test_a_variable_that_is_not_sent_has_its_default(query: str, expected: int) -> None:
    assert cost(query) == expected


@pytest.mark.parametrize("size", [10_000, 10**30, float("inf"), 1e300])
def test_a_huge_size_is_refused(size: float) -> None:
    query = "query ($first: Int) { tasks(first: $first) { nodes { id } } }"

    assert refusal(query, {"first": size}) == {"code": "TOO_COMPLEX", "limit": "cost", "maximum": 5_000}


def test_a_huge_literal_size_is_refused() -> None:
    assert refusal("{ tasks(first: " + "9" * 20_000 + ") { nodes { id } } }")["limit"] == "cost"


selections = st.recursive(
    st.sampled_from(["id", "title", "digest", "poster { name }", "watchers { name }", "heavy { name }"]),
    lambda inner: st.builds(
        lambda field, parts: field % " ".join(parts),
        st.sampled_from(
            [
                "parent { %s }",
                "top { %s }",
                "top(limit: $n) { %s }",
                "subtasks { nodes { %s } }",
                "subtasks(first: $n) { edges { node { %s } } }",
                "... on Task { %s }",
                "<%s>",
            ]
        ),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=12,
)


def render(selection: str, replace: Callable[[str], str]) -> str:
    """The selection with every innermost `<…>` replaced, until none is left."""
    while "<" in selection:
        start = selection.rindex("<")
        end = selection.index(">", start)
        selection = selection[:start] + replace(selection[start + 1 : end]) + selection[end + 1 :]
    return selection


@given(selections, st.integers(0, 5))
def test_fragments_and_variables_change_nothing(selection: str, size: int) -> None:
    limits = Limits(depth=1_000, cost=10**30, tokens=10**6)
    fragments: list[str] = []

    def spread(body: str) -> str:
        fragments.append(f"fragment F{len(fragments)} on Task {{ {body} }}")
        return f"...F{len(fragments) - 1} ...F{len(fragments) - 1}"

    with_fragments = render(selection, spread)
    inline = render(selection, lambda body: f"{body} {body}").replace("$n", str(size))

    document = f"query ($n: Int) {{ task {{ {with_fragments} }} }} {' '.join(fragments)}"
    assert cost(document, {"n": size}, limits) == cost(f"{{ task {{ {inline} }} }}", {}, limits)


# --- the other measures ---


def nested(depth: int) -> str:
    return "{ task { " + "parent { " * (depth - 2) + "id" + " }" * (depth - 2) + " } }"


def aliased(count: int) -> str:
    return "{ task { " + " ".join(f"a{i}: id" for i in range(count)) + " } }"


def doubling(levels: int, body: str) -> str:
    """A document of `levels` fragments that ask for `body` 2 to the power of `levels` times."""
    fragments = "".join(f"fragment F{i} on Task {{ ...F{i + 1} ...F{i + 1} }} " for i in range(levels))
    return f"{{ task {{ ...F0 }} }} {fragments} fragment F{levels} on Task {{ {body} }}"


ENTITIES = "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Task { title } } }"


@pytest.mark.parametrize(
    ("limit", "maximum", "fits", "exceeds"),
    [
        ("tokens", 1_000, "{ task { " + "id " * 994 + "} }", "{ task { " + "id " * 996 + "} }"),
        ("document length", 30_000, "{ task { id } }".ljust(30_000), "{ task { id } }".ljust(30_001)),
        ("nesting", 64, "{ ...{ " * 32 + "task { id } " + "} }" * 32, None),
        ("depth", 12, nested(12), nested(13)),
        ("depth", 12, None, "{ task { ...F } } fragment F on Task " + nested(13).removeprefix("{ task ")[:-1]),
        ("aliases", 30, aliased(30), aliased(31)),
        ("aliases", 30, doubling(4, "a: id"), doubling(5, "a: id")),
        ("directives", 50, "{ task { " + "id @skip(if: true) " * 50 + "} }", "{ task { " + "id @a " * 51 + "} }"),
        ("directives", 50, None, doubling(6, "id @a")),
        ("directives", 50, None, "query " + "@a " * 51 + "{ __typename }"),
        ("root fields", 50, "{ " + "__typename " * 50 + "}", "{ " + "__typename " * 51 + "}"),
        ("root fields", 50, None, "{ ...R ...R } fragment R on Query { " + "__typename " * 26 + "}"),
        (
            "cost",
            5_000,
            "{ tasks(first: 4999) { nodes { id } } }",
            "{ tasks(first: 5000) { nodes { id } } }",
        ),
        ("cost", 5_000, doubling(11, "poster { name }"), doubling(13, "poster { name }")),
        (
            "representations",
            1_000,
            "{ _entities(representations: [" + "1 " * 500 + "]) { __typename } }",
            None,
        ),
        ("introspection depth", 20, None, "{ __type(name: 1) { " + "ofType { " * 20 + "name " + "} " * 20 + "} }"),
    ],
)
def test_each_limit_is_exact_and_named(limit: str, maximum: int, fits: str | None, exceeds: str | None) -> None:
    if limit == "nesting":
        fits, exceeds = "{ " + "... { " * 63 + "__typename" + " }" * 64, "{ " + "... { " * 64 + "__typename" + " }" * 65
    if fits is not None:
        cost(fits)
    if exceeds is not None:
        assert refusal(exceeds) == {"code": "TOO_COMPLEX", "limit": limit, "maximum": maximum}


def test_representations_are_counted_in_the_variables() -> None:
    reference = {"__typename": "Task", "id": "task_1"}

    assert cost(ENTITIES, {"r": [reference] * 1_000}) == 1_000
    assert refusal(ENTITIES, {"r": [reference] * 1_001}) == {
        "code": "TOO_COMPLEX",
        "limit": "representations",
        "maximum": 1_000,
    }


def test_each_representation_costs_what_is_selected_on_it() -> None:
    query = ENTITIES.replace("title", "subtasks { nodes { id } }")

    assert cost(query, {"r": [{}] * 10}) == 10 * (1 + 1 + 20)
    assert refusal(query, {"r": [{}] * 300})["limit"] == "cost"


def test_only_the_operation_that_runs_is_measured() -> None:
    document = parse_limited("query Small { task { id } } query Deep " + nested(20))

    assert check_variables(check_document(SCHEMA, document, "Small"), {}) == 1
    with pytest.raises(TooComplex):
        check_document(SCHEMA, document, "Deep")
    for name in (None, "Missing"):
        with pytest.raises(BadRequest):
            check_document(SCHEMA, document, name)


@pytest.mark.parametrize("descriptions", [True, False])
def test_the_standard_introspection_query_passes(descriptions: bool) -> None:
    query = get_introspection_query(descriptions, True, True, True, True)
    document = parse_limited(query)

    assert check_variables(check_document(SCHEMA, document), {}) == 500
    assert validate(SCHEMA, document) == []


@pytest.mark.parametrize(
    "query",
    [
        "{ task { ...A } } fragment A on Task { ...A }",
        "{ task { ...A } } fragment A on Task { ...B } fragment B on Task { parent { ...A } }",
    ],
)
def test_a_fragment_that_spreads_itself_is_refused(query: str) -> None:
    with pytest.raises(BadRequest, match="spreads itself"):
        cost(query)


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [("", 1, 1), ("{", 1, 2), ("{\n  task(", 2, 8), ('{ task(id: "a', 1, 14), ("{ a ~ }", 1, 5)],
)
def test_a_syntax_error_is_a_bad_request_with_its_place(query: str, line: int, column: int) -> None:
    with pytest.raises(BadRequest) as raised:
        parse_limited(query)

    assert raised.value.extensions == {"code": "BAD_REQUEST", "line": line, "column": column}


@pytest.mark.parametrize(
    "query",
    [
        '{ task(id: "a\x00") { id } }',
        '{ task(id: "a\\u0000") { id } }',
        '{ task(id: "a\\u{0}") { id } }',
        '{ task(id: "\\\\\\u0000") { id } }',
        '{ tasks(filter: { tags: ["a", "\\u{000}"] }) { totalCount } }',
        'query ($id: ID = "\\u0000") { task(id: $id) { id } }',
        '{ task(id: "\\ud800") { id } }',
    ],
)
def test_a_literal_that_no_column_takes_is_refused(query: str) -> None:
    with pytest.raises(BadRequest):
        parse_limited(query)


@pytest.mark.parametrize("text", ['"\\\\u0000"', '"""\\u0000"""', '"\\u0001"', '"\\u{1F600}"', '"\\ud83d\\ude00"'])
def test_other_escapes_pass(text: str) -> None:
    parse_limited("{ task(id: " + text + ") { id } }")


lexemes = st.sampled_from(
    ["{", "}", "(", ")", "[", "]", ":", "$", "!", "&", "|", "=", "@", "...", "a", "_b1", "0", "-1", "1.5", "2e-3",
     '""', '"x"', '"\\""', '"\\\\"', '"#"', '""""""', '"""a "quoted" \\""" b"""', '"""\n"""', "# c {\n", ",", "\ufeff",
     "\t", "\r\n"]
)  # fmt: skip


@given(st.lists(lexemes, max_size=40))
def test_tokens_are_counted_as_the_parser_reads_them(parts: list[str]) -> None:
    """The parser's own count includes comments."""
    values = [part for part in parts if part not in "{}()[]:$!&|=@..."]
    query = "{ f(a: [" + " ".join(values) + "]) }"
    tokens = parse(query).token_count - values.count("# c {\n")

    parse_limited(query, Limits(tokens=tokens))
    with pytest.raises(TooComplex):
        parse_limited(query, Limits(tokens=tokens - 1))


@given(st.lists(lexemes, max_size=60).map(" ".join) | st.text(max_size=200))
def test_any_text_is_parsed_or_refused(query: str) -> None:
    try:
        document = parse_limited(query)
    except (BadRequest, TooComplex):
        if "\x00" not in query:
            with pytest.raises(GraphQLError):
                parse(query, max_lexical_tokens=1_000)
        return
    with contextlib.suppress(BadRequest, TooComplex):
        check_document(SCHEMA, document)


def test_a_page_of_components_with_a_fragment_each_is_valid() -> None:
    """The budget for comparing fields of the same name leaves room for what clients generate."""
    body = "id title labels poster { name } subtasks { nodes { id title } }"
    query = (
        "{ task { " + " ".join(f"...Part{i}" for i in range(12)) + " } } "
        + " ".join(f"fragment Part{i} on Task {{ {body} }}" for i in range(12))
    )  # fmt: skip

    assert validate(SCHEMA, parse_limited(query)) == []


# --- time ---


def chain(count: int, link: str, last: str = "id") -> str:
    """A query that spreads the first of `count` fragments; `link` spreads the next one, `%d`."""
    fragments = "".join(f"fragment F{i} on Task {{ {link.replace('%d', str(i + 1))} }} " for i in range(count))
    return f"{{ task {{ ...F0 }} }} {fragments} fragment F{count} on Task {{ {last} }}"


MEGABYTE = 1_000_000
HOSTILE = {
    "brackets": "{" * MEGABYTE,
    "brackets of lists": "{ f(a: " + "[" * 29_000,
    "brackets within the tokens": "{ f(a: " + "[" * 900 + "]" * 90 + ") }",
    "list types": "query ($a: " + "[" * 900 + ") { id }",
    "punctuation": "!" * 29_999,
    "unclosed string": '"' + "a" * 29_000,
    "unclosed strings": '"a\n' * 9_000,
    "unclosed block string": '"""' + "a" * 29_000,
    "quotes": '"' * 29_999,
    "quotes and backslashes": '"\\' * 14_999,
    "block quotes and backslashes": '"""' + '\\"' * 14_000,
    "long string": '{ task(id: "' + "a" * 29_000 + '") { id } }',
    "long escaped string": '{ task(id: "' + "\\u00e9" * 4_900 + '") { id } }',
    "long block string": '{ task(id: """' + "a\n" * 14_000 + '""") { id } }',
    "long name": "{ " + "a" * 29_000 + " }",
    "long names": "{ task { " + ("a" * 29 + " ") * 900 + "} }",
    "distinct unknown names": "{ task { " + " ".join(f"{'titl' * 5}{i}" for i in range(900)) + "} }",
    "comments": "{ " + "#\n" * 14_000 + "task { id } }",
    "one comment": "#" * MEGABYTE,
    "blanks": "{ task { id } }".ljust(30_000),
    "byte order marks": "\ufeff" * 29_999,
    "numbers": "{ task(id: " + "1" * 29_000 + ") { id } }",
    "same leaf": "{ task { " + "id " * 990 + "} }",
    "same object": "{ task { " + "parent { id } " * 240 + "} }",
    "same nested object": "{ task { " + "parent { parent { parent { id } } } " * 95 + "} }",
    "same inline fragment": "{ task { " + "... { parent { id } } " * 140 + "} }",
    "conflicting arguments": "{ task { " + "top(limit: 1) { id } top(limit: 2) { id } " * 50 + "} }",
    "fragments spread once": chain(115, "...F%d"),
    "fragments spread twice": chain(80, "...F%d ...F%d"),
    "fragments spread twice below a field": chain(10, "parent { ...F%d } parent { ...F%d }"),
    "fragments spread many times": chain(20, "...F%d " * 20),
    "fragments spread twice below a sized field": chain(5, "subtasks(first: $n) { nodes { ...F%d ...F%d } } " * 2),
    "fragments that spread each other": "{ task { " + " ".join(f"...F{i}" for i in range(28)) + "} } "
    + "".join(
        f"fragment F{i} on Task {{ id {' '.join(f'...F{j}' for j in range(i + 1, 28))} }} " for i in range(28)
    ),
    "fragments beside each other": "{ task { " + " ".join(f"...F{i}" for i in range(110)) + "} } "
    + "".join(f"fragment F{i} on Task {{ id }} " for i in range(110)),
    "a circle of fragments": "{ task { ...F0 } } "
    + "".join(f"fragment F{i} on Task {{ ...F{(i + 1) % 75} ...F{(i + 1) % 75} }} " for i in range(75)),
    "unused circle of fragments": "{ task { id } } "
    + "".join(f"fragment F{i} on Task {{ ...F{(i + 1) % 75} ...F{(i + 1) % 75} }} " for i in range(75)),
    "operations that share fragments": chain(40, "...F%d").replace("{ task", "query Q { task", 1)
    + "".join(f" query Q{i} {{ task {{ ...F0 }} }}" for i in range(50)),
    "variables": "query (" + "$a: Int " * 230 + ") { task { id } }",
    "unused variables": "query (" + " ".join(f"$a{i}: Int" for i in range(230)) + ") { task { id } }",
    "directives": "{ task { id " + "@skip(if: true) " * 49 + "} }",
    "unknown directives": "{ task { id " + "@a " * 400 + "} }",
    "arguments": "{ task(" + "id: 1 " * 320 + ") { id } }",
    "input fields": "{ tasks(filter: {" + "tags: 1 " * 320 + "}) { nodes { id } } }",
    "nested input": "{ tasks(filter: " + "{ inner: " * 60 + "null" + " }" * 60 + ") { nodes { id } } }",
    "introspection spread twice": "{ __schema { types { ...F0 } } } "
    + "".join(f"fragment F{i} on __Type {{ ofType {{ ...F{i + 1} }} ofType {{ ...F{i + 1} }} }} " for i in range(16))
    + "fragment F16 on __Type { name }",
}  # fmt: skip


@pytest.mark.timing
@pytest.mark.parametrize("case", HOSTILE)
def test_no_document_takes_long(case: str) -> None:
    """Parsing, limits and graphql-core's own validation together."""
    query = HOSTILE[case]
    name = "Q" if "query Q " in query else None

    def run() -> None:
        try:
            document = parse_limited(query)
            check_variables(check_document(SCHEMA, document, name), {"n": 100})
            validate(SCHEMA, document, max_errors=20)
        except (BadRequest, TooComplex):
            pass

    assert cpu_seconds(run) < LIMIT_SECONDS


@pytest.mark.timing
@pytest.mark.parametrize("size", [1, 100, 2**31 - 1])
def test_variables_are_checked_in_no_time(size: int) -> None:
    query = "query ($n: Int) " + chain(5, "subtasks(first: $n) { nodes { ...F%d ...F%d } } " * 2)
    known = check_document(SCHEMA, parse_limited(query))

    def run() -> None:
        with contextlib.suppress(TooComplex):
            check_variables(known, {"n": size})

    assert cpu_seconds(run, 0.005) < 0.005


@pytest.mark.timing
def test_many_representations_are_counted_in_no_time() -> None:
    known = check_document(SCHEMA, parse_limited(ENTITIES))
    variables = {"r": json.loads("[" + ",".join(["{}"] * 300_000) + "]")}

    def run() -> None:
        with pytest.raises(TooComplex):
            check_variables(known, variables)

    assert cpu_seconds(run, 0.005) < 0.005
