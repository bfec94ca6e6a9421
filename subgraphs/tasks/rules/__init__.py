"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.tasks.rules import (
    agreements,
    attachments,
    cancellation,
    categories,
    commands,
    contact_details,
    questions,
    search,
    tasks,
    timeline,
)

__all__ = [
    "agreements",
    "attachments",
    "cancellation",
    "categories",
    "commands",
    "contact_details",
    "questions",
    "search",
    "tasks",
    "timeline",
]
