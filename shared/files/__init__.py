"""Files that people upload and look at: where they lie, links to them, what they may hold."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from shared.config import Settings
from shared.files.content import Looker
from shared.files.links import LinkExpired, LinkRefused, Links, soon
from shared.files.storage import MissingObject, ObjectStorage

__all__ = ["Files", "LinkExpired", "LinkRefused", "Links", "MissingObject", "ObjectStorage"]


@dataclass(frozen=True, slots=True)
class Files:
    """What a subgraph with files has: where they lie, who looks at them, and the addresses at the edge."""

    storage: ObjectStorage
    looker: Looker
    links: Links
    base_url: str
    subgraph: str

    @classmethod
    def of(cls, settings: Settings, subgraph: str) -> "Files | None":
        """As the settings say; None for a subgraph that has no keys for links and so no files.

        Raises OSError or ValueError where keys or storage cannot be used.
        """
        if settings.link_keys_file is None:
            return None
        return cls(
            storage=ObjectStorage(settings),
            looker=Looker(settings.file_looks_at_once),
            links=Links(settings.link_keys_file),
            base_url=settings.public_url,
            subgraph=subgraph,
        )

    def upload_url(self, upload_id: str, expires_at: datetime) -> str:
        """Where the bytes of an upload go."""
        token = self.links.sign("upload", upload_id, expires_at)
        return f"{self.base_url}/uploads/{self.subgraph}/{upload_id}?token={token}"

    def download_url(self, file_id: str, filename: str) -> tuple[str, datetime]:
        """Where the file can be had, and until when."""
        expires_at = soon()
        token = self.links.sign("download", file_id, expires_at)
        # The name is for people and for programs that call what they keep by the address's end.
        return f"{self.base_url}/files/{self.subgraph}/{file_id}/{quote(filename, safe='')}?token={token}", expires_at
