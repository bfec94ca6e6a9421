"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.tasks.rules import cancellation, categories, search, tasks, timeline

__all__ = ["cancellation", "categories", "search", "tasks", "timeline"]
