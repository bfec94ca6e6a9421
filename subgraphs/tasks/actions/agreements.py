"""What poster and tasker ask of each other once a task is assigned."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.errors import NotFound, VersionConflict, collected
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.money import Entered, Money
from shared.transitions import By, is_repeat
from subgraphs.tasks import models, rules, store
from subgraphs.tasks.actions import cancellation, posting, steps
from subgraphs.tasks.rules.agreements import ANSWERS, COMMANDS, Command, Kind, Status
from subgraphs.tasks.rules.tasks import Party


async def request_reschedule(
    session: AsyncSession,
    actor: Actor,
    task_id: str,
    *,
    due_from: datetime | None,
    due_at: datetime,
    time_zone: str | None,
    message: str,
) -> models.Agreement:
    """Asks the other side for another time. Locks the task's row.

    Raises NotFound, NotAllowed, InvalidTransition, RequestPending, InvalidInput, DueInPast.
    """
    task, agreement = await _request(session, actor, task_id, Kind.RESCHEDULE)
    with collected() as check:
        agreement.message = check(rules.tasks.clean_message, message)
        check(rules.tasks.check_due, due_at, agreement.created_at)
        check(rules.tasks.check_window, due_from, due_at)
        if time_zone is not None:
            check(rules.tasks.check_time_zone, time_zone, posting.time_zones())
    agreement.due_from, agreement.due_at, agreement.time_zone = due_from, due_at, time_zone or task.time_zone
    told = events.TaskRescheduleRequested(task=steps.snapshot(task), agreement=snapshot(agreement))
    await _tell(session, task, agreement, told, actor)
    return agreement


async def request_price_change(
    session: AsyncSession, actor: Actor, task_id: str, *, price: Entered, message: str
) -> models.Agreement:
    """Asks the other side for another price. Locks the task's row.

    Raises NotFound, NotAllowed, InvalidTransition, RequestPending, InvalidInput, InvalidAmount, CurrencyMismatch.
    """
    task, agreement = await _request(session, actor, task_id, Kind.PRICE_CHANGE)
    current = steps.price(task)
    with collected() as check:
        asked = check(rules.agreements.read_price, price, current)
        agreement.message = check(rules.tasks.clean_message, message)
    agreement.price_minor, agreement.price_before_minor = asked.minor, current.minor
    told = events.TaskPriceChangeRequested(task=steps.snapshot(task), agreement=snapshot(agreement))
    await _tell(session, task, agreement, told, actor)
    return agreement


async def request_cancellation(session: AsyncSession, actor: Actor, task_id: str, reason: str) -> models.Agreement:
    """Asks the other side to end what has begun; without an answer for 48 hours it ends. Locks the task's row.

    Raises NotFound, NotAllowed, InvalidTransition, RequestPending, InvalidInput.
    """
    task, agreement = await _request(session, actor, task_id, Kind.CANCELLATION)
    agreement.message = rules.tasks.clean_reason(reason)
    agreement.expires_at = agreement.created_at + rules.agreements.ANSWER_PERIOD
    await deadlines.schedule(session, steps.CANCELLATION, agreement.id, agreement.expires_at)
    told = events.TaskCancellationRequested(task=steps.snapshot(task), agreement=snapshot(agreement))
    await _tell(session, task, agreement, told, actor)
    return agreement


async def answer(
    session: AsyncSession, actor: Actor, agreement_id: str, kind: Kind, expected_version: int, *, accept: bool
) -> models.Agreement:
    """Agrees to a request of this kind, or does not. Locks the task's row and the request's.

    Raises NotFound, NotAllowed, VersionConflict, InvalidTransition, DueInPast.
    """
    found = await store.agreements.get_agreement(session, agreement_id)
    task = await store.tasks.lock_task(session, found.task_id) if found and found.kind is kind else None
    agreement = await store.agreements.lock_agreement(session, agreement_id) if task else None
    if task is None or agreement is None:
        raise NotFound("There is no such request.", field=("agreementId",))
    side = rules.agreements.check_asked(actor, agreement.requested_by, task.poster_id, task.tasker_id)
    if is_repeat(agreement, rules.tasks.by(side), *ANSWERS[accept]):
        return agreement
    if agreement.version != expected_version:
        raise VersionConflict("The request changed meanwhile; look at it again.", current=agreement)
    answering = {
        Kind.RESCHEDULE: _answer_reschedule,
        Kind.PRICE_CHANGE: _answer_price_change,
        Kind.CANCELLATION: _answer_cancellation,
    }[kind]
    await answering(session, actor, task, agreement, rules.tasks.by(side), accept)
    return agreement


async def lapse(session: AsyncSession, agreement_id: str) -> None:
    """The deadline of a request to end a task: nobody answered, so it ends. Locks as `steps.lock_when_due`."""
    found = await store.agreements.get_agreement(session, agreement_id)
    if found is None:
        return
    task = await steps.lock_when_due(session, steps.CANCELLATION, found.task_id, subject_id=agreement_id)
    agreement = await store.agreements.lock_agreement(session, agreement_id) if task else None
    if task is None or agreement is None or agreement.status is not Status.OPEN or agreement.expires_at is None:
        return
    if agreement.expires_at > clock.now():
        await deadlines.schedule(session, steps.CANCELLATION, agreement_id, agreement.expires_at)
        return
    steps.settle(agreement, Command.LAPSE, By.TIMER)
    await _end(session, task, agreement, By.TIMER)


async def settle_price_change(session: AsyncSession, agreement_id: str, price: Money | None) -> None:
    """The difference to a higher price is held, so that the price counts; None: it did not come, and the price stays.

    Locks the task's row and the request's. One that was settled before, or whose task has ended, changes nothing.
    """
    found = await store.agreements.get_agreement(session, agreement_id)
    task = await store.tasks.lock_task(session, found.task_id) if found else None
    agreement = await store.agreements.lock_agreement(session, agreement_id) if task else None
    if task is None or agreement is None or agreement.status is not Status.AWAITING_FUNDING:
        return
    steps.settle(agreement, Command.FUND if price is not None else Command.FAIL, By.EVENT)
    if price is not None:
        task.price_minor, task.version, task.updated_at = price.minor, task.version + 1, clock.now()
    told = events.TaskPriceChangeSettled(
        task=steps.snapshot(task), agreement=snapshot(agreement), funded=price is not None
    )
    await steps.tell(session, task, told)


def snapshot(agreement: models.Agreement) -> events.AgreementSnapshot:
    """The request as its events carry it."""

    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, agreement.currency)

    return events.AgreementSnapshot(
        id=agreement.id,
        kind=agreement.kind,
        status=agreement.status,
        version=agreement.version,
        requested_by=agreement.requested_by,
        requested_by_id=agreement.requested_by_id,
        message=agreement.message,
        due_from=agreement.due_from,
        due_at=agreement.due_at,
        time_zone=agreement.time_zone,
        price=money(agreement.price_minor),
        price_before=money(agreement.price_before_minor),
        expires_at=agreement.expires_at,
    )


async def _request(
    session: AsyncSession, actor: Actor, task_id: str, kind: Kind
) -> tuple[models.Task, models.Agreement]:
    """The task, locked, and a new request to be filled in."""
    task, party = await steps.lock_as_party(session, actor, task_id, COMMANDS[kind])
    rules.agreements.check_possible(kind, task.status)
    unsettled = await store.agreements.lock_unsettled(session, task.id)
    rules.agreements.check_none_pending(kind, [each.kind for each in unsettled])
    agreement = models.Agreement(
        id=new_id("agreement"),
        task_id=task.id,
        kind=kind,
        status=Status.OPEN,
        version=1,
        last_step=None,
        requested_by=party,
        requested_by_id=actor.id,
        message="",
        due_from=None,
        due_at=None,
        time_zone=None,
        currency=task.currency,
        created_at=clock.now(),
        expires_at=None,
        answered_at=None,
    )
    return task, agreement


async def _tell(
    session: AsyncSession,
    task: models.Task,
    agreement: models.Agreement,
    event: events.Event,
    actor: Actor,
) -> None:
    session.add(agreement)
    is_new = agreement.status is Status.OPEN
    await steps.tell(session, task, event, actor_id=actor.id, message=agreement.message if is_new else None)


async def _answer_reschedule(
    session: AsyncSession, actor: Actor, task: models.Task, agreement: models.Agreement, by: By, accept: bool
) -> None:
    steps.settle(agreement, Command.ACCEPT if accept else Command.DECLINE, by)
    if accept:
        await steps.step(session, task, COMMANDS[agreement.kind], by)
        rules.tasks.check_due(agreement.due_at, task.updated_at)
        task.due_from, task.due_at = agreement.due_from, agreement.due_at
        task.time_zone = agreement.time_zone or task.time_zone
    asked = snapshot(agreement)
    told = events.TaskRescheduleAnswered(task=steps.snapshot(task), agreement=asked, accepted=accept)
    await _tell(session, task, agreement, told, actor)


async def _answer_price_change(
    session: AsyncSession, actor: Actor, task: models.Task, agreement: models.Agreement, by: By, accept: bool
) -> None:
    price = agreement.price_minor
    assert price is not None, "a request for another price names it"
    command = rules.agreements.agreeing(price, steps.price(task).minor) if accept else Command.DECLINE
    if command is Command.ACCEPT_MORE:
        rules.agreements.check_possible(agreement.kind, task.status)
    steps.settle(agreement, command, by)
    if command is Command.ACCEPT:
        await steps.step(session, task, COMMANDS[agreement.kind], by)
        task.price_minor = price
    told = events.TaskPriceChangeAnswered(
        task=steps.snapshot(task),
        agreement=snapshot(agreement),
        accepted=accept,
        awaiting_funding=agreement.status is Status.AWAITING_FUNDING,
    )
    await _tell(session, task, agreement, told, actor)


async def _answer_cancellation(
    session: AsyncSession, actor: Actor, task: models.Task, agreement: models.Agreement, by: By, accept: bool
) -> None:
    steps.settle(agreement, Command.ACCEPT if accept else Command.DECLINE, by)
    await deadlines.cancel(session, steps.CANCELLATION, agreement.id)
    asked = snapshot(agreement)
    told = events.TaskCancellationAnswered(task=steps.snapshot(task), agreement=asked, accepted=accept)
    await _tell(session, task, agreement, told, actor)
    if accept:
        await _end(session, task, agreement, by)


async def _end(session: AsyncSession, task: models.Task, agreement: models.Agreement, by: By) -> None:
    party: Party = agreement.requested_by
    await cancellation.end(session, task, COMMANDS[agreement.kind], by, agreement.message, party)
