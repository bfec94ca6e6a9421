"""Files that people upload and look at: where they lie, links to them, what they may hold."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from shared.config import Settings
from shared.files.content import Looker
from shared.files.links import LinkExpired, LinkRefused, Links, made_subject, soon
from shared.files.storage import MissingObject, ObjectStorage

__all__ = ["Addresses", "Files", "LinkExpired", "LinkRefused", "Links", "MissingObject", "ObjectStorage"]


@dataclass(frozen=True, slots=True)
class Files:
    """What a subgraph has to which files are uploaded: where they lie, and who looks at them."""

    storage: ObjectStorage
    looker: Looker

    @classmethod
    def of(cls, settings: Settings) -> "Files | None":
        """As the settings say; None for a subgraph that stores no files.

        Raises OSError or ValueError where the storage cannot be used.
        """
        if settings.storage_folder is None and not settings.s3_bucket:
            return None
        return cls(storage=ObjectStorage(settings), looker=Looker(settings.file_looks_at_once))


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses at the edge of a subgraph's files, each of which carries its own permission."""

    links: Links
    base_url: str
    subgraph: str

    @classmethod
    def of(cls, settings: Settings, subgraph: str) -> "Addresses | None":
        """As the settings say; None for a subgraph that has no keys for links and so no files.

        Raises OSError or ValueError where the keys cannot be used.
        """
        if settings.link_keys_file is None:
            return None
        return cls(links=Links(settings.link_keys_file), base_url=settings.public_url, subgraph=subgraph)

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

    def made_url(self, kind: str, file_id: str, filename: str, **said: str) -> tuple[str, datetime]:
        """Where a file can be had that is made when it is asked for, and until when.

        What is `said` of how it is to be made stands in the address, and is signed with it.
        """
        expires_at = soon()
        query = urlencode({**said, "token": self.links.sign(kind, made_subject(file_id, said), expires_at)})
        path = f"/files/{self.subgraph}/{kind}/{file_id}/{quote(filename, safe='')}"
        return f"{self.base_url}{path}?{query}", expires_at
