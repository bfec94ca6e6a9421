"""People, as payments refers to them."""

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)], description="A person of the marketplace."
)
class User:
    id: ID = strawberry.field(description="The user's id.")
