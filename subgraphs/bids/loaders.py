"""Batch loaders of bids: one statement for all keys that one operation asks for at once."""

from functools import partial

from aiodataloader import DataLoader

from shared.database.db import Database
from shared.graphql.pagination import Page, Window
from shared.loaders import many_by_key, one_by_key, value_by_key
from subgraphs.bids import models, store


class Loaders:
    """The loaders of one operation."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.bid_by_id = one_by_key(partial(store.load_bids, database), key=lambda bid: bid.id)
        self.deal_by_task_id = one_by_key(partial(store.load_deals, database), key=lambda deal: deal.id)
        self.bid_count_by_task_id = value_by_key(partial(store.load_bid_counts, database), default=0)
        self.offer_by_id = one_by_key(partial(store.load_offers, database), key=lambda offer: offer.id)
        self.offers_by_bid_id = many_by_key(partial(store.load_offers_of, database), key=lambda offer: offer.bid_id)
        self.invitation_by_id = one_by_key(partial(store.load_invitations, database), key=lambda each: each.id)
        self._newest_by_task_id: dict[str, DataLoader[str, models.Bid | None]] = {}
        self._pages_by_task_id: dict[str, DataLoader[tuple[str, Window], Page[models.Bid]]] = {}
        self._invitations_by_task_id: dict[str, DataLoader[str, list[models.Invitation]]] = {}

    def newest_bid_by_task_id(self, tasker_id: str) -> DataLoader[str, models.Bid | None]:
        """The newest bid of one tasker, by task."""
        if tasker_id not in self._newest_by_task_id:
            self._newest_by_task_id[tasker_id] = one_by_key(
                partial(store.load_newest_bids_of, self._database, tasker_id), key=lambda bid: bid.task_id
            )
        return self._newest_by_task_id[tasker_id]

    def bid_page_by_task_id(self, viewer_id: str) -> DataLoader[tuple[str, Window], Page[models.Bid]]:
        """A page of the bids that one viewer may see, by task and window."""
        if viewer_id not in self._pages_by_task_id:
            self._pages_by_task_id[viewer_id] = DataLoader(partial(store.load_bid_pages, self._database, viewer_id))
        return self._pages_by_task_id[viewer_id]

    def invitations_by_task_id(self, poster_id: str) -> DataLoader[str, list[models.Invitation]]:
        """The invitations that one poster made, by task."""
        if poster_id not in self._invitations_by_task_id:
            self._invitations_by_task_id[poster_id] = many_by_key(
                partial(store.load_invitations_to, self._database, poster_id), key=lambda each: each.task_id
            )
        return self._invitations_by_task_id[poster_id]
