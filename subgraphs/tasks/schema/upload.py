"""Bringing files to tasks and taking them away."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared.files.uploads import MOST_CHUNK_BYTES
from shared.graphql.acting import IDEMPOTENCY_KEY, act_once
from shared.graphql.ids import AttachmentId, TaskId
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from subgraphs.tasks import actions, models, store
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.task import TaskPayload, change

UPLOADS = (
    Quota("createAttachmentUpload", "attachment_uploads_per_account", by_actor),
    Quota("createAttachmentUpload", "attachment_uploads_per_address"),
)


@strawberry.input(description="A file for a task.")
class CreateAttachmentUploadInput:
    task_id: TaskId = strawberry.field(
        description="One's own draft or open task; it has at most 10 files, uploads included."
    )
    filename: str = strawberry.field(description="Its plain name, in 1 to 120 characters.")
    content_type: str = strawberry.field(
        description="`image/jpeg`, `image/png`, `image/webp` or `application/pdf`; it has to be what the file holds."
    )
    size_bytes: int = strawberry.field(description="How many bytes will come: at most 10,485,760.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The file to take away.")
class RemoveAttachmentInput:
    attachment_id: AttachmentId = strawberry.field(
        description="A file, or the upload of one, at one's own draft or open task."
    )


@strawberry.type(description="The upload of a file, to which its bytes are sent.")
class AttachmentUpload:
    attachment_id: ID = strawberry.field(description="The id of the attachment that comes of it.")
    url: str = strawberry.field(
        description="Where to send the bytes, by tus 1.0 (PATCH, and HEAD to go on after a break). A secret: who has "
        "it can upload. With the last chunk's answer the file stands in `Task.attachments`, or the answer says why not."
    )
    expires_at: datetime = strawberry.field(description="When the upload is over, done or not.")
    most_chunk_bytes: int = strawberry.field(description="The most that one chunk may have.")

    @classmethod
    def of(cls, info: Info, row: models.Attachment) -> Self:
        return cls(
            attachment_id=ID(row.id),
            url=info.context.addresses.upload_url(row.id, row.expires_at),
            expires_at=row.expires_at,
            most_chunk_bytes=MOST_CHUNK_BYTES,
        )


@strawberry.type(description="The outcome of `createAttachmentUpload`.")
class CreateAttachmentUploadPayload:
    upload: AttachmentUpload | None = strawberry.field(
        default=None, description="Where the bytes go; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `removeAttachment`.")
class RemoveAttachmentPayload(TaskPayload): ...


@strawberry.type
class AttachmentMutation:
    @mutation(
        description="Begins the upload of a file for one's own draft or open task. Needs the role POSTER.",
        quotas=UPLOADS,
    )
    async def create_attachment_upload(
        self, info: Info, input: CreateAttachmentUploadInput
    ) -> CreateAttachmentUploadPayload:
        row = await act_once(
            info,
            input,
            store.attachments.get_attachment,
            actions.attachments.create_upload,
            input.task_id,
            filename=input.filename,
            content_type=input.content_type,
            size_bytes=input.size_bytes,
        )
        return CreateAttachmentUploadPayload(upload=AttachmentUpload.of(info, row))

    @mutation(
        description="Takes a file from one's own draft or open task, or gives its upload up. Its bytes are deleted. "
        "Needs the role POSTER."
    )
    async def remove_attachment(self, info: Info, input: RemoveAttachmentInput) -> RemoveAttachmentPayload:
        row = await change(info, actions.attachments.remove_attachment, input.attachment_id)
        return RemoveAttachmentPayload.of(row)
