"""All SQL of tasks.

Lock order everywhere: the task's row, then those of its requests, questions and attachments, then the deadlines',
then (in `emit`) the stream's.
"""

from subgraphs.tasks.store import (
    agreements,
    attachments,
    categories,
    places,
    questions,
    relevance,
    search,
    tasks,
    terms,
    timeline,
    words,
)

__all__ = [
    "agreements",
    "attachments",
    "categories",
    "places",
    "questions",
    "relevance",
    "search",
    "tasks",
    "terms",
    "timeline",
    "words",
]
