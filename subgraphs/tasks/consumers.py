"""What tasks does about other subgraphs' events and about deadlines."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.events import Envelope
from shared.messaging.consumer import Handlers
from shared.privacy import erasure, personal_data
from subgraphs.tasks import actions
from subgraphs.tasks.personal_data import HELD

handlers = Handlers()


@handlers.on(events.UserExportRequested)
async def user_export_requested(session: AsyncSession, envelope: Envelope[events.UserExportRequested]) -> None:
    await personal_data.export(session, envelope.event, events.TasksDataSealed, HELD)


@handlers.on(events.UserErased)
async def user_erased(session: AsyncSession, envelope: Envelope[events.UserErased]) -> None:
    await erasure.schedule(session, envelope.event.user_id)
    await actions.erasure.forget_person(session, envelope.event.user_id)


async def forget_again(session: AsyncSession, user_id: str, due_at: datetime) -> None:
    """The deadlines after which somebody who left is erased once more."""
    await actions.erasure.forget_person(session, user_id)


@handlers.on(events.EscrowOpened)
async def escrow_opened(session: AsyncSession, envelope: Envelope[events.EscrowOpened]) -> None:
    await actions.assignment.tell_funding_started(session, envelope.event.escrow, envelope.seq)


@handlers.on(events.EscrowFundingFailed)
async def escrow_funding_failed(session: AsyncSession, envelope: Envelope[events.EscrowFundingFailed]) -> None:
    event = envelope.event
    await actions.assignment.tell_funding_failed(session, event.escrow, event.reason, envelope.seq)


@handlers.on(events.EscrowFunded)
async def escrow_funded(session: AsyncSession, envelope: Envelope[events.EscrowFunded]) -> None:
    await actions.assignment.assign_task(session, envelope.event.escrow)


@handlers.on(events.EscrowPriceChangeFunded)
async def escrow_price_change_funded(session: AsyncSession, envelope: Envelope[events.EscrowPriceChangeFunded]) -> None:
    event = envelope.event
    await actions.agreements.settle_price_change(session, event.agreement_id, event.escrow.amount)


@handlers.on(events.EscrowPriceChangeFailed)
async def escrow_price_change_failed(session: AsyncSession, envelope: Envelope[events.EscrowPriceChangeFailed]) -> None:
    await actions.agreements.settle_price_change(session, envelope.event.agreement_id, None)


@handlers.on(events.UserBlocked)
async def user_blocked(session: AsyncSession, envelope: Envelope[events.UserBlocked]) -> None:
    event = envelope.event
    await actions.people.copy_block(session, event.user_id, event.blocked_id, is_blocked=True, seq=envelope.seq)


@handlers.on(events.UserUnblocked)
async def user_unblocked(session: AsyncSession, envelope: Envelope[events.UserUnblocked]) -> None:
    event = envelope.event
    await actions.people.copy_block(session, event.user_id, event.blocked_id, is_blocked=False, seq=envelope.seq)


@handlers.on(events.UserSuspended)
async def user_suspended(session: AsyncSession, envelope: Envelope[events.UserSuspended]) -> None:
    await actions.people.copy_suspension(session, envelope.event.user_id, is_suspended=True, seq=envelope.seq)


@handlers.on(events.UserReinstated)
async def user_reinstated(session: AsyncSession, envelope: Envelope[events.UserReinstated]) -> None:
    await actions.people.copy_suspension(session, envelope.event.user_id, is_suspended=False, seq=envelope.seq)


@handlers.on(events.PlaceCreated)
async def place_created(session: AsyncSession, envelope: Envelope[events.PlaceCreated]) -> None:
    event = envelope.event
    await actions.places.copy_place(session, event.place_id, event.owner_id, is_deleted=False, seq=envelope.seq)


@handlers.on(events.PlaceDeleted)
async def place_deleted(session: AsyncSession, envelope: Envelope[events.PlaceDeleted]) -> None:
    event = envelope.event
    await actions.places.copy_place(session, event.place_id, event.owner_id, is_deleted=True, seq=envelope.seq)


async def upload_over(session: AsyncSession, attachment_id: str, due_at: datetime) -> None:
    """The deadline of an upload."""
    await actions.attachments.end_upload(session, attachment_id)


async def task_expired(session: AsyncSession, task_id: str, due_at: datetime) -> None:
    """The deadline of an open task."""
    await actions.expiry.expire_task(session, task_id)


async def approval_due(session: AsyncSession, task_id: str, due_at: datetime) -> None:
    """The deadline of a delivery."""
    await actions.work.approve_unanswered(session, task_id)


async def cancellation_unanswered(session: AsyncSession, agreement_id: str, due_at: datetime) -> None:
    """The deadline of a request to end a task."""
    await actions.agreements.lapse(session, agreement_id)
