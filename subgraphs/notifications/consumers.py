"""What notifications does about other subgraphs' events."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.events import Envelope
from shared.messaging.consumer import Handlers
from shared.privacy import erasure, personal_data
from subgraphs.notifications import actions
from subgraphs.notifications.personal_data import HELD
from subgraphs.notifications.rules import (
    ACCOUNT_EVENTS,
    ALERT_EVENTS,
    BALANCE_EVENTS,
    BID_EVENTS,
    ESCROW_EVENTS,
    INVITATION_EVENTS,
    TASK_EVENTS,
)

handlers = Handlers()


@handlers.on(events.UserExportRequested)
async def user_export_requested(session: AsyncSession, envelope: Envelope[events.UserExportRequested]) -> None:
    await personal_data.export(session, envelope.event, events.NotificationsDataSealed, HELD)


@handlers.on(events.UserErased)
async def user_erased(session: AsyncSession, envelope: Envelope[events.UserErased]) -> None:
    await erasure.schedule(session, envelope.event.user_id)
    await actions.forget_person(session, envelope.event.user_id)


async def forget_again(session: AsyncSession, user_id: str, due_at: datetime) -> None:
    """The deadlines after which somebody who left is erased once more."""
    await actions.forget_person(session, user_id)


@handlers.on(events.UserRegistered)
async def user_registered(session: AsyncSession, envelope: Envelope[events.UserRegistered]) -> None:
    await actions.copy_user(session, envelope.event.user_id, envelope.event.display_name)
    await actions.notify(session, envelope)


@handlers.on(events.UserProfileUpdated)
async def user_profile_updated(session: AsyncSession, envelope: Envelope[events.UserProfileUpdated]) -> None:
    await actions.copy_user(session, envelope.event.user_id, envelope.event.display_name)


@handlers.on(events.TaskPublished)
async def task_published(session: AsyncSession, envelope: Envelope[events.TaskPublished]) -> None:
    await actions.copy_task(session, envelope.event.task)


@handlers.on(events.TaskUpdated)
async def task_updated(session: AsyncSession, envelope: Envelope[events.TaskUpdated]) -> None:
    await actions.copy_task(session, envelope.event.task)


@handlers.on(
    *ACCOUNT_EVENTS,
    *BID_EVENTS,
    *INVITATION_EVENTS,
    *TASK_EVENTS,
    *ALERT_EVENTS,
    *ESCROW_EVENTS,
    *BALANCE_EVENTS,
)
async def concerns_somebody(session: AsyncSession, envelope: Envelope[events.Event]) -> None:
    await actions.notify(session, envelope)
