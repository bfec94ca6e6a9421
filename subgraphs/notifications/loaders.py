"""Batch loaders of notifications."""

from functools import partial

from shared.database.db import Database
from shared.loaders import one_by_key
from subgraphs.notifications import store


class Loaders:
    """The loaders of one operation."""

    def __init__(self, database: Database) -> None:
        self.notification_by_id = one_by_key(
            partial(store.load_notifications, database), key=lambda notification: notification.id
        )
