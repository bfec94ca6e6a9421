"""Handing out to a person everything that is held of them, in all subgraphs."""

from base64 import b64decode, b64encode

from nacl.public import PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.config import Settings
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from subgraphs.users import models, rules, store
from subgraphs.users.actions import second_factor
from subgraphs.users.rules.exports import Status
from subgraphs.users.secrets_at_rest import cipher

DEADLINE = "data_export"


async def export_my_data(
    session: AsyncSession, actor: Actor, settings: Settings, code: str | None
) -> models.DataExport:
    """Asks all subgraphs for what they hold of the actor, who gives a code where they have a second factor.

    Raises as `second_factor.confirm`, and ExportInProgress.
    """
    await second_factor.confirm(session, actor, settings, code)
    key = PrivateKey.generate()
    now = clock.now()
    export_id = new_id("export")
    export = models.DataExport(
        id=export_id,
        user_id=actor.id,
        status=Status.PENDING,
        expected=sorted(events.DATA_SEALED),
        private_key=cipher(settings).encrypt(b64encode(bytes(key)).decode(), purpose=key_purpose(export_id)),
        requested_at=now,
        ready_at=None,
        expires_at=now + rules.exports.LIFETIME,
    )
    if not await store.exports.add_export(session, export):
        raise rules.exports.ExportInProgress("Your data is being put together already.")
    await _schedule(session, export)
    public_key = b64encode(bytes(key.public_key)).decode()
    await emit(session, events.UserExportRequested(user_id=actor.id, export_id=export_id, public_key=public_key))
    return export


async def take_part(session: AsyncSession, subgraph: str, part: events.DataSealed) -> None:
    """Keeps a part that a subgraph sent; the last one that was missing makes the export ready.

    Locks the account and the export. One that failed, was read long ago or is another's takes nothing.
    """
    await store.accounts.lock_user(session, part.user_id, shared=True)
    export = await store.exports.lock_export(session, part.export_id)
    if export is None or export.user_id != part.user_id or export.status is not Status.PENDING:
        return
    await store.exports.add_part(
        session,
        models.ExportPart(
            export_id=export.id,
            subgraph=subgraph,
            number=part.number,
            last=part.last,
            sealed=b64decode(part.sealed),
        ),
    )
    if rules.exports.missing(export.expected, await store.exports.count_parts(session, export.id)):
        return
    # The deadline stays: a worker may hold it and wait for the export. Whenever it comes, it finds a next one.
    export.status, export.ready_at = Status.READY, clock.now()
    await emit(session, events.UserExportReady(user_id=export.user_id, export_id=export.id))


async def time_is_up(session: AsyncSession, export_id: str) -> None:
    """The deadline of an export: fails one that is not whole, deletes one that was kept long enough."""
    found = await store.exports.get_export(session, export_id)
    if found is None:
        return
    await store.accounts.lock_user(session, found.user_id, shared=True)
    export = await store.exports.lock_export(session, export_id)
    if export is None:
        return
    now = clock.now()
    if export.expires_at <= now:
        await store.exports.delete_export(session, export.id)
        return
    if export.status is Status.PENDING and export.requested_at + rules.exports.PATIENCE <= now:
        export.status, export.private_key = Status.FAILED, None
        await store.exports.delete_parts(session, export.id)
    await _schedule(session, export)


def key_purpose(export_id: str) -> str:
    """What the private key of an export is encrypted for."""
    return f"export:{export_id}"


async def _schedule(session: AsyncSession, export: models.DataExport) -> None:
    due_at = rules.exports.next_look(export.status, export.requested_at, export.expires_at)
    await deadlines.schedule(session, DEADLINE, export.id, due_at)
