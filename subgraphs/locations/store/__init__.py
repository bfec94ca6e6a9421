"""All SQL of locations.

Lock order everywhere: the owner (by number), then their places' rows, then those of tasks, then (by the triggers) those
of cells, then (in `emit`) the stream's.
"""

from subgraphs.locations.store import maps, nearby, places, tasks

__all__ = ["maps", "nearby", "places", "tasks"]
