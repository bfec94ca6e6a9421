"""What bids does about other subgraphs' events and about deadlines."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.events import Envelope
from shared.messaging.consumer import Handlers
from shared.privacy import erasure, personal_data
from subgraphs.bids import actions
from subgraphs.bids.personal_data import HELD

handlers = Handlers()


@handlers.on(events.UserExportRequested)
async def user_export_requested(session: AsyncSession, envelope: Envelope[events.UserExportRequested]) -> None:
    await personal_data.export(session, envelope.event, events.BidsDataSealed, HELD)


@handlers.on(events.UserErased)
async def user_erased(session: AsyncSession, envelope: Envelope[events.UserErased]) -> None:
    await erasure.schedule(session, envelope.event.user_id)
    await actions.erasure.forget_person(session, envelope.event.user_id)


async def forget_again(session: AsyncSession, user_id: str, due_at: datetime) -> None:
    """The deadlines after which somebody who left is erased once more."""
    await actions.erasure.forget_person(session, user_id)


@handlers.on(events.TaskPublished)
async def task_published(session: AsyncSession, envelope: Envelope[events.TaskPublished]) -> None:
    await actions.tasks.copy_task(session, envelope.event.task)


@handlers.on(events.TaskUpdated)
async def task_updated(session: AsyncSession, envelope: Envelope[events.TaskUpdated]) -> None:
    await actions.tasks.copy_task(session, envelope.event.task)


@handlers.on(events.TaskExpired)
async def task_expired(session: AsyncSession, envelope: Envelope[events.TaskExpired]) -> None:
    await actions.tasks.close_bids(session, envelope.event.task, "The task expired.")


@handlers.on(events.TaskCancelled)
async def task_cancelled(session: AsyncSession, envelope: Envelope[events.TaskCancelled]) -> None:
    await actions.tasks.close_bids(session, envelope.event.task, "The task was cancelled.")


@handlers.on(events.TaskAssigned)
async def task_assigned(session: AsyncSession, envelope: Envelope[events.TaskAssigned]) -> None:
    await actions.acceptance.award_bid(session, envelope.event.task, envelope.event.bid_id)


@handlers.on(events.TaskAssignmentRejected)
async def task_assignment_rejected(session: AsyncSession, envelope: Envelope[events.TaskAssignmentRejected]) -> None:
    await actions.acceptance.fail_acceptance(session, envelope.event)


@handlers.on(events.EscrowFundingFailed)
async def escrow_funding_failed(session: AsyncSession, envelope: Envelope[events.EscrowFundingFailed]) -> None:
    await actions.acceptance.fail_funding(session, envelope.event.escrow, envelope.event.reason)


@handlers.on(events.UserRegistered)
async def user_registered(session: AsyncSession, envelope: Envelope[events.UserRegistered]) -> None:
    await actions.people.copy_roles(session, envelope.event.user_id, envelope.event.roles, seq=envelope.seq)


@handlers.on(events.UserRoleGranted)
async def user_role_granted(session: AsyncSession, envelope: Envelope[events.UserRoleGranted]) -> None:
    await actions.people.copy_roles(session, envelope.event.user_id, envelope.event.roles, seq=envelope.seq)


@handlers.on(events.UserRoleRevoked)
async def user_role_revoked(session: AsyncSession, envelope: Envelope[events.UserRoleRevoked]) -> None:
    await actions.people.copy_roles(session, envelope.event.user_id, envelope.event.roles, seq=envelope.seq)


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


async def bid_expired(session: AsyncSession, bid_id: str, due_at: datetime) -> None:
    """The deadline of a bid."""
    await actions.expiry.expire_bid(session, bid_id)
