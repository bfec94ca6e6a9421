"""Files to upload, and a client of tus 1.0 that sends them."""

from typing import Any

import httpx
from PIL import Image

from tests.support.pictures import picture, png
from tests.tasks.conftest import ERRORS, Tasks

UPLOAD = (
    "mutation($input: CreateAttachmentUploadInput!) { createAttachmentUpload(input: $input) "
    f"{{ upload {{ attachmentId url expiresAt mostChunkBytes }} {ERRORS} }} }}"
)
REMOVE = (
    "mutation($input: RemoveAttachmentInput!) { removeAttachment(input: $input) "
    f"{{ task {{ id version attachments {{ id }} }} {ERRORS} }} }}"
)
ATTACHMENTS = (
    "query($id: ID!) { task(id: $id) { version attachments { id filename contentType sizeBytes url urlExpiresAt } } }"
)
PDF = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"


def photo() -> bytes:
    """A JPEG as phones make them: turned by a mark, with place, camera and words in it."""
    marks = Image.Exif()
    marks[0x0112] = 6
    marks[0x010E] = "Marked words"
    marks[0x0110] = "Marked camera"
    marks.get_ifd(0x8825)[1] = "N"
    marks.get_ifd(0x8825)[2] = (13.0, 44.0, 11.5)
    return picture("JPEG", exif=marks, comment=b"Marked comment")


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of some hundred bytes that says that it is gigantic."""
    return png(width, height, b"\0" * 10_000)


class Sender:
    """A client of the uploads and files of a served subgraph, to which it leads the edge's addresses."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks

    async def begin(self, poster: str, task_id: str, content: bytes, **changes: Any) -> dict[str, Any]:
        """The payload of `createAttachmentUpload` for this content."""
        file = {"taskId": task_id, "filename": "fence.png", "contentType": "image/png", "sizeBytes": len(content)}
        payload: dict[str, Any] = (await self.tasks.act(poster, UPLOAD, input=file | changes))["createAttachmentUpload"]
        return payload

    async def upload(self, poster: str, task_id: str, content: bytes, **changes: Any) -> str:
        """A whole upload in one chunk; the attachment's id."""
        upload = (await self.begin(poster, task_id, content, **changes))["upload"]
        answer = await self.patch(upload["url"], 0, content)
        assert answer.status_code == 204, answer.text
        attachment_id: str = upload["attachmentId"]
        return attachment_id

    def path(self, url: str) -> str:
        """Where an address at the edge is at the subgraph."""
        assert url.startswith("http://127.0.0.1:8000/")
        return url.removeprefix("http://127.0.0.1:8000")

    async def patch(self, url: str, offset: int, content: Any, **headers: str) -> httpx.Response:
        """A chunk."""
        told = {
            "tus-resumable": "1.0.0",
            "upload-offset": str(offset),
            "content-type": "application/offset+octet-stream",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.tasks.served.client.patch(self.path(url), content=content, headers=told)

    async def head(self, url: str) -> httpx.Response:
        """How far an upload has come."""
        return await self.tasks.served.client.head(self.path(url), headers={"tus-resumable": "1.0.0"})

    async def delete(self, url: str) -> httpx.Response:
        """Gives an upload up."""
        return await self.tasks.served.client.delete(self.path(url), headers={"tus-resumable": "1.0.0"})

    async def get(self, url: str, **headers: str) -> httpx.Response:
        """A file."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.tasks.served.client.get(self.path(url), headers=told)

    async def attachments(self, user_id: str, task_id: str) -> list[dict[str, Any]]:
        """The task's files as somebody sees them."""
        found: list[dict[str, Any]] = (await self.tasks.act(user_id, ATTACHMENTS, id=task_id))["task"]["attachments"]
        return found

    async def stored(self) -> list[str]:
        """The keys of all objects in the storage."""
        files = self.tasks.served.server._app.state.services.files
        keys: list[str] = await files.storage.keys("tasks")
        return keys
