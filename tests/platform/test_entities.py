"""Every entity of the graph, asked for straight at its owner."""

import importlib

import pytest

from shared.graphql.entities import PREFIXES
from shared.ids import new_id
from shared.printing.access import subgraphs
from tests.conftest import AccessToken, ServeSubgraph

ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"


def owned(subgraph: str) -> list[str]:
    """The Nodes that a subgraph answers."""
    schema = importlib.import_module(f"subgraphs.{subgraph}.schema").schema
    return [
        name
        for name in PREFIXES
        if (found := schema.get_type_by_name(name)) and found.interfaces and hasattr(found.origin, "resolve_references")
    ]


def test_every_entity_has_one_owner() -> None:
    assert sorted(name for subgraph in subgraphs() for name in owned(subgraph)) == sorted(PREFIXES)


@pytest.mark.parametrize("subgraph", subgraphs())
async def test_what_is_not_there_is_null_without_an_error(
    subgraph: str, serve_subgraph: ServeSubgraph, access_token: AccessToken
) -> None:
    """By either key, for everybody."""
    unknown = [(name, new_id(PREFIXES[name])) for name in owned(subgraph)]
    asked = [{"__typename": name, key: each} for name, each in unknown for key in ("id", "nodeId")]
    admin = access_token(new_id("user"), roles=("ADMIN",), scope="marketplace support admin")

    async with serve_subgraph(subgraph) as served:
        for token in (None, access_token(new_id("user")), admin):
            answer = await served.execute(ENTITIES, {"r": asked}, token=token)
            assert answer == {"data": {"_entities": [None] * len(asked)}}
