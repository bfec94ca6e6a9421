"""Completing what holds no resolvers, such as a task out of its row, in one go.

graphql-core takes each field for a computation that may wait, fail and be located: several microseconds
for every attribute that is only read, which for a page of twenty objects is most of the request. What a
field selects is therefore looked at once per document. Where it consists of attributes and of methods that
take nothing and wait for nothing, without directives, it becomes a function from the object to its part of
the answer. Whatever does not fit while that function runs (a null where none may be, a value of another
type) raises, and graphql-core completes the value in its own way, with errors and their paths.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any, Final, TypeAlias, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

Plan: TypeAlias = Callable[[Any], Any]
Plans: TypeAlias = dict[tuple[int, int], Plan | None]
"""The plans of one document's fields, by the identities of node and type; None: there is none."""

_UNPLANNED: Final = object()
_MAX_INT: Final = 2**31 - 1


class PlannedExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, but for what can be planned. `plans` is kept with the document."""

    def __init__(self, *args: Any, plans: Plans, **options: Any) -> None:
        super().__init__(*args, **options)
        self._plans = plans

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        if len(field_details_list) == 1 and result is not None:
            node = field_details_list[0].node
            key = (id(node), id(return_type))
            plan: object = self._plans.get(key, _UNPLANNED)
            if plan is _UNPLANNED:
                plan = self._plans[key] = plan_field(self.schema, self.fragment_definitions, node, return_type)
            if plan is not None:
                try:
                    return cast("Plan", plan)(result)
                except Exception:  # noqa: S110  # of any kind: it comes again below, where it is located
                    pass
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)


class _Unplannable(Exception):
    """The selection needs more than attributes."""


class _Misfit(Exception):
    """A value is not what the plan was made for."""


def plan_field(
    schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], node: FieldNode, type_: GraphQLOutputType
) -> Plan | None:
    """What completes the values of this field, unless it takes more than reading attributes."""
    try:
        return _Planner(schema, fragments).of_type(type_, [node])
    except _Unplannable:
        return None


def plan_event(schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode) -> Plan | None:
    """What makes the data of a subscription's answer out of an event, unless that takes more than the event.

    No resolver, argument, variable or viewer has a part in it.
    """
    selections = definition.selection_set.selections
    root, node = schema.subscription_type, selections[0]
    if definition.operation is not OperationType.SUBSCRIPTION or root is None or len(selections) != 1:
        return None
    if not isinstance(node, FieldNode) or node.directives or node.name.value not in root.fields:
        return None
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    plan = plan_field(schema, fragments, node, root.fields[node.name.value].type)
    if plan is None:
        return None
    name = (node.alias or node.name).value
    return lambda event: {name: plan(event)}


class _Planner:
    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments

    def of_type(self, type_: GraphQLOutputType, nodes: Sequence[FieldNode]) -> Plan:
        """Completes values of any type."""
        if is_non_null_type(type_):
            return self._of_value(type_.of_type, nodes)
        plan = self._of_value(type_, nodes)
        return lambda value: None if value is None else plan(value)

    def _of_value(self, type_: Any, nodes: Sequence[FieldNode]) -> Plan:
        """Completes values that are not null; raises for null."""
        if is_list_type(type_):
            item = self.of_type(type_.of_type, nodes)
            return lambda values: [item(each) for each in values] if type(values) is list else _misfit()
        if is_leaf_type(type_):
            return _leaf(type_)
        if is_object_type(type_):
            return self._of_object(type_, nodes)
        if not is_abstract_type(type_):
            raise _Unplannable
        types = self._schema.get_possible_types(type_)
        plans = {_python_type(each): self._of_object(each, nodes) for each in types}
        if len(plans) < len(types):
            raise _Unplannable
        return lambda value: plans[type(value)](value)

    def _of_object(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Plan:
        selected: dict[str, list[FieldNode]] = {}
        for node in nodes:
            if node.selection_set is not None:
                self._collect(type_, node.selection_set, selected, set())
        fields = [(name, *self._of_field(type_, same)) for name, same in selected.items()]
        python_type = _python_type(type_)

        def complete(value: Any) -> dict[str, Any]:
            if type(value) is not python_type:
                raise _Misfit
            return {name: plan(get(value)) for name, get, plan in fields}

        return complete

    def _of_field(self, parent: GraphQLObjectType, nodes: Sequence[FieldNode]) -> tuple[Callable[[Any], Any], Plan]:
        """How to get a field's value from its object, and how to complete it."""
        name = nodes[0].name.value
        if name == "__typename":
            return lambda _: parent.name, lambda value: value
        field = parent.fields[name]
        declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(declared, StrawberryField) or field.args or declared.extensions:
            raise _Unplannable
        return _getter(declared), self.of_type(field.type, nodes)

    def _collect(
        self,
        type_: GraphQLObjectType,
        selection_set: SelectionSetNode,
        selected: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        """Adds the fields that are selected on objects of this type, by their names in the answer."""
        for selection in selection_set.selections:
            if selection.directives:
                raise _Unplannable
            if isinstance(selection, FieldNode):
                name = selection.alias or selection.name
                selected.setdefault(name.value, []).append(selection)
                continue
            fragment: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value in spread:
                    continue
                spread.add(selection.name.value)
                fragment = self._fragments[selection.name.value]
            else:
                fragment = cast("InlineFragmentNode", selection)
            if self._applies(fragment, type_):
                self._collect(type_, fragment.selection_set, selected, spread)

    def _applies(self, fragment: InlineFragmentNode | FragmentDefinitionNode, type_: GraphQLObjectType) -> bool:
        if fragment.type_condition is None:
            return True
        condition: GraphQLNamedType | None = self._schema.get_type(fragment.type_condition.name.value)
        return condition is type_ or (is_abstract_type(condition) and self._schema.is_sub_type(condition, type_))


def _misfit() -> Any:
    raise _Misfit


def _getter(field: StrawberryField) -> Callable[[Any], Any]:
    resolver = field.base_resolver
    if resolver is None:
        return attrgetter(field.python_name)
    if resolver.is_async or not resolver.self_parameter or resolver.info_parameter:
        raise _Unplannable
    return cast("Callable[[Any], Any]", resolver.wrapped_func)


def _python_type(type_: GraphQLObjectType) -> type:
    """The class of this type's objects."""
    definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryObjectDefinition):
        raise _Unplannable
    # A generic type's objects are of its own class, whichever type it is made into.
    return (definition.concrete_of or definition).origin


def _leaf(type_: GraphQLLeafType) -> Plan:
    """Completes scalars and enum values; the common ones without asking graphql-core."""
    coerce = type_.coerce_output_value

    def of_any(value: Any) -> Any:
        if hasattr(value, "__await__") or (coerced := coerce(value)) is None:
            raise _Misfit
        return coerced

    if is_enum_type(type_):
        return _enum(type_, of_any)
    if type_.name in ("String", "ID"):
        return lambda value: value if type(value) is str else of_any(value)
    if type_.name == "Boolean":
        return lambda value: value if type(value) is bool else of_any(value)
    if type_.name == "Int":
        return lambda value: value if type(value) is int and -_MAX_INT <= value <= _MAX_INT else of_any(value)
    return of_any


def _enum(type_: GraphQLEnumType, of_any: Plan) -> Plan:
    members = {each.value: name for name, each in type_.values.items()}
    wrapped: type | None = getattr(type_, "wrapped_cls", None)
    if wrapped is None or not issubclass(wrapped, Enum):
        return of_any
    return lambda value: members[value.value] if type(value) is wrapped else of_any(value)
