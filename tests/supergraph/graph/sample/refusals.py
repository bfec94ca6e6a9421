"""Requests that a subgraph refuses as a whole, before it looks at any field."""

import uuid
from collections.abc import Iterator

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

REFUSED = "Bearer refused"


class Refusals(SchemaExtension):
    """Refuses whoever asks with this token, each time with another id of the request."""

    def on_operation(self) -> Iterator[None]:
        headers = getattr(self.execution_context.context.get("request"), "headers", {})
        if headers.get("authorization") == REFUSED:
            extensions = {"service": "exchange", "code": "TOO_COMPLEX", "requestId": str(uuid.uuid4())}
            raise GraphQLError("The operation asks for too much.", extensions=extensions)
        yield
