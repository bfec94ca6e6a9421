"""Tables of locations: places, how they are moved for others, copies of tasks, counts for maps."""

from subgraphs.locations.models.base import Base
from subgraphs.locations.models.maps import Cell
from subgraphs.locations.models.places import Displacement, Place
from subgraphs.locations.models.tasks import IS_OPEN, Task

__all__ = ["IS_OPEN", "Base", "Cell", "Displacement", "Place", "Task"]
