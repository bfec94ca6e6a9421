"""What can be done: one function per mutation and event, in a module per noun.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from subgraphs.locations.actions import alerts, people, places, saved_searches, service_areas, tasks

__all__ = ["alerts", "people", "places", "saved_searches", "service_areas", "tasks"]
