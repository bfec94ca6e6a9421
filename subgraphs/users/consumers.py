"""What users does about other subgraphs' events and about deadlines."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.database.db import settings_of
from shared.events import Envelope
from shared.messaging.consumer import Handlers
from shared.privacy import personal_data
from subgraphs.users import actions, secrets_at_rest
from subgraphs.users.personal_data import HELD

handlers = Handlers()


@handlers.on(events.UserExportRequested)
async def user_export_requested(session: AsyncSession, envelope: Envelope[events.UserExportRequested]) -> None:
    readers = secrets_at_rest.readers(secrets_at_rest.cipher(settings_of(session)))
    await personal_data.export(session, envelope.event, events.UsersDataSealed, HELD, readers)


# All that tell of a task, those to come as well: its status says whether people are bound by it.
@handlers.on(*events.TASK_EVENTS)
async def task_happened(session: AsyncSession, envelope: Envelope[events.TaskEvent]) -> None:
    await actions.erasure.copy_engagement(session, envelope.event.task)


@handlers.on(*events.ESCROW_EVENTS)
async def escrow_happened(session: AsyncSession, envelope: Envelope[events.EscrowEvent]) -> None:
    await actions.erasure.copy_escrow(session, envelope.event.escrow)


@handlers.on(events.BalanceChanged)
async def balance_changed(session: AsyncSession, envelope: Envelope[events.BalanceChanged]) -> None:
    await actions.erasure.copy_balance(session, envelope.event, envelope.seq)


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
