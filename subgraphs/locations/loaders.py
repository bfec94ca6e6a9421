"""Batch loaders of locations: one statement for all keys that one operation asks for at once."""

from functools import partial

from shared.database.db import Database
from shared.loaders import one_by_key, value_by_key
from subgraphs.locations import store


class Loaders:
    """The loaders of one operation."""

    def __init__(self, database: Database) -> None:
        self.place_by_id = one_by_key(partial(store.places.load_places, database), key=lambda place: place.id)
        self.links_by_place_id = value_by_key(partial(store.tasks.load_links, database), default=None)
        self.saved_search_by_id = one_by_key(
            partial(store.saved_searches.load_saved_searches, database), key=lambda search: search.id
        )
        self.task_by_id = one_by_key(partial(store.tasks.load_tasks, database), key=lambda task: task.id)
