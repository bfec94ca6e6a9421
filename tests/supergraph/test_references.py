"""The real graph behind each router, with stand-ins for its subgraphs: objects that are not there."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from graphql import GraphQLInterfaceType, build_schema, get_named_type, is_leaf_type

from shared.graphql.entities import PREFIXES
from shared.ids import id_of
from supergraph import compose
from tests.supergraph.clients import Json, post
from tests.supergraph.conftest import REPOSITORY, ROUTERS, Process, Router, running
from tests.supergraph.references import references
from tests.support.loopback import free_port

API = build_schema((REPOSITORY / compose.API).read_text())
REFERENCES = references()
TASKS = [id_of("task", number) for number in (1, 2)]
BID = id_of("bid", 1)


@dataclass(frozen=True)
class StandIn:
    """A subgraph's address."""

    url: str


@pytest.fixture(scope="module", params=ROUTERS)
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    folder = tmp_path_factory.mktemp("references")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    stand_ins = Process(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "tests.supergraph.stand_ins:app",
            "--port",
            str(port),
            "--log-level",
            "error",
        ],
        f"{address}/.well-known/jwks.json",
        folder / "stand_ins.log",
    )
    served = {each.name: StandIn(f"{address}/{each.name}/graphql") for each in compose.subgraphs(REPOSITORY)}
    router = Router(request.param, served, folder)
    with running(stand_ins, router):
        yield router


@pytest.fixture(autouse=True)
def silent(request: pytest.FixtureRequest) -> Iterator[None]:
    """The router's log tells of no failure, whatever was asked."""
    if "graph" not in request.fixturenames:
        yield
        return
    log: Path = request.getfixturevalue("graph").log
    before = log.stat().st_size
    yield
    lines = log.read_text()[before:].splitlines(keepends=True)
    written = [line for line in lines if line.strip() and line.endswith("\n")]
    assert [line for line in written if not line.startswith("{") or json.loads(line)["level"].upper() != "INFO"] == []


async def ask(router: Router, operation: str, *missing: str) -> Json:
    """The answer, in a graph in which there are no objects of some types."""
    return await post(router.url, operation, authorization=" ".join(["missing", *missing]))


def at(data: Json, path: tuple[str, ...]) -> object:
    """What stands there; of lists in the first element."""
    found: object = data
    for step in path:
        assert isinstance(found, dict), (data, path)
        found = found[step]
        while isinstance(found, list):
            found = found[0]
    return found


async def test_a_reference_that_leads_nowhere_is_null_without_an_error(graph: Router) -> None:
    found = {each: await ask(graph, each.operation) for each in REFERENCES}
    gone = {each: await ask(graph, each.operation, each.entity) for each in REFERENCES}

    assert [answer for answer in (*found.values(), *gone.values()) if set(answer) != {"data"}] == []
    assert [str(each) for each in REFERENCES if at(found[each]["data"], (*each.path, each.asked)) is None] == []
    assert {str(each): at(gone[each]["data"], each.path) for each in REFERENCES} == dict.fromkeys(map(str, REFERENCES))


def test_all_references_were_found() -> None:
    """Those that a person would name, lest the search find too few."""
    found = {f"{each.type}.{each.field}" for each in REFERENCES}
    assert found >= {"Bid.task", "Bid.tasker", "NearbyTaskEdge.node", "Task.place", "Task.poster", "TaskStep.actor"}


async def test_an_object_is_got_by_its_id_alone_if_its_owner_knows_it(graph: Router) -> None:
    for name, prefix in PREFIXES.items():
        wanted, fields = id_of(prefix, 1), API.type_map[name].fields.items()  # type: ignore[union-attr]  # an object type
        field = next(each for each, one in fields if is_leaf_type(get_named_type(one.type)) and each != "id")
        node = f'node(id: "{wanted}")'
        asked = [
            f"{{ {node} {{ id }} }}",
            f"{{ {node} {{ __typename id }} }}",
            f"{{ {node} {{ __typename id ... on {name} {{ {field} }} }} }}",
        ]

        found = [(await ask(graph, each))["data"]["node"] for each in asked]
        assert [each["id"] for each in found] == [wanted] * 3
        assert found[2]["__typename"] == name
        assert found[2][field] is not None
        assert [await ask(graph, each, name) for each in asked] == [{"data": {"node": None}}] * 3


NODE = f'node(id: "{TASKS[0]}")'
TYPED = {"__typename": "Task"}
TITLED = {"title": "1"}
# What is asked, and the answer if there is such a task and if there is none.
FRAGMENTS = {
    f"{{ {NODE} {{ ... on Task {{ title }} }} }}": (TITLED, None),
    f"{{ {NODE} {{ __typename ... on Task {{ id title }} }} }}": ({**TYPED, "id": TASKS[0], **TITLED}, None),
    f"{{ {NODE} {{ ...a }} }} fragment a on Node {{ ... on Task {{ title: description }} }}": ({"title": "1"}, None),
    f"{{ {NODE} {{ __typename }} {NODE} {{ ... on Task {{ title }} }} }}": ({**TYPED, **TITLED}, None),
    f"{{ {NODE} {{ ... on Task {{ ... on Node {{ id }} }} }} }}": ({"id": TASKS[0]}, None),
    f"{{ {NODE} {{ ... on Bid {{ id message }} }} }}": ({}, {}),
    f"query ($no: Boolean!) {{ {NODE} {{ __typename ... on Task @include(if: $no) {{ id }} }} }}": (TYPED, TYPED),
    f"query ($yes: Boolean! = true) {{ {NODE} {{ __typename ... on Task {{ title @skip(if: $yes) }} }} }}": (
        TYPED,
        TYPED,
    ),
    f"query ($yes: Boolean! = true, $no: Boolean!) {{ {NODE} {{ __typename ...a @skip(if: $no) }} }} "
    "fragment a on Task { title @include(if: $yes) }": ({**TYPED, **TITLED}, None),
}


@pytest.mark.parametrize("asked", FRAGMENTS)
async def test_what_fragments_ask_of_an_object_tells_whether_it_is_there(graph: Router, asked: str) -> None:
    found, gone = FRAGMENTS[asked]

    assert await post(graph.url, asked, {"no": False}) == {"data": {"node": found}}
    assert await post(graph.url, asked, {"no": False}, authorization="missing Task") == {"data": {"node": gone}}


async def test_what_is_got_by_ids_keeps_its_order_with_nulls_in_place(graph: Router) -> None:
    ids = json.dumps([TASKS[0], BID, TASKS[1], BID])
    asked = f"{{ nodes(ids: {ids}) {{ __typename id ... on Task {{ title bidCount }} ... on Bid {{ message }} }} }}"
    bid = {"__typename": "Bid", "id": BID, "message": "1"}
    tasks = [{"__typename": "Task", "id": each, "title": "1", "bidCount": 1} for each in TASKS]

    assert await ask(graph, asked) == {"data": {"nodes": [tasks[0], bid, tasks[1], bid]}}
    assert await ask(graph, asked, "Task") == {"data": {"nodes": [None, bid, None, bid]}}


async def test_relay_fetches_a_part_of_an_object_again(graph: Router) -> None:
    """As its compiler writes the query of a fragment that is `@refetchable`."""
    query = """
        query TaskBidsQuery($count: Int = 10, $id: ID!) { node(id: $id) { __typename ...TaskBids_1 id } }
        fragment TaskBids_1 on Task { title bids(first: $count) { edges { node { id __typename } cursor } } id }
    """
    answer = await post(graph.url, query, {"id": TASKS[0]})

    assert answer["data"]["node"]["bids"]["edges"][0]["node"] == {"id": BID, "__typename": "Bid"}
    assert await post(graph.url, query, {"id": TASKS[0]}, authorization="missing Task") == {"data": {"node": None}}


def test_what_is_in_a_list_has_an_id() -> None:
    """By which clients keep it once, wherever it comes from."""
    lists = [type_.fields for name, type_ in API.type_map.items() if name.endswith("Connection")]  # type: ignore[union-attr]  # object types
    nodes = {get_named_type(fields["nodes"].type) for fields in lists}

    assert len(nodes) > 10
    assert [each.name for each in nodes if str(each.fields.get("id", each).type) != "ID!"] == []  # type: ignore[union-attr]  # object types


def test_every_entity_is_a_node_and_every_node_is_known() -> None:
    """A type that a new subgraph owns is declared by `entity` and has its prefix in PREFIXES."""
    supergraph = build_schema((REPOSITORY / compose.SUPERGRAPH).read_text(), assume_valid=True)
    node = API.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    nodes = {each.name for each in API.get_possible_types(node)}
    entities = {
        name
        for name, type_ in supergraph.type_map.items()
        if type_.ast_node
        for directive in type_.ast_node.directives or ()
        if directive.name.value == "join__type" and any(each.name.value == "key" for each in directive.arguments)
    }

    assert entities == nodes == set(PREFIXES)
