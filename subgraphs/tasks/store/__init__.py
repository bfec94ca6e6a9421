"""All SQL of tasks.

Lock order everywhere: the task's row, then its deadline's, then (in `emit`) the stream's.
"""

from subgraphs.tasks.store import categories, relevance, search, suspensions, tasks, timeline, words

__all__ = ["categories", "relevance", "search", "suspensions", "tasks", "timeline", "words"]
