"""What an operation may ask for: one pass over the document, before it is validated or executed.

Each fragment is measured once, however often it is spread, so the time is linear in the document. The
cost is that of the Cost Directive specification (https://ibm.github.io/graphql-specs/cost-spec.html) as
federated routers read it: an object costs 1 or its `@cost`, a scalar nothing or its `@cost`, a mutation
10 more; a list multiplies what is selected on it by its size, which is the greatest slicing argument of
`@listSize`, else its assumed size, else 20. Sizes given as variables are filled in per request.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationType,
    SelectionSetNode,
    SourceLocation,
    StringValueNode,
    ValueNode,
    VariableNode,
    Visitor,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_list_type,
    parse,
    visit,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry import UNSET
from strawberry.federation.schema_directives import Cost, ListSize
from strawberry.schema.schema_converter import GraphQLCoreConverter

from shared.errors import BadRequest, TooComplex

# graphql-core compares fields of one response name pairwise and stops at this budget. Its default takes
# 150 ms of CPU; queries that people write use a few hundred.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 5_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest allowed value of each measure of an operation."""

    length: int = 30_000
    tokens: int = 1_000
    nesting: int = 64
    depth: int = 12
    introspection_depth: int = 20
    aliases: int = 30
    directives: int = 50
    root_fields: int = 50
    cost: int = 5_000
    representations: int = 1_000


DEFAULT_LIMITS: Final = Limits()
# That of a page without arguments, and the router's `default_list_size`.
_DEFAULT_LIST_SIZE = 20
_MUTATION_COST = 10
# All of a schema's types, with their fields and arguments: about what ten pages of objects cost.
_INTROSPECTION_COST = 500
# Greater sizes exceed the cost anyway, and numbers stay small enough to multiply at once.
_MAX_SIZE = 1_000_000


# --- before parsing ---

# What graphql-core's lexer would read, as one expression. It reads no character twice: it is possessive,
# and every string ends, be it with the document.
_LEXEME = re.compile(
    r"(?P<ignored>(?:[\s,\ufeff]++|\#[^\n\r]*+)++)"
    r"|(?P<open>[{(\[])|(?P<close>[})\]])"
    r'|"""(?:[^"\\]++|\\"""|\\|"(?!""))*+(?:""")?+'
    r'|"(?:[^"\\\n\r]++|\\.)*+"?+'
    r"|[A-Za-z_][A-Za-z_0-9]*+|-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|\.\.\.|.",
    re.DOTALL,
)


def parse_limited(query: str, limits: Limits = DEFAULT_LIMITS) -> DocumentNode:
    """The parsed document. Raises TooComplex for its length, tokens or nesting, BadRequest for its syntax.

    These limits are checked before the parser runs, which builds nodes and recurses. Strings with a NUL
    character, which no database column takes, are a BadRequest too.
    """
    if len(query) > limits.length:
        raise TooComplex("document length", limits.length)
    if "\x00" in query:
        raise BadRequest("The document holds a NUL character.")
    tokens = nesting = 0
    for lexeme in _LEXEME.finditer(query):
        kind = lexeme.lastgroup
        if kind == "ignored":
            continue
        tokens += 1
        if tokens > limits.tokens:
            raise TooComplex("tokens", limits.tokens)
        if kind == "open":
            nesting += 1
            if nesting > limits.nesting:
                raise TooComplex("nesting", limits.nesting)
        elif kind == "close":
            nesting -= 1
    try:
        document = parse(query, max_lexical_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        at = (error.locations or [SourceLocation(1, 1)])[0]
        raise BadRequest(error.message, line=at.line, column=at.column) from None
    if _NUL_ESCAPE.search(query):
        visit(document, _RefuseNul())
    return document


_NUL_ESCAPE = re.compile(r"\\u(?:0000|\{0+\})")


class _RefuseNul(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        if "\x00" in node.value:
            raise BadRequest("A string holds a NUL character.")


# --- cost as a formula of the request's variables ---


@dataclass(frozen=True, slots=True)
class _Argument:
    """A size that the request gives as a variable."""

    variable: str
    default: int | None


@dataclass(frozen=True, slots=True)
class _Slice:
    """The greatest of its candidates that is given, else `assumed`."""

    candidates: tuple[_Argument | int, ...]
    assumed: int


@dataclass(frozen=True, slots=True)
class _Count:
    """The number of elements of a list: 1 for a single value, as GraphQL coerces it."""

    variable: str


_Size: TypeAlias = int | _Slice | _Count


@dataclass(frozen=True, slots=True, eq=False)
class _Sum:
    """The base and the sum of the terms, each a size times a cost; for what depends on variables."""

    base: int
    terms: tuple[tuple[_Size, "_Sum | int"], ...]


_Formula: TypeAlias = int | _Sum


def _total(terms: Iterable[tuple[_Size, _Formula]]) -> _Formula:
    base = 0
    open_terms: list[tuple[_Size, _Formula]] = []
    for size, formula in terms:
        if isinstance(formula, int) and (isinstance(size, int) or formula == 0):
            base += size * formula if isinstance(size, int) else 0
        else:
            open_terms.append((size, formula))
    return _Sum(base, tuple(open_terms)) if open_terms else base


@dataclass(frozen=True, slots=True)
class DocumentCost:
    """What `check_document` found; `check_variables` needs it for every request of the document."""

    limits: Limits
    formula: _Formula
    defaults: Mapping[str, object]
    representations: tuple[_Count, ...]


# --- what the schema says ---


@dataclass(frozen=True, slots=True)
class _ListSize:
    arguments: tuple[tuple[str, int | None], ...]
    assumed: int
    sizes_children: bool

    def size(self, node: FieldNode) -> _Size:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        candidates: list[_Argument | int] = []
        for name, default in self.arguments:
            value = given.get(name)
            if isinstance(value, VariableNode):
                candidates.append(_Argument(value.name.value, default))
            elif isinstance(value, IntValueNode):
                candidates.append(_literal_size(value.value))
            elif value is None and default is not None:
                candidates.append(default)
        if any(isinstance(candidate, _Argument) for candidate in candidates):
            return _Slice(tuple(candidates), self.assumed)
        return max((candidate for candidate in candidates if isinstance(candidate, int)), default=self.assumed)


@dataclass(frozen=True, slots=True)
class _Field:
    type_name: str
    weight: int
    is_list: bool
    list_size: _ListSize | None


@dataclass(frozen=True, slots=True)
class _Costs:
    """The weights and sizes of a schema, read once."""

    fields: Mapping[str, Mapping[str, _Field]]
    # For each type the fields whose size a field that answers the type gives, such as `edges`.
    sized_fields: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "_Costs":
        fields: dict[str, dict[str, _Field]] = {}
        sized: dict[str, set[str]] = {}
        for name, kind in schema.type_map.items():
            if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
                continue
            fields[name] = {}
            for field_name, field in kind.fields.items():
                directive = _directive(field, ListSize)
                fields[name][field_name] = described = _described(field, directive)
                if directive is not None and directive.sized_fields:
                    sized.setdefault(described.type_name, set()).update(directive.sized_fields)
        return cls(fields, {name: frozenset(names) for name, names in sized.items()})


def _described(field: GraphQLField, list_size: ListSize | None) -> _Field:
    named = get_named_type(field.type)
    cost = _directive(field, Cost) or _directive(named, Cost)
    composite = isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
    return _Field(
        type_name=named.name,
        weight=cost.weight if cost else int(composite),
        is_list=is_list_type(get_nullable_type(field.type)),
        list_size=_sizing(field, list_size) if list_size else None,
    )


def _sizing(field: GraphQLField, directive: ListSize) -> _ListSize:
    names = directive.slicing_arguments or []
    defaults = {name: field.args[name].default_value for name in names}
    return _ListSize(
        arguments=tuple((name, value if isinstance(value, int) else None) for name, value in defaults.items()),
        assumed=directive.assumed_size if isinstance(directive.assumed_size, int) else _DEFAULT_LIST_SIZE,
        sizes_children=bool(directive.sized_fields),
    )


_D = TypeVar("_D", Cost, ListSize)


def _directive(element: GraphQLField | GraphQLNamedType, kind: type[_D]) -> _D | None:
    definition = element.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    found = (each for each in getattr(definition, "directives", None) or () if isinstance(each, kind))
    return next(found, None)


_costs: "WeakKeyDictionary[GraphQLSchema, _Costs]" = WeakKeyDictionary()


# --- what the document asks ---


@dataclass(frozen=True, slots=True)
class _Measure:
    """A selection set: what it holds itself and below it."""

    fields: int  # at its own level
    depth: int
    introspection_depth: int
    aliases: int
    directives: int
    cost: _Formula
    # The cost per element of the fields whose size the field around this selection set gives.
    sized_cost: _Formula


_EMPTY = _Measure(0, 0, 0, 0, 0, 0, 0)


class _Meter:
    """Measures the selection sets of one document."""

    def __init__(self, document: DocumentNode, costs: _Costs, limits: Limits) -> None:
        self._costs = costs
        self._limits = limits
        self._definitions = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._fragments: dict[str, _Measure | None] = {}
        self.representations: list[_Count | int] = []

    def selections(self, node: SelectionSetNode, type_name: str) -> _Measure:
        fields = depth = introspection_depth = aliases = directives = 0
        costs: list[tuple[_Size, _Formula]] = []
        sized_costs: list[tuple[_Size, _Formula]] = []
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
        return _Measure(fields, depth, introspection_depth, aliases, directives, _total(costs), _total(sized_costs))

    def _field(self, node: FieldNode, type_name: str) -> tuple[_Size, _Measure]:
        """The number of values of a field, and the measure of each."""
        name = node.name.value
        field = self._costs.fields.get(type_name, {}).get(name)
        if name in ("__schema", "__type"):
            return 1, self._introspection(node, "__Schema" if name == "__schema" else "__Type")
        # An unknown field is left to the validation, which names it.
        inner = self.selections(node.selection_set, field.type_name if field else "") if node.selection_set else _EMPTY
        size: _Size = 1
        children: _Size = _DEFAULT_LIST_SIZE
        if field is not None and name == "_entities":
            size = self._representations(node)
        elif field is not None and field.list_size is not None and field.list_size.sizes_children:
            children = field.list_size.size(node)
        elif field is not None and field.list_size is not None:
            size = field.list_size.size(node)
        elif field is not None and field.is_list:
            size = _DEFAULT_LIST_SIZE
        return size, _Measure(
            fields=1,
            depth=inner.depth + 1,
            # Below __schema all depth counts as that of introspection.
            introspection_depth=inner.introspection_depth,
            aliases=inner.aliases,
            directives=inner.directives,
            cost=_total([(1, field.weight if field else 0), (1, inner.cost), (children, inner.sized_cost)]),
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

    def _representations(self, node: FieldNode) -> _Size:
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
    costs = _costs.get(schema)
    if costs is None:
        costs = _costs[schema] = _Costs.of(schema)
    meter = _Meter(document, costs, limits)
    root = schema.get_root_type(operation.operation)
    measure = meter.selections(operation.selection_set, root.name if root else "")
    variable_directives = sum(len(each.directives or ()) for each in operation.variable_definitions or ())
    base = _MUTATION_COST if operation.operation is OperationType.MUTATION else 0
    formula = _total([(1, base), (1, measure.cost), (_DEFAULT_LIST_SIZE, measure.sized_cost)])
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
        representations=tuple(each for each in meter.representations if isinstance(each, _Count)),
    )


def check_variables(cost: DocumentCost, variables: Mapping[str, object]) -> int:
    """The operation's cost with these variables. Raises TooComplex.

    The variables are those of the request, not yet coerced; one of the wrong type counts as not given.
    """
    for count in cost.representations:
        if _evaluate_size(count, cost, variables) > cost.limits.representations:
            raise TooComplex("representations", cost.limits.representations)
    value = _evaluate(cost.formula, cost, variables, {})
    if value > cost.limits.cost:
        raise TooComplex("cost", cost.limits.cost)
    return value


def _evaluate(formula: _Formula, cost: DocumentCost, variables: Mapping[str, object], known: dict[int, int]) -> int:
    if isinstance(formula, int):
        return formula
    # Fragments spread in several places share one formula, which must not be evaluated once for each.
    value = known.get(id(formula))
    if value is None:
        value = formula.base + sum(
            _evaluate_size(size, cost, variables) * _evaluate(each, cost, variables, known)
            for size, each in formula.terms
        )
        known[id(formula)] = value
    return value


def _evaluate_size(size: _Size, cost: DocumentCost, variables: Mapping[str, object]) -> int:
    if isinstance(size, int):
        return size
    if isinstance(size, _Count):
        value = variables.get(size.variable, cost.defaults.get(size.variable))
        return len(value) if isinstance(value, list) else 0 if value is None else 1
    given = [
        candidate if isinstance(candidate, int) else _argument_size(candidate, cost, variables)
        for candidate in size.candidates
    ]
    return max((each for each in given if each is not None), default=size.assumed)


def _argument_size(argument: _Argument, cost: DocumentCost, variables: Mapping[str, object]) -> int | None:
    if argument.variable in variables:
        value = variables[argument.variable]
    else:
        value = cost.defaults.get(argument.variable, argument.default)
    # GraphQL's Int takes 20.0 for 20.
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return int(max(0, min(value, _MAX_SIZE)))


def _greatest(sizes: Iterable[_Count | int]) -> int:
    return max((size for size in sizes if isinstance(size, int)), default=0)


def _element_count(value: ValueNode | None) -> _Count | int:
    if isinstance(value, VariableNode):
        return _Count(value.name.value)
    return len(value.values) if isinstance(value, ListValueNode) else 1


def _default_size(value: ValueNode) -> object:
    """A variable's default as far as it can be a size: a number or a list's length."""
    if isinstance(value, IntValueNode):
        return _literal_size(value.value)
    return list(value.values) if isinstance(value, ListValueNode) else None


def _literal_size(digits: str) -> int:
    return _MAX_SIZE if len(digits) > 7 else max(0, min(int(digits), _MAX_SIZE))


# --- directives for fields ---


def list_size(
    *,
    assumed_size: int | None = None,
    slicing_arguments: list[str] | None = None,
    sized_fields: list[str] | None = None,
    require_one_slicing_argument: bool = True,
) -> ListSize:
    """`@listSize` for a field; what is None is left out (printed as `null` it does not compose).

    Give either an assumed size or slicing arguments: with both, Hive Router heeds the assumed size alone.
    """
    return ListSize(
        assumed_size=UNSET if assumed_size is None else assumed_size,
        slicing_arguments=UNSET if slicing_arguments is None else slicing_arguments,
        sized_fields=UNSET if sized_fields is None else sized_fields,
        require_one_slicing_argument=require_one_slicing_argument if slicing_arguments else UNSET,
    )
