"""What all that is done with a task has in common."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.actor import Actor
from shared.errors import NotFound, VersionConflict
from shared.money import Money
from shared.transitions import next_status
from subgraphs.tasks import models, rules, store
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command

EXPIRY = "task_expiry"


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
        place_id=task.place_id,
        requirements=tuple(task.requirements),
        due_from=task.due_from,
        due_at=task.due_at,
        time_zone=task.time_zone,
        expires_at=task.expires_at,
        created_at=task.created_at,
        updated_at=task.updated_at,
        published_at=task.published_at,
        cancelled_reason=task.cancelled_reason,
    )


async def lock_own(session: AsyncSession, actor: Actor, task_id: str) -> models.Task:
    """The actor's task, locked."""
    task = await store.tasks.lock_task(session, task_id)
    if task is None:
        raise NotFound("There is no such task.", field=("taskId",))
    rules.tasks.check_poster_of(actor, task.poster_id, task.published_at)
    rules.tasks.check_poster(actor)
    return task


def check_version(task: models.Task, expected_version: int) -> None:
    if task.version != expected_version:
        raise VersionConflict("The task changed meanwhile; look at it again.", current=task)


def step(task: models.Task, command: Command) -> None:
    task.status = next_status(TRANSITIONS, task.status, command)
    task.version += 1
    task.updated_at = clock.now()


async def schedule_expiry(session: AsyncSession, task: models.Task) -> None:
    """Sets when an open task expires; a draft never does."""
    if task.published_at is None:
        return
    task.expires_at = rules.tasks.expires_at(task.published_at, task.due_at)
    await deadlines.schedule(session, EXPIRY, task.id, task.expires_at)
