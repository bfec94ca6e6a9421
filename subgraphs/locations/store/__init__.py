"""All SQL of locations.

Lock order everywhere: the owner (by name), then whether somebody is suspended, then the rows of places, then those of
tasks, then (by the triggers) those of cells, then (in `emit`) the stream's.
"""

from subgraphs.locations.store import alerts, maps, nearby, people, places, saved_searches, service_areas, tasks

__all__ = ["alerts", "maps", "nearby", "people", "places", "saved_searches", "service_areas", "tasks"]
