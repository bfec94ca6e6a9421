"""People, as tasks refers to them."""

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

NOBODY = ""
"""Stands for the id of who is not signed in."""


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)], description="A person of the marketplace."
)
class User:
    id: ID = strawberry.field(description="The user's id.")
