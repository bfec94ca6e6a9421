"""All SQL of tasks.

Lock order everywhere: the task's row, then its deadline's, then (in `emit`) the stream's.
"""

from subgraphs.tasks.store import categories, search, suspensions, tasks, timeline

__all__ = ["categories", "search", "suspensions", "tasks", "timeline"]
