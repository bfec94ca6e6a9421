"""What can be done with money: one function per mutation, event, deadline and answer of the provider.

Each runs in the caller's transaction, which also holds the events that it emits. None asks the provider for anything:
that is done after the commit, by `subgraphs.payments.settling`.
"""

from subgraphs.payments.actions import (
    administration,
    books,
    chargebacks,
    charging,
    ending,
    funding,
    methods,
    outcomes,
    payouts,
    people,
    refunds,
    steps,
    tasks,
    tips,
)

__all__ = [
    "administration",
    "books",
    "chargebacks",
    "charging",
    "ending",
    "funding",
    "methods",
    "outcomes",
    "payouts",
    "people",
    "refunds",
    "steps",
    "tasks",
    "tips",
]
