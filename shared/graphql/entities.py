"""Objects that have an id: what the ids of each type begin with, `interface Node`, and how an entity is declared.

Who owns a type declares it so, and says in `resolve_references` who may see which of them:

    @entity(description="A tasker's offer to do a task.")
    class Bid(Node):
        id: ID = strawberry.field(description="The bid's id.")

        @classmethod
        async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Bid | None"]: ...
"""

from collections.abc import Callable, Mapping
from typing import TypeVar, dataclass_transform

import strawberry
from strawberry import ID
from strawberry.utils.str_converters import to_snake_case

T = TypeVar("T", bound="Node")

PREFIXES: Mapping[str, str] = {
    "Attachment": "attachment",
    "Bid": "bid",
    "BidInvitation": "invitation",
    "BidOffer": "offer",
    "Category": "category",
    "DataExport": "export",
    "Escrow": "escrow",
    "Identity": "identity",
    "IdentityVerification": "verification",
    "Notification": "notification",
    "PaymentMethod": "method",
    "Payout": "payout",
    "Place": "place",
    "SavedSearch": "search",
    "Session": "session",
    "Task": "task",
    "TaskAgreement": "agreement",
    "TaskQuestion": "question",
    "Transaction": "transaction",
    "User": "user",
    "UserReport": "report",
}
"""All types of the graph that are a Node. Subgraphs know nothing else of each other's."""


def prefix_of(type_name: str) -> str:
    """What the ids of a type begin with: its name, where PREFIXES says nothing else."""
    return PREFIXES.get(type_name) or to_snake_case(type_name)


@strawberry.federation.interface(description="An object that can be got by its id alone, from `node`.")
class Node:
    id: ID = strawberry.field(description="The object's id; no other one has it.")

    @strawberry.federation.field(
        inaccessible=True,
        description="The id again: the key by which `node` refers to an object, so that its owner is asked for `id`.",
    )
    def node_id(self) -> ID:
        return self.id


@dataclass_transform(
    order_default=True, kw_only_default=True, field_specifiers=(strawberry.field, strawberry.federation.field)
)
def entity(*, description: str) -> Callable[[type[T]], type[T]]:
    """Declares a Node in the subgraph that owns it."""
    return strawberry.federation.type(keys=["id", "nodeId"], description=description)
