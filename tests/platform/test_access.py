"""Every field of the graph has somebody who decided who may see it."""

import pytest
from graphql import parse

from shared.access import NULL, VALUE, Declaration, Object, Query, Type, Who, everybody
from shared.matrix import cells, is_by_id, problems
from shared.printing import access as print_access
from shared.printing.access import declarations, subgraphs, undeclared
from tests.authorization.objects import MAKERS
from tests.authorization.questions import ENTITIES, mistakes, row_of
from tests.authorization.routes import ROUTES, SUBGRAPH, Route, cells_of, public_schema, schema_of

SCHEMA = parse("""
    type Query { bid(id: ID!): Bid _entities(representations: [_Any!]!): [_Entity]! _service: _Service! }
    type Bid @key(fields: "id") { id: ID! amount: Int! }
    type User @key(fields: "id", resolvable: false) { id: ID! }
    type _Service { sdl: String! }
    union _Entity = Bid
""")
DECLARED: list[Declaration] = [
    Object("bid", "a bid", owner="who placed it"),
    Query("bid(id: $bid)", "bid", everybody(NULL, owner=VALUE)),
    Type("Bid", "bid", "bid(id: $bid)", {"id amount": everybody(NULL, owner=VALUE)}),
    Type("User", "bid", "bid(id: $bid).tasker", {"id": everybody(VALUE)}),
]


@pytest.mark.parametrize("subgraph", subgraphs())
def test_every_field_has_an_answer_for_everybody(subgraph: str) -> None:
    assert undeclared(subgraph) == []
    rows: dict[str, set[Who]] = {}
    for cell in cells_of(subgraph):
        rows.setdefault(row_of(cell), set()).add(cell.who)
    assert [row for row, asked in rows.items() if asked != set(Who)] == []


def test_a_whole_declaration_has_no_problems() -> None:
    assert problems(SCHEMA, DECLARED) == []
    assert [cell.id for cell in cells("bids", SCHEMA, DECLARED)][:2] == [
        "bids.Query.bid[anonymous]",
        "bids.Query.bid[owner]",
    ]


def test_a_new_field_and_a_removed_one_are_found() -> None:
    fields = Type("Bid", "bid", "bid(id: $bid)", {"id message": everybody(VALUE)})
    assert problems(SCHEMA, [DECLARED[0], DECLARED[1], fields, DECLARED[3]]) == [
        "Bid.amount: nobody has declared who may see it",
        "Bid.message: declared, but not in the schema",
    ]
    assert problems(SCHEMA, [DECLARED[0], *DECLARED[2:]]) == ["Query.bid: nobody has declared who may see it"]


def test_an_entity_needs_an_answer_by_id() -> None:
    elsewhere = Type("Bid", "bid", "myBids.nodes", {"id amount": everybody(NULL, owner=VALUE)})
    assert problems(SCHEMA, [*DECLARED[:2], elsewhere, DECLARED[3]]) == [
        "Bid.amount: an entity's field, declared without a way by id",
        "Bid.id: an entity's field, declared without a way by id",
    ]


def test_what_contradicts_itself_is_found() -> None:
    assert problems(SCHEMA, [*DECLARED, DECLARED[1]]) == ["Query.bid(bid): declared twice"]
    assert problems(SCHEMA, DECLARED[1:]) == ["bid: no object of this name"]


@pytest.mark.parametrize("subgraph", subgraphs())
def test_every_object_can_be_made(subgraph: str) -> None:
    assert {each.name for each in declarations(subgraph) if isinstance(each, Object)} <= set(MAKERS)


@pytest.mark.parametrize("subgraph", subgraphs())
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_question_can_be_asked(subgraph: str, route: Route) -> None:
    schema = schema_of(subgraph) if route.is_direct else public_schema()
    found = {(each.root, each.about): mistakes(schema, each) for each in route.questions(subgraph)}
    assert {question: wrong for question, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("subgraph", subgraphs())
def test_every_cell_is_asked_straight_at_the_subgraph_and_through_a_router(subgraph: str) -> None:
    cells = cells_of(subgraph)

    def unasked(*routes: Route) -> set[str]:
        asked = {row for route in routes for question in route.questions(subgraph) for row in question.places}
        return {row_of(cell) for cell in cells} - asked

    assert unasked(Route(SUBGRAPH), Route(SUBGRAPH, ENTITIES)) == set()
    assert unasked(ROUTES[2]) == {row_of(cell) for cell in cells if is_by_id(cell.at) and cell.type != "Query"}


def test_the_documentation_is_printed_from_the_declarations() -> None:
    assert print_access.TARGET.read_text() == print_access.render(), "run python -m shared.printing.access"
