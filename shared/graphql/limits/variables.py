"""What an operation costs with the variables of a request."""

from collections.abc import Mapping

from shared.errors import TooComplex
from shared.graphql.limits.formula import MAX_SIZE, Argument, Count, DocumentCost, Formula, Size


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


def _evaluate(formula: Formula, cost: DocumentCost, variables: Mapping[str, object], known: dict[int, int]) -> int:
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


def _evaluate_size(size: Size, cost: DocumentCost, variables: Mapping[str, object]) -> int:
    if isinstance(size, int):
        return size
    if isinstance(size, Count):
        value = variables.get(size.variable, cost.defaults.get(size.variable))
        return len(value) if isinstance(value, list) else 0 if value is None else 1
    given = [
        candidate if isinstance(candidate, int) else _argument_size(candidate, cost, variables)
        for candidate in size.candidates
    ]
    return max((each for each in given if each is not None), default=size.assumed)


def _argument_size(argument: Argument, cost: DocumentCost, variables: Mapping[str, object]) -> int | None:
    if argument.variable in variables:
        value = variables[argument.variable]
    else:
        value = cost.defaults.get(argument.variable, argument.default)
    # GraphQL's Int takes 20.0 for 20.
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return int(max(0, min(value, MAX_SIZE)))
