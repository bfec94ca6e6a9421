"""What a document asks for, whatever the variables are."""

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_operation_ast,
)

from shared.errors import BadRequest, TooComplex
from shared.graphql.limits.bounds import DEFAULT_LIMITS, Limits
from shared.graphql.limits.formula import Count, DocumentCost, Formula, Size, literal_size, total
from shared.graphql.limits.schema import DEFAULT_LIST_SIZE, Costs, costs_of

_MUTATION_COST = 10
# All of a schema's types, with their fields and arguments: about what ten pages of objects cost.
_INTROSPECTION_COST = 500


@dataclass(frozen=True, slots=True)
class _Measure:
    """A selection set: what it holds itself and below it."""

    fields: int  # at its own level
    depth: int
    introspection_depth: int
    aliases: int
    directives: int
    cost: Formula
    # The cost per element of the fields whose size the field around this selection set gives.
    sized_cost: Formula


_EMPTY = _Measure(0, 0, 0, 0, 0, 0, 0)


class _Meter:
    """Measures the selection sets of one document."""

    def __init__(self, document: DocumentNode, costs: Costs, limits: Limits) -> None:
        self._costs = costs
        self._limits = limits
        self._definitions = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._fragments: dict[str, _Measure | None] = {}
        self.representations: list[Count | int] = []

    def selections(self, node: SelectionSetNode, type_name: str) -> _Measure:
        fields = depth = introspection_depth = aliases = directives = 0
        costs: list[tuple[Size, Formula]] = []
        sized_costs: list[tuple[Size, Formula]] = []
        for selection in node.selections:
            directives += len(selection.directives or ())
            measure: _Measure
            if isinstance(selection, FieldNode):
                sized = selection.name.value in self._costs.sized_fields.get(type_name, ())
                size, measure = self._field(selection, type_name)
                fields += 1
                aliases += selection.alias is not None
                if sized:
                    sized_costs.append((1, measure.cost))
                else:
                    costs.append((size, measure.cost))
            else:
                if isinstance(selection, InlineFragmentNode):
                    condition = selection.type_condition
                    measure = self.selections(selection.selection_set, condition.name.value if condition else type_name)
                elif isinstance(selection, FragmentSpreadNode):
                    measure = self._fragment(selection)
                fields += measure.fields
                costs.append((1, measure.cost))
                sized_costs.append((1, measure.sized_cost))
            depth = max(depth, measure.depth)
            introspection_depth = max(introspection_depth, measure.introspection_depth)
            aliases += measure.aliases
            directives += measure.directives
        return _Measure(fields, depth, introspection_depth, aliases, directives, total(costs), total(sized_costs))

    def _field(self, node: FieldNode, type_name: str) -> tuple[Size, _Measure]:
        """The number of values of a field, and the measure of each."""
        name = node.name.value
        field = self._costs.fields.get(type_name, {}).get(name)
        if name in ("__schema", "__type"):
            return 1, self._introspection(node, "__Schema" if name == "__schema" else "__Type")
        # An unknown field is left to the validation, which names it.
        inner = self.selections(node.selection_set, field.type_name if field else "") if node.selection_set else _EMPTY
        size: Size = 1
        children: Size = DEFAULT_LIST_SIZE
        if field is not None and name == "_entities":
            size = self._representations(node)
        elif field is not None and field.list_size is not None and field.list_size.sizes_children:
            children = field.list_size.size(node)
        elif field is not None and field.list_size is not None:
            size = field.list_size.size(node)
        elif field is not None and field.is_list:
            size = DEFAULT_LIST_SIZE
        return size, _Measure(
            fields=1,
            depth=inner.depth + 1,
            # Below __schema all depth counts as that of introspection.
            introspection_depth=inner.introspection_depth,
            aliases=inner.aliases,
            directives=inner.directives,
            cost=total([(1, field.weight if field else 0), (1, inner.cost), (children, inner.sized_cost)]),
            sized_cost=0,
        )

    def _introspection(self, node: FieldNode, type_name: str) -> _Measure:
        inner = self.selections(node.selection_set, type_name) if node.selection_set else _EMPTY
        return _Measure(1, 1, inner.depth + 1, inner.aliases, inner.directives, _INTROSPECTION_COST, 0)

    def _fragment(self, node: FragmentSpreadNode) -> _Measure:
        name = node.name.value
        if name in self._fragments:
            measure = self._fragments[name]
            if measure is None:
                raise BadRequest(f'The fragment "{name}" spreads itself.')
            return measure
        definition = self._definitions.get(name)
        if definition is None:
            return _EMPTY  # The validation names it.
        self._fragments[name] = None
        inner = self.selections(definition.selection_set, definition.type_condition.name.value)
        measure = _Measure(
            inner.fields, inner.depth, inner.introspection_depth, inner.aliases,
            inner.directives + len(definition.directives or ()), inner.cost, inner.sized_cost,
        )  # fmt: skip
        self._fragments[name] = measure
        return measure

    def _representations(self, node: FieldNode) -> Size:
        value = next((each.value for each in node.arguments or () if each.name.value == "representations"), None)
        size = _element_count(value)
        self.representations.append(size)
        return size


def check_document(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> DocumentCost:
    """Checks all that does not depend on the request's variables; the result may be kept with the document.

    The document need not be valid. Raises TooComplex, and BadRequest when the operation is not in the
    document or a fragment spreads itself.
    """
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        raise BadRequest("The document holds no operation, or several and `operationName` names none of them.")
    meter = _Meter(document, costs_of(schema), limits)
    root = schema.get_root_type(operation.operation)
    measure = meter.selections(operation.selection_set, root.name if root else "")
    variable_directives = sum(len(each.directives or ()) for each in operation.variable_definitions or ())
    base = _MUTATION_COST if operation.operation is OperationType.MUTATION else 0
    formula = total([(1, base), (1, measure.cost), (DEFAULT_LIST_SIZE, measure.sized_cost)])
    for name, value, maximum in (
        ("depth", measure.depth, limits.depth),
        ("introspection depth", measure.introspection_depth, limits.introspection_depth),
        ("aliases", measure.aliases, limits.aliases),
        ("directives", measure.directives + len(operation.directives or ()) + variable_directives, limits.directives),
        ("root fields", measure.fields, limits.root_fields),
        ("cost", formula if isinstance(formula, int) else 0, limits.cost),
        ("representations", _greatest(meter.representations), limits.representations),
    ):
        if value > maximum:
            raise TooComplex(name, maximum)
    return DocumentCost(
        limits=limits,
        formula=formula,
        defaults={
            each.variable.name.value: _default_size(each.default_value)
            for each in operation.variable_definitions or ()
            if each.default_value is not None
        },
        representations=tuple(each for each in meter.representations if isinstance(each, Count)),
    )


def _greatest(sizes: Iterable[Count | int]) -> int:
    return max((size for size in sizes if isinstance(size, int)), default=0)


def _element_count(value: ValueNode | None) -> Count | int:
    if isinstance(value, VariableNode):
        return Count(value.name.value)
    return len(value.values) if isinstance(value, ListValueNode) else 1


def _default_size(value: ValueNode) -> object:
    """A variable's default as far as it can be a size: a number or a list's length."""
    if isinstance(value, IntValueNode):
        return literal_size(value.value)
    return list(value.values) if isinstance(value, ListValueNode) else None
