"""Bringing files to tasks, and taking them away.

A file's row is what counts: its bytes are there for it, and go once it has gone (`models.DiscardedFile`).
"""

import secrets

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.errors import InvalidTransition, NotFound, ServiceUnavailable, collected
from shared.files.content import FileTooComplex
from shared.files.uploads import Busy, NoUpload, TooManyChunks, WrongOffset
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.transitions import By
from subgraphs.tasks import models, rules, store
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules.attachments import Status
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command

UPLOAD_END = "attachment_upload_end"


async def create_upload(
    session: AsyncSession, actor: Actor, task_id: str, *, filename: str, content_type: str, size_bytes: int
) -> models.Attachment:
    """Begins the upload of a file for one's own draft or open task. Locks the task's row.

    Raises NotFound, NotAllowed, RoleRequired, InvalidTransition, InvalidInput, UnsupportedType, TooLarge,
    TooManyAttachments.
    """
    task = await steps.lock_own(session, actor, task_id, Command.UPDATE)
    check_changeable(task)
    rules.attachments.check_count(len(await store.attachments.list_attachments(session, task.id)))
    with collected() as check:
        name = check(rules.attachments.clean_filename, filename)
        check(rules.attachments.check_type, content_type)
        check(rules.attachments.check_size, size_bytes)
    now = clock.now()
    attachment = models.Attachment(
        id=new_id("attachment"),
        task_id=task.id,
        uploader_id=actor.id,
        filename=rules.attachments.with_ending(name, content_type),
        content_type=content_type,
        status=Status.UPLOADING,
        declared_bytes=size_bytes,
        received_bytes=0,
        size_bytes=None,
        parts=[],
        writer=None,
        writer_until=None,
        created_at=now,
        expires_at=now + rules.attachments.UPLOAD_TIME,
    )
    session.add(attachment)
    await deadlines.schedule(session, UPLOAD_END, attachment.id, attachment.expires_at)
    return attachment


async def remove_attachment(session: AsyncSession, actor: Actor, attachment_id: str) -> models.Task:
    """Takes a file from one's own draft or open task, or gives its upload up. Locks the task's row and its own.

    Raises NotFound, NotAllowed, RoleRequired, InvalidTransition.
    """
    found = await store.attachments.get_attachment(session, attachment_id)
    # Others know nothing of uploads.
    if found is None or (found.status is not Status.READY and found.uploader_id != actor.id):
        raise _not_found()
    try:
        task = await steps.lock_own(session, actor, found.task_id, Command.UPDATE)
    except NotFound:
        raise _not_found() from None
    attachment = await store.attachments.lock_attachment(session, attachment_id)
    if attachment is None:
        raise _not_found()
    if attachment.status is Status.READY:
        check_changeable(task)
    await _discard(session, attachment)
    if attachment.status is Status.READY:
        await _tell(session, task)
    return task


async def take_turn(session: AsyncSession, attachment_id: str, offset: int) -> models.Attachment:
    """Gives the right to write the next bytes to whoever comes first. Locks the attachment's row.

    Raises NoUpload, Busy, WrongOffset, TooManyChunks.
    """
    attachment = await store.attachments.lock_attachment(session, attachment_id)
    if attachment is None or attachment.status is not Status.UPLOADING or attachment.expires_at <= clock.now():
        raise NoUpload
    if attachment.writer_until is not None and attachment.writer_until > clock.now():
        raise Busy
    if attachment.received_bytes != offset:
        raise WrongOffset(attachment.received_bytes)
    if len(attachment.parts) >= rules.attachments.MOST_PARTS:
        raise TooManyChunks
    attachment.writer = secrets.token_hex(8)
    attachment.writer_until = clock.now() + rules.attachments.TURN
    return attachment


async def end_turn(
    session: AsyncSession, attachment_id: str, writer: str, part: str, received: int
) -> models.Attachment:
    """Counts the bytes that a turn brought; with the last ones the file is to be looked at. Locks its row.

    Raises NoUpload if the turn was over before.
    """
    attachment = await store.attachments.lock_attachment(session, attachment_id)
    if attachment is None or attachment.writer != writer or attachment.status is not Status.UPLOADING:
        raise NoUpload
    if received:
        attachment.parts = [*attachment.parts, part]
        attachment.received_bytes += received
    attachment.writer = attachment.writer_until = None
    if attachment.received_bytes == attachment.declared_bytes:
        attachment.status = Status.CHECKING
        # Whoever received it looks at it; should that process die, another one does after this time.
        attachment.writer_until = clock.now() + rules.attachments.TURN
    return attachment


async def begin_look(session: AsyncSession, attachment_id: str) -> models.Attachment | None:
    """Gives the right to look at a file that has come whole; None for one that was looked at. Locks its row.

    The look counts before it begins, so that a file that ends whoever looks at it does so twice at the most. Raises
    NoUpload, FileTooComplex for such a file, ServiceUnavailable while somebody else looks at it.
    """
    attachment = await store.attachments.lock_attachment(session, attachment_id)
    if attachment is None:
        raise NoUpload
    if attachment.status is not Status.CHECKING:
        return None
    if attachment.writer is not None and attachment.writer_until is not None and attachment.writer_until > clock.now():
        raise ServiceUnavailable("The file is being looked at.")
    if attachment.looks >= rules.attachments.MOST_LOOKS:
        raise FileTooComplex("Looking at the file did not come to an end.")
    attachment.looks += 1
    attachment.writer = secrets.token_hex(8)
    attachment.writer_until = clock.now() + rules.attachments.TURN
    return attachment


async def end_look(session: AsyncSession, attachment_id: str, writer: str | None, *, hand_on: bool) -> None:
    """Notes that a look is over, whatever came of it; another one may begin at once if `hand_on`. Locks its row."""
    attachment = await store.attachments.lock_attachment(session, attachment_id)
    if attachment is None or attachment.writer != writer:
        return
    attachment.looks -= 1
    attachment.writer = None
    if hand_on:
        attachment.writer_until = clock.now()


async def keep(session: AsyncSession, attachment_id: str, size_bytes: int) -> bool:
    """Shows a file at its task that was looked at. Locks the task's row and its own.

    Answers whether it is shown; not if it was taken away meanwhile, or called off with its task. Then its bytes go.
    """
    found = await store.attachments.get_attachment(session, attachment_id)
    task = await store.tasks.lock_task(session, found.task_id) if found is not None else None
    attachment = await store.attachments.lock_attachment(session, attachment_id)
    if attachment is None or task is None:
        await store.attachments.discard(session, [rules.attachments.folder(attachment_id)], clock.now())
        return False
    if attachment.status is Status.READY:
        return True
    if (task.status, Command.UPDATE) not in TRANSITIONS:
        await _discard(session, attachment)
        return False
    attachment.status, attachment.size_bytes = Status.READY, size_bytes
    attachment.parts, attachment.writer_until, attachment.looks = [], None, 0
    await store.attachments.discard(session, [rules.attachments.parts_folder(attachment.id)], clock.now())
    await deadlines.cancel(session, UPLOAD_END, attachment.id)
    await _tell(session, task)
    return True


async def refuse(session: AsyncSession, attachment_id: str) -> None:
    """Forgets an upload that is no good, or was given up. Locks its row. Raises NoUpload."""
    attachment = await store.attachments.lock_attachment(session, attachment_id)
    if attachment is None or attachment.status is Status.READY:
        raise NoUpload
    await _discard(session, attachment)


async def end_upload(session: AsyncSession, attachment_id: str) -> None:
    """The deadline of an upload: what is not whole by then goes. Locks its row, unless somebody else has it now."""
    attachment = await store.attachments.lock_attachment(session, attachment_id, skip_locked=True)
    if attachment is None:
        found = await store.attachments.get_attachment(session, attachment_id)
        if found is not None and found.status is not Status.READY:
            await deadlines.schedule(session, UPLOAD_END, attachment_id, clock.now() + rules.attachments.TURN)
        return
    if attachment.status is Status.READY:
        return
    if attachment.status is Status.CHECKING and attachment.expires_at > clock.now() - rules.attachments.UPLOAD_TIME:
        # It came whole and in time; that nobody could look at it yet is not its sender's doing.
        await deadlines.schedule(session, UPLOAD_END, attachment_id, clock.now() + rules.attachments.TURN)
        return
    await _discard(session, attachment)


async def end_uploads_of(session: AsyncSession, person_id: str) -> None:
    """Ends all that somebody has begun to upload: its address would be good for an hour. Locks its rows."""
    for attachment_id in await store.attachments.list_uploads_of(session, person_id):
        attachment = await store.attachments.lock_attachment(session, attachment_id)
        if attachment is not None and attachment.status is not Status.READY:
            await _discard(session, attachment)


async def discard_all_of(session: AsyncSession, person_id: str) -> None:
    """Has the bytes of all that somebody uploaded deleted; their rows go with what is held of the person."""
    found = await store.attachments.list_attachments_of(session, person_id)
    await store.attachments.discard(session, [rules.attachments.folder(each) for each in found], clock.now())


def check_changeable(task: models.Task) -> None:
    """Raises InvalidTransition unless the poster may change the task at present."""
    if (task.status, Command.UPDATE) not in TRANSITIONS:
        raise InvalidTransition(f"Not possible while the status is {task.status}.")


async def _discard(session: AsyncSession, attachment: models.Attachment) -> None:
    await store.attachments.delete_attachment(session, attachment.id)
    await store.attachments.discard(session, [rules.attachments.folder(attachment.id)], clock.now())
    await deadlines.cancel(session, UPLOAD_END, attachment.id)


async def _tell(session: AsyncSession, task: models.Task) -> None:
    """Writes the task's files into its row, from which pages and events take them, and tells of the change."""
    await session.flush()
    task.attachments = [
        {
            "id": each.id,
            "filename": each.filename,
            "content_type": each.content_type,
            "size_bytes": each.size_bytes or 0,
        }
        for each in await store.attachments.list_attachments(session, task.id)
        if each.status is Status.READY
    ]
    await steps.step(session, task, Command.UPDATE, By.POSTER)
    await steps.tell(session, task, events.TaskUpdated(task=steps.snapshot(task)), actor_id=task.poster_id)


def _not_found() -> NotFound:
    return NotFound("There is no such attachment.", field=("attachmentId",))
