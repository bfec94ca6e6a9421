"""Tables of locations: places, where they are shown, copies of tasks, counts for maps, searches, service areas."""

from subgraphs.locations.models.base import Base
from subgraphs.locations.models.maps import Cell
from subgraphs.locations.models.people import Block, Suspension
from subgraphs.locations.models.places import Neighbourhood, Place
from subgraphs.locations.models.saved_searches import Alert, SavedSearch
from subgraphs.locations.models.service_areas import ServiceArea
from subgraphs.locations.models.tasks import IS_OPEN, Task

__all__ = [
    "IS_OPEN",
    "Alert",
    "Base",
    "Block",
    "Cell",
    "Neighbourhood",
    "Place",
    "SavedSearch",
    "ServiceArea",
    "Suspension",
    "Task",
]
