"""Writing, changing and publishing tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession

from shared import amounts, clock, events
from shared.errors import Collected, collected
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.money import Entered
from shared.transitions import By, is_repeat, next_status
from subgraphs.tasks import models, rules, store
from subgraphs.tasks.actions import places, steps
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Mode, Status

DEFAULT_TIME_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update gives; None leaves a value as it is. Those named in `clear` are taken away."""

    title: str | None = None
    description: str | None = None
    category_id: str | None = None
    budget: Entered | None = None
    mode: Mode | None = None
    place_id: str | None = None
    requirements: Sequence[str] | None = None
    due_from: datetime | None = None
    due_at: datetime | None = None
    time_zone: str | None = None
    clear: frozenset[str] = frozenset()

    def touch(self, *names: str) -> bool:
        """Whether one of these is given or taken away."""
        return any(getattr(self, name) is not None or name in self.clear for name in names)


async def create_task(
    session: AsyncSession,
    actor: Actor,
    *,
    title: str,
    description: str,
    category_id: str,
    budget: Entered,
    mode: Mode,
    place_id: str | None = None,
    requirements: Sequence[str] = (),
    due_from: datetime | None = None,
    due_at: datetime | None = None,
    time_zone: str = DEFAULT_TIME_ZONE,
    publish: bool,
) -> models.Task:
    """Writes a draft, and publishes it if asked to.

    Raises RoleRequired; then together what holds of InvalidInput, InvalidAmount, UnknownCategory, DueInPast,
    PlaceRequired; then NotFound for a place that is not the actor's own.
    """
    rules.tasks.check_poster(actor)
    now = clock.now()
    parent_id = await _parent_of(session, category_id)
    with collected() as check:
        title = check(rules.tasks.clean_title, title)
        description = check(rules.tasks.clean_description, description)
        check(rules.categories.check_lower, parent_id)
        amount = check(amounts.read_amount, budget, field="budget")
        if publish:
            check(rules.tasks.check_place, mode, place_id)
        asked_for = check(rules.tasks.clean_requirements, requirements)
        check(rules.tasks.check_due, due_at, now)
        check(rules.tasks.check_window, due_from, due_at)
        check(rules.tasks.check_time_zone, time_zone, time_zones())
    if place_id is not None:
        await places.check_own(session, actor.id, place_id)
    task = models.Task(
        id=new_id("task"),
        poster_id=actor.id,
        tasker_id=None,
        bid_id=None,
        title=title,
        description=description,
        category_id=category_id,
        budget_minor=amount.minor,
        currency=amount.currency,
        mode=mode,
        place_id=place_id,
        requirements=asked_for,
        attachments=[],
        due_from=due_from,
        due_at=due_at,
        time_zone=time_zone,
        status=Status.DRAFT,
        version=1,
        last_step=None,
        created_at=now,
        updated_at=now,
        published_at=None,
        expires_at=None,
        price_minor=None,
        started_at=None,
        delivered_at=None,
        completed_at=None,
        cancelled_by_id=None,
        cancelled_reason=None,
    )
    session.add(task)
    # Flushed before what refers to it.
    await session.flush()
    await steps.tell(session, task, events.TaskCreated(task=steps.snapshot(task)), actor_id=actor.id)
    if publish:
        await _publish(session, task)
    return task


async def update_task(
    session: AsyncSession, actor: Actor, task_id: str, expected_version: int, changes: Changes
) -> models.Task:
    """Changes a draft or an open task; what is so already changes nothing. Locks its row.

    Raises as `create_task`, and NotFound, NotAllowed, VersionConflict, InvalidTransition, CurrencyMismatch.
    """
    task = await steps.lock_own(session, actor, task_id, Command.UPDATE)
    next_status(TRANSITIONS, task.status, Command.UPDATE, By.POSTER)
    before = task.model_dump()
    # Read before anything is changed: a statement would write what is not checked yet.
    parent_id = await _parent_of(session, changes.category_id) if changes.category_id is not None else None
    with collected() as check:
        if changes.title is not None:
            task.title = check(rules.tasks.clean_title, changes.title)
        if changes.description is not None:
            task.description = check(rules.tasks.clean_description, changes.description)
        if changes.category_id is not None:
            check(rules.categories.check_lower, parent_id)
            task.category_id = changes.category_id
        if changes.budget is not None:
            # Of a published task the currency stays: bids are in it.
            kept = task.currency if task.published_at is not None else None
            budget = check(amounts.read_amount, changes.budget, kept, field="budget")
        if changes.mode is not None:
            task.mode = changes.mode
        if changes.touch("place_id"):
            task.place_id = changes.place_id
        if changes.touch("mode", "place_id") and task.published_at is not None:
            check(rules.tasks.check_place, task.mode, task.place_id)
        if changes.requirements is not None:
            task.requirements = check(rules.tasks.clean_requirements, changes.requirements)
        check(rules.tasks.check_due, changes.due_at, clock.now())
        _move_due(check, task, changes)
    if changes.budget is not None:
        task.budget_minor, task.currency = budget.minor, budget.currency
    if task.model_dump() == before:
        return task
    steps.check_version(models.Task(**before), expected_version)
    if changes.touch("place_id") and task.place_id is not None:
        await places.check_own(session, task.poster_id, task.place_id)
    await steps.step(session, task, Command.UPDATE, By.POSTER)
    if changes.touch("due_at", "due_from"):
        await steps.schedule_expiry(session, task)
    await steps.tell(session, task, events.TaskUpdated(task=steps.snapshot(task)), actor_id=actor.id)
    return task


async def publish_task(session: AsyncSession, actor: Actor, task_id: str, expected_version: int | None) -> models.Task:
    """Opens a draft for bids. Locks its row.

    Raises NotFound, also if its place is gone, NotAllowed, RoleRequired, VersionConflict, InvalidTransition, DueInPast.
    """
    task = await steps.lock_own(session, actor, task_id, Command.PUBLISH)
    if is_repeat(task, By.POSTER, Command.PUBLISH):
        return task
    steps.check_version(task, expected_version)
    await _publish(session, task)
    return task


async def repost_task(
    session: AsyncSession, actor: Actor, task_id: str, expected_version: int | None, changes: Changes
) -> models.Task:
    """Opens an expired task for bids once more; of `changes` only the time for the work counts. Locks its row.

    Raises as `publish_task`, and InvalidInput.
    """
    task = await steps.lock_own(session, actor, task_id, Command.REPOST)
    if is_repeat(task, By.POSTER, Command.REPOST):
        return task
    steps.check_version(task, expected_version)
    await _open(session, task, Command.REPOST, changes)
    return task


async def _publish(session: AsyncSession, task: models.Task) -> None:
    await _open(session, task, Command.PUBLISH, Changes())


async def _open(session: AsyncSession, task: models.Task, command: Command, changes: Changes) -> None:
    await steps.step(session, task, command, By.POSTER)
    task.published_at = task.updated_at
    with collected() as check:
        _move_due(check, task, changes)
        check(rules.tasks.check_publishable, task.mode, task.place_id, task.due_at, task.updated_at)
    if task.place_id is not None:
        # It may have been deleted since the draft was written.
        await places.check_own(session, task.poster_id, task.place_id)
    await steps.schedule_expiry(session, task)
    told = events.TaskPublished(task=steps.snapshot(task), reposted=command is Command.REPOST)
    await steps.tell(session, task, told, actor_id=task.poster_id)


def _move_due(check: Collected, task: models.Task, changes: Changes) -> None:
    """Moves the time for the work, which is not checked to lie ahead. Without an end there is no window either."""
    if changes.time_zone is not None:
        check(rules.tasks.check_time_zone, changes.time_zone, time_zones())
        task.time_zone = changes.time_zone
    if changes.touch("due_at"):
        task.due_at = changes.due_at
        if changes.due_at is None:
            task.due_from = None
    if changes.touch("due_from"):
        task.due_from = changes.due_from
    if changes.touch("due_at", "due_from"):
        check(rules.tasks.check_window, task.due_from, task.due_at)


@cache
def time_zones() -> frozenset[str]:
    """All IANA names."""
    return frozenset(available_timezones())


async def _parent_of(session: AsyncSession, category_id: str) -> str | None:
    """The upper category; None for one itself, and for what is no category."""
    category = await store.categories.get_category(session, category_id)
    return category.parent_id if category is not None else None
