"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.tasks.rules import categories, tasks

__all__ = ["categories", "tasks"]
