"""What locations does about other subgraphs' events and about deadlines."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.events import Envelope
from shared.identity.actor import Role
from shared.messaging.consumer import Handlers
from shared.privacy import erasure, personal_data
from subgraphs.locations import actions
from subgraphs.locations.personal_data import HELD

handlers = Handlers()


# Whatever happens to a task, the event says how it is after that.
@handlers.on(*events.TASK_EVENTS)
async def task_told(session: AsyncSession, envelope: Envelope[events.TaskEvent]) -> None:
    await actions.tasks.copy_task(session, envelope.event.task)


@handlers.on(events.UserExportRequested)
async def user_export_requested(session: AsyncSession, envelope: Envelope[events.UserExportRequested]) -> None:
    await personal_data.export(session, envelope.event, events.LocationsDataSealed, HELD)


@handlers.on(events.UserErased)
async def user_erased(session: AsyncSession, envelope: Envelope[events.UserErased]) -> None:
    await erasure.schedule(session, envelope.event.user_id)
    await actions.tasks.forget_person(session, envelope.event.user_id)


@handlers.on(events.UserRoleRevoked)
async def user_role_revoked(session: AsyncSession, envelope: Envelope[events.UserRoleRevoked]) -> None:
    if envelope.event.role == Role.TASKER:
        await actions.service_areas.forget_service_area(session, envelope.event.user_id)


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


async def forget_again(session: AsyncSession, user_id: str, due_at: datetime) -> None:
    """The deadlines after which somebody who left is erased once more."""
    await actions.tasks.forget_person(session, user_id)
