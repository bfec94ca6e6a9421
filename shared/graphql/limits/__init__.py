"""What an operation may ask for: one pass over the document, before it is validated or executed.

Each fragment is measured once, however often it is spread, so the time is linear in the document. The
cost is that of the Cost Directive specification (https://ibm.github.io/graphql-specs/cost-spec.html) as
federated routers read it: an object costs 1 or its `@cost`, a scalar nothing or its `@cost`, a mutation
10 more; a list multiplies what is selected on it by its size, which is the greatest slicing argument of
`@listSize`, else its assumed size, else 20. Sizes given as variables are filled in per request.
"""

from graphql.validation.rules import overlapping_fields_can_be_merged

from shared.graphql.limits.bounds import DEFAULT_LIMITS, Limits
from shared.graphql.limits.directives import list_size
from shared.graphql.limits.formula import DocumentCost
from shared.graphql.limits.measuring import check_document
from shared.graphql.limits.parsing import parse_limited
from shared.graphql.limits.variables import check_variables

__all__ = [
    "DEFAULT_LIMITS",
    "DocumentCost",
    "Limits",
    "check_document",
    "check_variables",
    "list_size",
    "parse_limited",
]

# graphql-core compares fields of one response name pairwise and stops at this budget. Its default takes
# 150 ms of CPU; queries that people write use a few hundred.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 5_000
