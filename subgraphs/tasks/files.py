"""The bytes of attachments: how they come in, who looks at them, how they are handed out and how they go.

Nothing here holds a connection to the database while it waits for the network, the storage or a decoder.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from starlette.requests import Request
from starlette.routing import Route

from shared import background, clock
from shared.context import Services
from shared.errors import DomainError, InvalidTransition, ServiceUnavailable
from shared.files import Files, MissingObject
from shared.files.content import FileType, Look, UnsupportedFile
from shared.files.downloads import Download, Source, download_route
from shared.files.uploads import Door, NoUpload, Turn, Upload, upload_route
from shared.process.app import Runner
from subgraphs.tasks import actions, models, rules, store
from subgraphs.tasks.loaders import Loaders
from subgraphs.tasks.rules.attachments import Status

log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_DELETIONS_AT_ONCE = 100
_LEFT_ALONE_AT_ONCE = 20


class AttachmentFiles:
    """The uploads and files of one process."""

    def __init__(self, services: Services[Loaders]) -> None:
        if services.files is None or services.addresses is None:
            raise RuntimeError("tasks needs EXCHANGE_LINK_KEYS_FILE, and EXCHANGE_STORAGE_FOLDER or EXCHANGE_S3_BUCKET")
        self.files: Files = services.files
        self.links = services.addresses.links
        self._database = services.database

    async def find(self, upload_id: str) -> Upload:
        """How far an upload has come. Raises NoUpload."""
        found = await store.attachments.find_attachment(self._database, upload_id)
        if found is None or found.expires_at <= clock.now():
            raise NoUpload
        return _upload(found)

    async def take_turn(self, upload_id: str, offset: int) -> Turn:
        """Raises NoUpload, WrongOffset, Busy, TooManyChunks."""
        async with self._database.transaction() as session:
            found = await actions.attachments.take_turn(session, upload_id, offset)
        assert found.writer is not None
        key = rules.attachments.part_key(upload_id, offset, found.writer)
        return Turn(_upload(found), found.writer, key)

    async def end_turn(self, turn: Turn, received: int) -> Upload:
        """Counts what has come. Raises NoUpload if the turn was over before."""
        async with self._database.transaction() as session:
            found = await actions.attachments.end_turn(session, turn.upload.id, turn.token, turn.key, received)
        return _upload(found)

    async def give_up(self, upload_id: str) -> None:
        """Raises NoUpload."""
        async with self._database.transaction() as session:
            await actions.attachments.refuse(session, upload_id)

    async def complete(self, upload_id: str) -> None:
        """Looks at a file that has come whole, and shows it at its task.

        Raises UnsupportedFile, FileTooLarge or FileTooComplex for one that is refused, InvalidTransition where the task
        takes none any more, NoUpload if it was taken away; nothing is left of it then. Raises ServiceUnavailable; it is
        looked at again.
        """
        found = await store.attachments.find_attachment(self._database, upload_id)
        if found is None:
            raise NoUpload
        try:
            size = await self.files.looker.look(found.uploader_id, lambda look: self._examine(upload_id, look))
        except DomainError:
            with contextlib.suppress(NoUpload):
                await self.give_up(upload_id)
            await self.clear()
            raise
        if size is None:
            return
        async with self._database.transaction() as session:
            shown = await actions.attachments.keep(session, upload_id, size)
        await self.clear()
        if not shown:
            raise InvalidTransition("The task takes no attachments any more.")

    async def claim_left_alone(self, but_of: Collection[str]) -> tuple[str, str] | None:
        """A file that nobody looks at, since whoever should have is gone, and its uploader, who is none of these."""
        now = clock.now()
        async with self._database.transaction() as session:
            return await store.attachments.claim_unchecked(session, now, now + rules.attachments.TURN, but_of)

    async def clear(self) -> None:
        """Deletes what has to go from the storage. What fails is tried again by the keeper."""
        for each in await store.attachments.list_discarded(self._database, clock.now(), _DELETIONS_AT_ONCE):
            await self.files.storage.delete_all(each.prefix)
            async with self._database.transaction() as session:
                again_at = clock.now() + rules.attachments.SECOND_DELETION
                await store.attachments.mark_deleted(session, each.prefix, again_at)

    async def find_file(self, attachment_id: str) -> Download | None:
        """A file that can be handed out."""
        found = await store.attachments.find_attachment(self._database, attachment_id)
        if found is None or found.status is not Status.READY or found.size_bytes is None:
            return None
        key = rules.attachments.file_key(attachment_id)
        return Download(key, found.filename, found.content_type, found.size_bytes)

    async def _examine(self, upload_id: str, look: Look) -> int | None:
        """How large what is kept of a file is; None for one that somebody else has looked at."""
        async with self._database.transaction() as session:
            attachment = await actions.attachments.begin_look(session, upload_id)
        if attachment is None:
            return None
        stopped = False
        try:
            with tempfile.TemporaryDirectory(prefix="attachment-") as folder:
                source, kept = Path(folder) / "sent", Path(folder) / "kept"
                await self._assemble(attachment, source)
                said = FileType(attachment.content_type)
                size = await look.examine(source, said, kept, rules.attachments.MOST_BYTES)
                await self.files.storage.put(rules.attachments.file_key(attachment.id), kept)
            return size
        except asyncio.CancelledError:
            stopped = True
            raise
        finally:
            await asyncio.shield(self._end_look(attachment, hand_on=stopped))

    async def _end_look(self, attachment: models.Attachment, *, hand_on: bool) -> None:
        async with self._database.transaction() as session:
            await actions.attachments.end_look(session, attachment.id, attachment.writer, hand_on=hand_on)

    async def _assemble(self, attachment: models.Attachment, target: Path) -> None:
        with target.open("wb") as file:
            for part in attachment.parts:
                try:
                    async for piece in await self.files.storage.read(part):
                        file.write(piece)
                except MissingObject:
                    raise UnsupportedFile("The file did not arrive whole.") from None


def _upload(row: models.Attachment) -> Upload:
    return Upload(row.id, row.declared_bytes, row.received_bytes, row.expires_at)


class FileKeeper:
    """Deletes what has to go from the storage, and looks at what was left alone; in every process, safely."""

    def __init__(self, attachments: AttachmentFiles) -> None:
        self._attachments = attachments
        self._task: asyncio.Task[None] | None = None
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._failing = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="attachment files")

    async def stop(self) -> None:
        if self._task:
            await background.end(self._task, *self._looks.values())

    async def _run(self) -> None:
        with suppress_instrumentation():
            while True:
                try:
                    await self._attachments.clear()
                    await self._look_at_left_alone()
                    self._failing = False
                except ServiceUnavailable as error:
                    self._failed(error)
                except Exception:
                    log.exception("attachment_keeper_failed")
                await asyncio.sleep(_POLL_SECONDS)

    async def _look_at_left_alone(self) -> None:
        """Begins to look at what was left alone, a file of each person, so that nobody's wait for another's."""
        while len(self._looks) < _LEFT_ALONE_AT_ONCE:
            found = await self._attachments.claim_left_alone(self._looks.keys())
            if found is None:
                return
            upload_id, uploader_id = found
            self._looks[uploader_id] = asyncio.create_task(self._look(upload_id, uploader_id), name="look at a file")

    async def _look(self, upload_id: str, uploader_id: str) -> None:
        try:
            await self._attachments.complete(upload_id)
        except (DomainError, NoUpload):
            pass
        except ServiceUnavailable as error:
            self._failed(error)
        except Exception:
            log.exception("attachment_keeper_failed")
        finally:
            del self._looks[uploader_id]

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            log.warning("attachment_files_unreachable", error=str(error))
        self._failing = True


def runners(services: Services[Loaders]) -> Sequence[Runner]:
    """The background work of a process. Raises RuntimeError where files cannot be kept."""
    return [FileKeeper(AttachmentFiles(services))]


def routes() -> Sequence[Route]:
    """Where uploads come in and files go out."""

    def attachments(request: Request) -> AttachmentFiles:
        state = request.app.state
        if not hasattr(state, "attachments"):
            state.attachments = AttachmentFiles(state.services)
        found: AttachmentFiles = state.attachments
        return found

    def door(request: Request) -> Door:
        services: Services[Loaders] = request.app.state.services
        ours = attachments(request)
        return Door(
            uploads=ours,
            storage=ours.files.storage,
            links=ours.links,
            limiter=services.limiter,
            requests_per_address=services.settings.upload_requests_per_address,
            address=request.client.host if request.client else "",
        )

    def parts(request: Request) -> Source:
        ours = attachments(request)
        return Source(ours.files.storage, ours.links, ours.find_file)

    return [
        upload_route("/uploads/tasks/{id}", door),
        download_route("/files/tasks/{id}/{filename}", parts),
    ]
