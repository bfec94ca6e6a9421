"""What may be done, by whom and when, and the geometry of it. Pure: no I/O."""

from subgraphs.locations.rules import (
    geometry,
    maps,
    nearby,
    neighbourhoods,
    places,
    saved_searches,
    service_areas,
    tasks,
)

__all__ = ["geometry", "maps", "nearby", "neighbourhoods", "places", "saved_searches", "service_areas", "tasks"]
