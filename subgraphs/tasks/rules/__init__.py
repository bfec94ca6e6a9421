"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.tasks.rules import (
    agreements,
    cancellation,
    categories,
    contact_details,
    questions,
    search,
    tasks,
    timeline,
)

__all__ = [
    "agreements",
    "cancellation",
    "categories",
    "contact_details",
    "questions",
    "search",
    "tasks",
    "timeline",
]
