"""Who may see and do what with places and the map, in the words of `shared.access`."""

from shared.access import Declaration
from subgraphs.locations.access import geocoding, place, saved_search, service_area, task

ACCESS: list[Declaration] = [
    *place.ACCESS,
    *geocoding.ACCESS,
    *task.ACCESS,
    *saved_search.ACCESS,
    *service_area.ACCESS,
]
