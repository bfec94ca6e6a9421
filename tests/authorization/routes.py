"""The ways to the graph on which every cell is asked."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from graphql import GraphQLSchema, build_schema, get_named_type

from deploy.local import routers
from deploy.local.layout import REPOSITORY
from deploy.local.stack import Stack
from shared.matrix import Cell
from shared.printing.access import matrix
from tests.authorization.questions import ENTITIES, NODE, Question, questions

SUBGRAPH = "subgraph"
PUBLIC_SCHEMA = Path(REPOSITORY / "schema.graphql")


@dataclass(frozen=True)
class Route:
    """Straight at a subgraph, or through edge and one of the routers: by fields, or `by` the objects' ids."""

    place: str
    by: str = ""

    @property
    def name(self) -> str:
        return f"{self.by} of {self.place}" if self.by else self.place

    @property
    def is_direct(self) -> bool:
        return self.place == SUBGRAPH

    def url(self, stack: Stack, subgraph: str) -> str:
        return stack.url(subgraph, "/graphql") if self.is_direct else f"{stack.edges[self.place]}/graphql"

    def questions(self, subgraph: str) -> list[Question]:
        """What is asked on this way about a subgraph. Mutations go through one of the routers."""
        schema = schema_of(subgraph) if self.is_direct else public_schema()
        asked = questions(schema, cells_of(subgraph), by=self.by)
        return [each for each in asked if each.operation != "mutation" or self in ROUTES[:3]]


def routes() -> Sequence[Route]:
    """The ways that this machine has."""
    kinds = routers.installed()
    return [
        Route(SUBGRAPH),
        Route(SUBGRAPH, ENTITIES),
        *(Route(kind) for kind in kinds),
        *(Route(kind, NODE) for kind in kinds),
    ]


ROUTES = routes()


@cache
def schema_of(subgraph: str) -> GraphQLSchema:
    """A subgraph's own schema."""
    schema: GraphQLSchema = importlib.import_module(f"subgraphs.{subgraph}.schema").schema._schema
    return schema


@cache
def public_schema() -> GraphQLSchema:
    """What the routers serve."""
    return build_schema(PUBLIC_SCHEMA.read_text(), assume_valid=True)


@cache
def cells_of(subgraph: str) -> list[Cell]:
    """Every cell of a subgraph."""
    return matrix(subgraph)


def takes_key(subgraph: str, mutation: str) -> bool:
    """Whether the input of a mutation has an idempotency key."""
    root = schema_of(subgraph).mutation_type
    arguments = root.fields[mutation].args if root is not None else {}
    return any("idempotencyKey" in getattr(get_named_type(each.type), "fields", ()) for each in arguments.values())
