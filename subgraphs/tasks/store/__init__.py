"""All SQL of tasks.

Lock order everywhere: the task's row, then those of its requests and questions, then the deadlines', then (in
`emit`) the stream's.
"""

from subgraphs.tasks.store import (
    agreements,
    categories,
    questions,
    relevance,
    search,
    suspensions,
    tasks,
    timeline,
    words,
)

__all__ = [
    "agreements",
    "categories",
    "questions",
    "relevance",
    "search",
    "suspensions",
    "tasks",
    "timeline",
    "words",
]
