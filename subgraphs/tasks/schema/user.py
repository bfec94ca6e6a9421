"""People, as tasks refers to them."""

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from shared.graphql.types import register_enum
from subgraphs.tasks.rules.tasks import Party

register_enum(
    Party,
    name="TaskParty",
    description="A side of a task.",
    values={Party.POSTER: "Who wants it done.", Party.TASKER: "Who got it."},
)

NOBODY = ""
"""Stands for the id of who is not signed in."""


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)], description="A person of the marketplace."
)
class User:
    id: ID = strawberry.field(description="The user's id.")
