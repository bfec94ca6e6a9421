"""What can be done with tasks: one function per mutation, event and deadline, in a module per noun.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from subgraphs.tasks.actions import (
    agreements,
    assignment,
    attachments,
    cancellation,
    erasure,
    expiry,
    people,
    places,
    posting,
    questions,
    steps,
    work,
)

__all__ = [
    "agreements",
    "assignment",
    "attachments",
    "cancellation",
    "erasure",
    "expiry",
    "people",
    "places",
    "posting",
    "questions",
    "steps",
    "work",
]
