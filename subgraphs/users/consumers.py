"""What users does about other subgraphs' events and about deadlines."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events, personal_data
from shared.consumer import Handlers
from shared.events import Envelope
from subgraphs.users import actions
from subgraphs.users.personal_data import HELD

handlers = Handlers()


@handlers.on(events.UserExportRequested)
async def user_export_requested(session: AsyncSession, envelope: Envelope[events.UserExportRequested]) -> None:
    await personal_data.export(session, envelope.event, events.UsersDataSealed, HELD)


@handlers.on(events.TaskAssigned)
async def task_assigned(session: AsyncSession, envelope: Envelope[events.TaskAssigned]) -> None:
    await actions.erasure.copy_engagement(session, envelope.event.task, is_open=True)


@handlers.on(events.TaskCancelled)
async def task_cancelled(session: AsyncSession, envelope: Envelope[events.TaskCancelled]) -> None:
    await actions.erasure.copy_engagement(session, envelope.event.task, is_open=False)


async def forget_again(session: AsyncSession, user_id: str, due_at: datetime) -> None:
    """The deadlines after which somebody who left is erased once more."""
    await actions.erasure.forget_person(session, user_id)


@handlers.on(*events.DATA_SEALED.values())
async def data_sealed(session: AsyncSession, envelope: Envelope[events.DataSealed]) -> None:
    await actions.exports.take_part(session, envelope.event.type.partition(".")[0], envelope.event)


async def export_time_is_up(session: AsyncSession, export_id: str, due_at: datetime) -> None:
    """The deadline of a data export."""
    await actions.exports.time_is_up(session, export_id)


async def identity_expired(session: AsyncSession, verification_id: str, due_at: datetime) -> None:
    """The deadline of an identity verification that was approved."""
    await actions.verification.expire(session, verification_id)
