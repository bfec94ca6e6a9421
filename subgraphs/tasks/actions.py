"""What can be done with tasks: one function per mutation, event and deadline.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, erasure, events
from shared.actor import Actor
from shared.errors import NotFound, VersionConflict
from shared.graphql.text import clean
from shared.ids import new_id
from shared.money import Money
from shared.outbox import emit
from shared.transitions import next_status
from subgraphs.tasks import models, rules, store
from subgraphs.tasks.personal_data import HELD
from subgraphs.tasks.rules import TRANSITIONS, Command, Mode, Status

EXPIRY = "task_expiry"
_BUSY_RETRY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update gives; None leaves a value as it is. `clear_due` takes the due time away."""

    title: str | None = None
    description: str | None = None
    category_id: str | None = None
    budget: Money | None = None
    mode: Mode | None = None
    due_at: datetime | None = None
    clear_due: bool = False


async def create_task(
    session: AsyncSession,
    actor: Actor,
    *,
    title: str,
    description: str,
    category_id: str,
    budget: Money,
    mode: Mode,
    due_at: datetime | None,
    publish: bool,
) -> models.Task:
    """Writes a draft, and publishes it if asked to.

    Raises RoleRequired, InvalidInput, UnknownCategory, DueInPast.
    """
    rules.check_poster(actor)
    now = clock.now()
    title, description = _clean_title(title), _clean_description(description)
    rules.check_budget(budget)
    rules.check_due(due_at, now)
    await _check_category(session, category_id)
    task = models.Task(
        id=new_id("task"),
        poster_id=actor.id,
        tasker_id=None,
        bid_id=None,
        title=title,
        description=description,
        category_id=category_id,
        budget_minor=budget.minor,
        currency=budget.currency,
        mode=mode,
        due_at=due_at,
        status=Status.DRAFT,
        version=1,
        created_at=now,
        updated_at=now,
        published_at=None,
        expires_at=None,
        cancelled_reason=None,
    )
    session.add(task)
    await emit(session, events.TaskCreated(task=snapshot(task)))
    if publish:
        await _publish(session, task)
    return task


async def update_task(
    session: AsyncSession, actor: Actor, task_id: str, expected_version: int, changes: Changes
) -> models.Task:
    """Changes a draft or an open task. Locks its row.

    Raises as `create_task`, and NotFound, NotAllowed, VersionConflict, InvalidTransition, CurrencyMismatch.
    """
    task = await _lock_own(session, actor, task_id)
    _check_version(task, expected_version)
    _step(task, Command.UPDATE)
    if changes.title is not None:
        task.title = _clean_title(changes.title)
    if changes.description is not None:
        task.description = _clean_description(changes.description)
    if changes.budget is not None:
        if task.published_at is not None:
            rules.check_currency(changes.budget.currency, task.currency)
        rules.check_budget(changes.budget)
        task.budget_minor, task.currency = changes.budget.minor, changes.budget.currency
    if changes.mode is not None:
        task.mode = changes.mode
    if changes.category_id is not None:
        await _check_category(session, changes.category_id)
        task.category_id = changes.category_id
    if changes.clear_due or changes.due_at is not None:
        rules.check_due(changes.due_at, task.updated_at)
        task.due_at = changes.due_at
        await _schedule_expiry(session, task)
    await emit(session, events.TaskUpdated(task=snapshot(task)))
    return task


async def publish_task(session: AsyncSession, actor: Actor, task_id: str, expected_version: int | None) -> models.Task:
    """Opens a draft for bids. Locks its row.

    Raises NotFound, NotAllowed, RoleRequired, VersionConflict, InvalidTransition, DueInPast.
    """
    task = await _lock_own(session, actor, task_id)
    if expected_version is not None:
        _check_version(task, expected_version)
    await _publish(session, task)
    return task


async def cancel_task(session: AsyncSession, actor: Actor, task_id: str, reason: str) -> models.Task:
    """Calls a task off before its work begins. Locks its row.

    Raises NotFound, NotAllowed, RoleRequired, InvalidInput, InvalidTransition.
    """
    least, most = rules.REASON_LENGTH
    reason = clean(reason, field=("reason",), min_length=least, max_length=most, multiline=True)
    task = await _lock_own(session, actor, task_id)
    _step(task, Command.CANCEL)
    task.cancelled_reason = reason
    await deadlines.cancel(session, EXPIRY, task.id)
    await emit(session, events.TaskCancelled(task=snapshot(task), reason=reason, by="POSTER"))
    return task


async def assign_task(session: AsyncSession, bid: events.BidSnapshot) -> None:
    """Gives a task to the tasker of an accepted bid, or tells that it cannot have it any more.

    Locks the task's row. A bid that has the task already changes nothing.
    """
    task = await store.lock_task(session, bid.task_id)
    if task is None:
        raise LookupError("an accepted bid names a task that does not exist")
    if task.bid_id == bid.id:
        return
    if (task.status, Command.ASSIGN) not in TRANSITIONS:
        await emit(
            session,
            events.TaskAssignmentRejected(
                task=snapshot(task),
                bid_id=bid.id,
                tasker_id=bid.tasker_id,
                reason=f"The task is {task.status.lower()} already.",
            ),
        )
        return
    _step(task, Command.ASSIGN)
    task.tasker_id, task.bid_id = bid.tasker_id, bid.id
    await deadlines.cancel(session, EXPIRY, task.id)
    await emit(session, events.TaskAssigned(task=snapshot(task), bid_id=bid.id))


async def forget_person(session: AsyncSession, person_id: str) -> None:
    """Erases somebody who left, and calls off what nobody can go on with now. Locks the rows of their tasks."""
    await store.lock_tasks_of(session, person_id)
    await erasure.erase(session, person_id, "tasks", HELD)
    for task in await store.lock_tasks_of(session, person_id):
        if (task.status, Command.CANCEL) in TRANSITIONS:
            _step(task, Command.CANCEL)
            reason = "The poster has left." if task.poster_id == person_id else "The tasker has left."
            await deadlines.cancel(session, EXPIRY, task.id)
            await emit(session, events.TaskCancelled(task=snapshot(task), reason=reason, by="SYSTEM"))


async def expire_task(session: AsyncSession, task_id: str) -> None:
    """The deadline of an open task. Locks its row, unless somebody else has it at the moment.

    Whoever changes a task locks its row first and its deadline after; this comes the other way round, so
    it must not wait.
    """
    task = await store.lock_task(session, task_id, skip_locked=True)
    if task is None:
        await deadlines.schedule(session, EXPIRY, task_id, clock.now() + _BUSY_RETRY)
        return
    if task.status is not Status.OPEN or task.expires_at is None:
        return
    if task.expires_at > clock.now():
        await deadlines.schedule(session, EXPIRY, task_id, task.expires_at)
        return
    _step(task, Command.EXPIRE)
    await emit(session, events.TaskExpired(task=snapshot(task)))


def snapshot(task: models.Task) -> events.TaskSnapshot:
    """The task as its events carry it."""
    return events.TaskSnapshot(
        id=task.id,
        poster_id=task.poster_id,
        tasker_id=task.tasker_id,
        title=task.title,
        description=task.description,
        category_id=task.category_id,
        budget=Money(task.budget_minor, task.currency),
        mode=task.mode,
        status=task.status,
        version=task.version,
        due_at=task.due_at,
        expires_at=task.expires_at,
        created_at=task.created_at,
        updated_at=task.updated_at,
        published_at=task.published_at,
        cancelled_reason=task.cancelled_reason,
    )


async def _lock_own(session: AsyncSession, actor: Actor, task_id: str) -> models.Task:
    """The actor's task, locked."""
    task = await store.lock_task(session, task_id)
    if task is None:
        raise NotFound("There is no such task.", field=("taskId",))
    rules.check_poster_of(actor, task.poster_id, task.published_at)
    rules.check_poster(actor)
    return task


def _check_version(task: models.Task, expected_version: int) -> None:
    if task.version != expected_version:
        raise VersionConflict("The task changed meanwhile; look at it again.", current=task)


async def _check_category(session: AsyncSession, category_id: str) -> None:
    category = await store.get_category(session, category_id)
    if category is None or category.parent_id is None:
        raise rules.UnknownCategory("Choose one of the subcategories.", field=("categoryId",))


def _clean_title(title: str) -> str:
    least, most = rules.TITLE_LENGTH
    return clean(title, field=("title",), min_length=least, max_length=most)


def _clean_description(description: str) -> str:
    least, most = rules.DESCRIPTION_LENGTH
    return clean(description, field=("description",), min_length=least, max_length=most, multiline=True)


def _step(task: models.Task, command: Command) -> None:
    task.status = next_status(TRANSITIONS, task.status, command)
    task.version += 1
    task.updated_at = clock.now()


async def _publish(session: AsyncSession, task: models.Task) -> None:
    _step(task, Command.PUBLISH)
    rules.check_due(task.due_at, task.updated_at)
    task.published_at = task.updated_at
    await _schedule_expiry(session, task)
    await emit(session, events.TaskPublished(task=snapshot(task)))


async def _schedule_expiry(session: AsyncSession, task: models.Task) -> None:
    """Sets when an open task expires; a draft never does."""
    if task.published_at is None:
        return
    task.expires_at = rules.expires_at(task.published_at, task.due_at)
    await deadlines.schedule(session, EXPIRY, task.id, task.expires_at)
