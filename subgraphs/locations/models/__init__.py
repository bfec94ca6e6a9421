"""Tables of locations: places, how they are moved, copies of tasks, counts for maps, saved searches, service areas."""

from subgraphs.locations.models.base import Base
from subgraphs.locations.models.maps import Cell
from subgraphs.locations.models.people import Block, Suspension
from subgraphs.locations.models.places import Displacement, Place
from subgraphs.locations.models.saved_searches import Alert, SavedSearch
from subgraphs.locations.models.service_areas import ServiceArea
from subgraphs.locations.models.tasks import IS_OPEN, Task

__all__ = [
    "IS_OPEN",
    "Alert",
    "Base",
    "Block",
    "Cell",
    "Displacement",
    "Place",
    "SavedSearch",
    "ServiceArea",
    "Suspension",
    "Task",
]
