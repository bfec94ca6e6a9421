"""Files at tasks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared import events
from subgraphs.tasks.schema.info import Info


@strawberry.type(
    description="A file at a task. Images hold no more than what one sees: not when and where, or of whom."
)
class Attachment:
    id: ID = strawberry.field(description="The attachment's id.")
    filename: str = strawberry.field(description="What the poster calls it; it ends as its type does.")
    content_type: str = strawberry.field(
        description="`image/jpeg`, `image/png`, `image/webp` or `application/pdf`; the file was looked at for it."
    )
    size_bytes: int = strawberry.field(description="How large it is.")

    @classmethod
    def of(cls, file: events.AttachmentSnapshot | Mapping[str, str | int]) -> Self:
        """As an event or the task's row has it."""
        file = events.AttachmentSnapshot.model_validate(file)
        return cls(id=ID(file.id), filename=file.filename, content_type=file.content_type, size_bytes=file.size_bytes)

    @strawberry.field(
        description="Where it can be had, for 10 to 15 minutes, by whoever has the address; ask again for a new one. "
        "Answers ranges. A file that was removed is gone there too."
    )
    def url(self, info: Info) -> str:
        return info.context.files.download_url(self.id, self.filename)[0]

    @strawberry.field(description="Until when `url` is good.")
    def url_expires_at(self, info: Info) -> datetime:
        return info.context.files.download_url(self.id, self.filename)[1]
