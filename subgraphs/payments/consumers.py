"""What payments does about other subgraphs' events and about deadlines."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.events import Envelope
from shared.messaging.consumer import Handlers
from shared.privacy import erasure, personal_data
from subgraphs.payments import actions
from subgraphs.payments.personal_data import HELD

handlers = Handlers()


@handlers.on(events.UserExportRequested)
async def user_export_requested(session: AsyncSession, envelope: Envelope[events.UserExportRequested]) -> None:
    await personal_data.export(session, envelope.event, events.PaymentsDataSealed, HELD)


@handlers.on(events.UserErased)
async def user_erased(session: AsyncSession, envelope: Envelope[events.UserErased]) -> None:
    await erasure.schedule(session, envelope.event.user_id)
    await actions.people.forget_person(session, envelope.event.user_id)


async def forget_again(session: AsyncSession, user_id: str, due_at: datetime) -> None:
    """The deadlines after which somebody who left is erased once more."""
    await actions.people.forget_person(session, user_id)


@handlers.on(events.UserSuspended)
async def user_suspended(session: AsyncSession, envelope: Envelope[events.UserSuspended]) -> None:
    await actions.people.copy_suspension(session, envelope.event.user_id, is_suspended=True, seq=envelope.seq)


@handlers.on(events.UserReinstated)
async def user_reinstated(session: AsyncSession, envelope: Envelope[events.UserReinstated]) -> None:
    await actions.people.copy_suspension(session, envelope.event.user_id, is_suspended=False, seq=envelope.seq)


@handlers.on(events.UserRegistered)
async def user_registered(session: AsyncSession, envelope: Envelope[events.UserRegistered]) -> None:
    event = envelope.event
    await actions.people.copy_profile(session, event.user_id, event.display_name, None, None, seq=envelope.seq)


@handlers.on(events.UserProfileUpdated)
async def user_profile_updated(session: AsyncSession, envelope: Envelope[events.UserProfileUpdated]) -> None:
    event = envelope.event
    await actions.people.copy_profile(
        session, event.user_id, event.display_name, event.locale, event.time_zone, seq=envelope.seq
    )


@handlers.on(events.TaskPublished)
async def task_published(session: AsyncSession, envelope: Envelope[events.TaskPublished]) -> None:
    await actions.tasks.copy_title(session, envelope.event.task, seq=envelope.seq)


@handlers.on(events.TaskUpdated)
async def task_updated(session: AsyncSession, envelope: Envelope[events.TaskUpdated]) -> None:
    await actions.tasks.copy_title(session, envelope.event.task, seq=envelope.seq)


@handlers.on(events.BidAccepted)
async def bid_accepted(session: AsyncSession, envelope: Envelope[events.BidAccepted]) -> None:
    await actions.funding.open_escrow(session, envelope.event)


@handlers.on(events.TaskAssignmentRejected)
async def task_assignment_rejected(session: AsyncSession, envelope: Envelope[events.TaskAssignmentRejected]) -> None:
    event = envelope.event
    await actions.ending.reject(session, event.task.id, event.bid_id, event.bid_version)


@handlers.on(events.TaskDelivered)
async def task_delivered(session: AsyncSession, envelope: Envelope[events.TaskDelivered]) -> None:
    await actions.ending.schedule_release(session, envelope.event.task.id, envelope.event.approval_due_at)


@handlers.on(events.TaskChangesRequested)
async def task_changes_requested(session: AsyncSession, envelope: Envelope[events.TaskChangesRequested]) -> None:
    await actions.ending.schedule_release(session, envelope.event.task.id, None)


@handlers.on(events.TaskCompleted)
async def task_completed(session: AsyncSession, envelope: Envelope[events.TaskCompleted]) -> None:
    # What support decides about the money comes from support.
    if envelope.event.by != "SUPPORT":
        await actions.ending.complete(session, envelope.event.task.id)


@handlers.on(events.TaskCancelled)
async def task_cancelled(session: AsyncSession, envelope: Envelope[events.TaskCancelled]) -> None:
    await actions.ending.cancel(session, envelope.event.task.id, envelope.event.poster_owes_percent)


@handlers.on(events.TaskPriceChangeAnswered)
async def task_price_change_answered(session: AsyncSession, envelope: Envelope[events.TaskPriceChangeAnswered]) -> None:
    event = envelope.event
    if event.accepted and event.agreement.price is not None:
        await actions.ending.change_price(session, event.task.id, event.agreement.id, event.agreement.price)


@handlers.on(events.DisputeOpened)
async def dispute_opened(session: AsyncSession, envelope: Envelope[events.DisputeOpened]) -> None:
    await actions.ending.freeze_task(session, envelope.event.task_id)


@handlers.on(events.DisputeWithdrawn)
async def dispute_withdrawn(session: AsyncSession, envelope: Envelope[events.DisputeWithdrawn]) -> None:
    await actions.ending.unfreeze_task(session, envelope.event.task_id)


@handlers.on(events.DisputeResolved)
async def dispute_resolved(session: AsyncSession, envelope: Envelope[events.DisputeResolved]) -> None:
    await actions.ending.resolve(session, envelope.event.task_id, envelope.event.poster_share_minor)


async def funding_due(session: AsyncSession, escrow_id: str, due_at: datetime) -> None:
    """The deadline of an escrow."""
    await actions.funding.funding_due(session, escrow_id)


async def price_change_due(session: AsyncSession, charge_id: str, due_at: datetime) -> None:
    """The deadline of a higher price."""
    await actions.funding.price_change_due(session, charge_id)


async def tip_due(session: AsyncSession, charge_id: str, due_at: datetime) -> None:
    """The deadline of a tip."""
    await actions.tips.tip_due(session, charge_id)


async def weekly_payout_due(session: AsyncSession, balance: str, due_at: datetime) -> None:
    """The deadline of a tasker's balance."""
    await actions.payouts.weekly_due(session, balance)


async def card_expiring(session: AsyncSession, method_id: str, due_at: datetime) -> None:
    """The deadline of a card."""
    await actions.methods.tell_expiring(session, method_id)
