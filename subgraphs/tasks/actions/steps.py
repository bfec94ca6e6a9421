"""What all that is done with a task has in common."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.errors import NotFound, VersionConflict
from shared.identity.actor import Actor
from shared.messaging.outbox import emit
from shared.money import Money
from shared.transitions import By, take
from subgraphs.tasks import models, rules, store
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Party

EXPIRY = "task_expiry"
APPROVAL = "task_approval"
CANCELLATION = "task_cancellation"
_BUSY_RETRY = timedelta(seconds=1)


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
        place_id=task.place_id,
        requirements=tuple(task.requirements),
        attachments=tuple(events.AttachmentSnapshot.model_validate(each) for each in task.attachments),
        due_from=task.due_from,
        due_at=task.due_at,
        time_zone=task.time_zone,
        status=task.status,
        version=task.version,
        expires_at=task.expires_at,
        created_at=task.created_at,
        updated_at=task.updated_at,
        published_at=task.published_at,
        started_at=task.started_at,
        delivered_at=task.delivered_at,
        completed_at=task.completed_at,
        cancelled_by_id=task.cancelled_by_id,
        cancelled_reason=task.cancelled_reason,
    )


def price(task: models.Task) -> Money:
    """What was agreed on for the whole task; of one that was assigned before prices were kept, its budget."""
    return Money(task.budget_minor if task.price_minor is None else task.price_minor, task.currency)


async def lock_as_party(
    session: AsyncSession, actor: Actor, task_id: str, command: Command
) -> tuple[models.Task, Party]:
    """A task, locked, with the side as which the actor gives it this command.

    Raises NotFound, NotAllowed, RoleRequired.
    """
    task = await store.tasks.lock_task(session, task_id)
    if task is None:
        raise NotFound("There is no such task.", field=("taskId",))
    party = rules.tasks.check_party(actor, command, task.poster_id, task.tasker_id, task.published_at)
    rules.tasks.check_role(actor, command, rules.tasks.by(party))
    return task, party


async def lock_own(session: AsyncSession, actor: Actor, task_id: str, command: Command) -> models.Task:
    """The actor's task, locked, for what its poster alone does. Raises NotFound, NotAllowed, RoleRequired."""
    task, _ = await lock_as_party(session, actor, task_id, command)
    return task


async def lock_when_due(
    session: AsyncSession, deadline: str, task_id: str, *, subject_id: str | None = None
) -> models.Task | None:
    """The task that a deadline is about, locked. None if somebody else has it; then the deadline comes once more.

    Whoever changes a task locks its row first and its deadline after; a deadline comes the other way round, so
    it must not wait.
    """
    task = await store.tasks.lock_task(session, task_id, skip_locked=True)
    if task is None:
        await deadlines.schedule(session, deadline, subject_id or task_id, clock.now() + _BUSY_RETRY)
    return task


def check_version(task: models.Task, expected_version: int | None) -> None:
    """Raises VersionConflict if the task is not the one that the caller saw; None is content with any."""
    if expected_version is not None and task.version != expected_version:
        raise VersionConflict("The task changed meanwhile; look at it again.", current=task)


async def step(session: AsyncSession, task: models.Task, command: Command, by: By) -> None:
    """Takes a step of the table; what the two still ask of each other ends where it has no place. Hold the lock.

    Raises InvalidTransition.
    """
    before = task.status
    take(TRANSITIONS, task, command, by)
    task.updated_at = clock.now()
    if task.status is before or task.tasker_id is None:
        return
    for agreement in await store.agreements.lock_unsettled(session, task.id):
        if rules.agreements.is_obsolete(agreement.kind, agreement.status, task.status):
            settle(agreement, rules.agreements.Command.WITHDRAW, By.STEP)
            await deadlines.cancel(session, CANCELLATION, agreement.id)


def settle(agreement: models.Agreement, command: rules.agreements.Command, by: By) -> None:
    """Takes a step of a request. Raises InvalidTransition."""
    take(rules.agreements.TRANSITIONS, agreement, command, by)
    agreement.answered_at = clock.now()


async def tell(
    session: AsyncSession,
    task: models.Task,
    event: events.Event,
    *,
    actor_id: str | None = None,
    message: str | None = None,
) -> None:
    """Emits what happened to a task and writes it into the task's timeline; nobody did what has no actor."""
    seq = await emit(session, event)
    happened = event.type.rpartition(".")[2]
    session.add(
        models.Step(
            task_id=task.id,
            seq=seq,
            type=happened,
            actor_id=actor_id,
            message=message,
            audience=rules.timeline.audience(happened, published=task.published_at is not None),
            occurred_at=clock.now(),
        )
    )


async def schedule_expiry(session: AsyncSession, task: models.Task) -> None:
    """Sets when an open task expires; a draft never does."""
    if task.published_at is None:
        return
    task.expires_at = rules.tasks.expires_at(task.published_at, task.due_at)
    await deadlines.schedule(session, EXPIRY, task.id, task.expires_at)
