"""Breaking changes of the public API. What was deprecated may go; everything else stays."""

from graphql import (
    DocumentNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLSchema,
    Node,
    Visitor,
    build_ast_schema,
    build_schema,
    find_breaking_changes,
    parse,
    visit,
)
from graphql.language import REMOVE
from graphql.language.visitor import VisitorActionEnum


def breaking_changes(before: str, after: str) -> list[str]:
    """What a client of the schema `before` loses in the schema `after`, deprecated things aside."""
    return [change.description for change in find_breaking_changes(_promised(before), build_schema(after))]


def _promised(sdl: str) -> GraphQLSchema:
    """The schema without its deprecated members and the types that only those need."""
    document: DocumentNode = visit(parse(sdl), _Deprecated())
    schema = build_ast_schema(document, assume_valid=True)
    implementations: list[GraphQLNamedType] = []
    while True:
        reached = GraphQLSchema(
            query=schema.query_type,
            mutation=schema.mutation_type,
            subscription=schema.subscription_type,
            types=implementations,
            directives=schema.directives,
            assume_valid=True,
        )
        found = [
            implementation
            for type_ in reached.type_map.values()
            if isinstance(type_, GraphQLInterfaceType)
            for implementation in schema.get_implementations(type_).objects
            if implementation.name not in reached.type_map
        ]
        if not found:
            return reached
        implementations += found


class _Deprecated(Visitor):
    """Takes every field, argument, input field and enum value away that is marked @deprecated."""

    def _leave(self, node: Node, *_: object) -> VisitorActionEnum | None:
        directives = getattr(node, "directives", None) or ()
        return REMOVE if any(directive.name.value == "deprecated" for directive in directives) else None

    leave_field_definition = leave_input_value_definition = leave_enum_value_definition = _leave
