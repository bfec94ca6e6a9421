"""Batch loaders of users: one statement for all keys that one operation asks for at once."""

from functools import partial

from shared.db import Database
from shared.loaders import one_by_key
from subgraphs.users import store


class Loaders:
    """The loaders of one operation."""

    def __init__(self, database: Database) -> None:
        self.user_by_id = one_by_key(partial(store.accounts.load_users, database), key=lambda user: user.id)
