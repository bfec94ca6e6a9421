"""Global objects: `node` and `nodes`, for the one subgraph that answers them.

It knows of other subgraphs' objects what each id begins with, and answers a reference that leads to the owner, who
has the last word: docs/adr/0015-global-objects.md.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, cast

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from shared.context import Context
from shared.errors import BadRequest, InvalidId
from shared.graphql.entities import PREFIXES, Node
from shared.graphql.ids import AnyId
from shared.graphql.limits import list_size
from shared.graphql.schema import query
from shared.ids import check_id

Info = strawberry.Info[Context[Any], None]

MOST_NODES = 100
_TYPES = {prefix: name for name, prefix in PREFIXES.items()}


def references(owned: Iterable[type[Node]]) -> list[type[Node]]:
    """The types of PREFIXES that other subgraphs than this one own, as far as they are known here: by their key."""
    known = {each.__name__ for each in owned}
    return [_reference(name) for name in PREFIXES if name not in known]


def _reference(name: str) -> type[Node]:
    declared = type(name, (Node,), {"__annotations__": {"id": ID}, "id": strawberry.federation.field(external=True)})
    return strawberry.federation.type(declared, keys=[Key(fields=FieldSet("nodeId"), resolvable=False)])


@strawberry.type
class NodeQuery:
    @query(
        description="Any object by its id alone; null for what there is not or the caller may not see. Select `id` or "
        "another field that is never null: whether there is such an object is known by them."
    )
    async def node(
        self, info: Info, id: Annotated[AnyId, strawberry.argument(description="The id of whatever it is.")]
    ) -> Node | None:
        return (await _find(info, [id], "id"))[0]

    @query(
        description=f"Several objects by their ids, at most {MOST_NODES}, in the order of the ids; null in the place "
        "of each that there is not or the caller may not see.",
        directives=[list_size(assumed_size=MOST_NODES)],
    )
    async def nodes(
        self, info: Info, ids: Annotated[list[AnyId], strawberry.argument(description="The ids of whatever they are.")]
    ) -> list[Node | None] | None:
        if len(ids) > MOST_NODES:
            raise BadRequest(f"`ids` takes at most {MOST_NODES} ids.")
        return await _find(info, ids, "ids.{}")


async def _find(info: Info, ids: Sequence[str], argument: str) -> list[Node | None]:
    found: list[Node | None] = [None] * len(ids)
    places: dict[str, list[int]] = {}
    for place, each in enumerate(ids):
        places.setdefault(_type_of(each, argument.format(place)), []).append(place)
    for (_, taken), objects in zip(
        places.items(),
        await asyncio.gather(*(_find_of(info, name, [ids[each] for each in taken]) for name, taken in places.items())),
        strict=True,
    ):
        for place, one in zip(taken, objects, strict=True):
            found[place] = one
    return found


def _type_of(id: str, argument: str) -> str:
    """Raises InvalidId, which names the argument."""
    prefix = id.partition("_")[0]
    if prefix not in _TYPES:
        raise InvalidId(f"`{argument}` is not a valid id of an object.", argument=argument)
    check_id(id, prefix, argument=argument)
    return _TYPES[prefix]


async def _find_of(info: Info, type_name: str, ids: Sequence[str]) -> Sequence[Node | None]:
    type_ = cast("type[Node]", info.schema.get_type_by_name(type_name).origin)  # type: ignore[union-attr]  # all are types of this schema
    resolve = getattr(type_, "resolve_references", None)
    if resolve is None:
        return [type_(id=ID(each)) for each in ids]
    return cast("Sequence[Node | None]", await resolve(info, ids))
