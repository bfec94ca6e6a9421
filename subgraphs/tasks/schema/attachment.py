"""Files at tasks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared import events
from shared.graphql.entities import Node, entity
from subgraphs.tasks.schema.info import Info, visible_rows


@entity(description="A file at a task. Images hold no more than what one sees: not when and where, or of whom.")
class Attachment(Node):
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

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Attachment | None"]:
        rows = await info.context.loaders.attachment_by_id.load_many(ids)
        tasks = await visible_rows(info, [row.task_id for row in rows if row])
        # As the task shows them: those that are still uploaded have a row, too.
        shown = {each["id"]: each for task in tasks.values() for each in task.attachments}
        return [cls.of(shown[each]) if each in shown else None for each in ids]

    @strawberry.field(
        description="Where it can be had, for 10 to 15 minutes, by whoever has the address; ask again for a new one. "
        "Answers ranges. A file that was removed is gone there too."
    )
    def url(self, info: Info) -> str:
        return info.context.addresses.download_url(self.id, self.filename)[0]

    @strawberry.field(description="Until when `url` is good.")
    def url_expires_at(self, info: Info) -> datetime:
        return info.context.addresses.download_url(self.id, self.filename)[1]
