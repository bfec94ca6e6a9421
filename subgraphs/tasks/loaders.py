"""Batch loaders of tasks, and the categories, which a process keeps."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from aiodataloader import DataLoader

from shared.database.db import Database
from shared.errors import ServiceUnavailable
from shared.graphql.pagination import Page, Window
from shared.loaders import one_by_key, value_by_key
from subgraphs.tasks import models, store
from subgraphs.tasks.rules.agreements import Kind

T = TypeVar("T")

_KEPT_SECONDS = 60.0


class Loaders:
    """The loaders of one operation."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.task_by_id = one_by_key(partial(store.tasks.load_tasks, database), key=lambda task: task.id)
        self.unsettled_kinds_by_task_id: DataLoader[str, Collection[Kind]] = value_by_key(
            partial(store.agreements.load_unsettled_kinds, database), default=frozenset()
        )
        self.question_by_id = one_by_key(partial(store.questions.load_questions, database), key=lambda row: row.id)
        self.agreement_by_id = one_by_key(partial(store.agreements.load_agreements, database), key=lambda row: row.id)
        self.attachment_by_id = one_by_key(
            partial(store.attachments.load_attachments, database), key=lambda row: row.id
        )
        self.question_page_by_task_id: DataLoader[tuple[str, Window], Page[models.Question]] = DataLoader(
            partial(store.questions.load_question_pages, database)
        )
        self._agreements_by_task_id: dict[str, DataLoader[tuple[str, Window], Page[models.Agreement]]] = {}
        self._steps_by_task_id: dict[str, DataLoader[tuple[str, Window], Page[models.Step]]] = {}

    def agreement_page_by_task_id(self, viewer_id: str) -> DataLoader[tuple[str, Window], Page[models.Agreement]]:
        """A page of what one viewer may know of a task's requests, by task and window."""
        if viewer_id not in self._agreements_by_task_id:
            load = partial(store.agreements.load_agreement_pages, self._database, viewer_id)
            self._agreements_by_task_id[viewer_id] = DataLoader(load)
        return self._agreements_by_task_id[viewer_id]

    def step_page_by_task_id(self, viewer_id: str) -> DataLoader[tuple[str, Window], Page[models.Step]]:
        """A page of what one viewer may know of a task's timeline, by task and window."""
        if viewer_id not in self._steps_by_task_id:
            load = partial(store.timeline.load_step_pages, self._database, viewer_id)
            self._steps_by_task_id[viewer_id] = DataLoader(load)
        return self._steps_by_task_id[viewer_id]


class Categories(Generic[T]):
    """All categories by id, built once by `build` and kept by the process: only migrations change them.

    Read again after a minute, and when a row has one that is not known yet, since during a deployment the
    migration comes before the process that brought it.
    """

    def __init__(self, build: Callable[[Sequence[models.Category]], Mapping[str, T]]) -> None:
        self._build = build
        self._by_id: Mapping[str, T] = {}
        self._read_at = -_KEPT_SECONDS
        self._reading: asyncio.Task[None] | None = None

    async def know(self, database: Database, ids: Collection[str] = ()) -> Mapping[str, T]:
        """All categories, these among them if they exist."""
        known = self._by_id
        if time.monotonic() - self._read_at >= _KEPT_SECONDS or not all(each in known for each in ids):
            # Everybody notices at the same time; one of them reads. Shielded, since that one may go away.
            if self._reading is None:
                self._reading = asyncio.create_task(self._read(database))
            await asyncio.shield(self._reading)
        return self._by_id

    async def _read(self, database: Database) -> None:
        try:
            self._by_id = self._build(await store.categories.list_categories(database))
            self._read_at = time.monotonic()
        finally:
            self._reading = None

    def __getitem__(self, category_id: str) -> T:
        """One that `know` has read. Raises ServiceUnavailable for one that a migration has just added."""
        category = self._by_id.get(category_id)
        if category is None:
            self._read_at = -_KEPT_SECONDS
            raise ServiceUnavailable("The category is not known here yet; try again.")
        return category
