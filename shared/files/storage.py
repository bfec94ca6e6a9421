"""Where files lie: a folder of this machine, or a bucket of an S3-compatible store.

Both by obstore (Rust's object_store): typed, asynchronous without threads of ours, streaming, and the same calls
for both.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from shared.config import Settings
from shared.errors import ServiceUnavailable

if TYPE_CHECKING:
    # Obstore has these for type checkers only.
    from obstore import GetOptions, GetResult
    from obstore.store import ClientConfig, RetryConfig, S3Config

_READ_BYTES = 256 * 1024


class MissingObject(Exception):
    """There is nothing under this key."""


class ObjectStorage:
    """Objects by key; keys are of our own making: letters, digits, `_`, `-`, and `/` between their parts."""

    def __init__(self, settings: Settings) -> None:
        self._folder = None if settings.s3_bucket else settings.storage_folder
        if self._folder is not None:
            self._store: LocalStore | S3Store = LocalStore(self._folder, automatic_cleanup=True, mkdir=True)
        elif settings.s3_bucket:
            self._store = _bucket(settings)
        else:
            raise ValueError("Files need EXCHANGE_STORAGE_FOLDER or EXCHANGE_S3_BUCKET.")

    async def put(self, key: str, content: AsyncIterable[bytes] | Path) -> None:
        """Writes an object as a whole, in place of an earlier one. Nobody sees half of one.

        Raises ServiceUnavailable, and whatever `content` raises; then nothing is written.
        """
        with _failures():
            await obstore.put_async(self._store, key, content if isinstance(content, Path) else aiter(content))

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of an object from `start` up to `end`, piece by piece, once it is known that they are there.

        Raises MissingObject, ServiceUnavailable.
        """
        with _failures():
            options: GetOptions = {} if end is None else {"range": (start, end)}
            if end is None and start:
                options = {"range": {"offset": start}}
            found = await obstore.get_async(self._store, key, options=options)
        return _pieces(found)

    async def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix, which ends where a part of them does. Raises ServiceUnavailable."""
        found: list[str] = []
        with _failures():
            async for page in obstore.list(self._store, prefix):
                found += [each["path"] for each in page]
        return sorted(found)

    async def delete(self, key: str) -> None:
        """Deletes an object; that there is none is fine. Raises ServiceUnavailable."""
        with contextlib.suppress(MissingObject), _failures():
            await obstore.delete_async(self._store, key)

    async def delete_all(self, prefix: str) -> None:
        """Deletes everything below a prefix; nothing there is fine. Raises ServiceUnavailable."""
        for key in await self.keys(prefix):
            await self.delete(key)
        if self._folder is not None:
            # What a process left half-written when it was killed has no key.
            await asyncio.to_thread(shutil.rmtree, self._folder / prefix, ignore_errors=True)


def _bucket(settings: Settings) -> S3Store:
    client: ClientConfig = {
        "allow_http": settings.s3_endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=5),
        "timeout": timedelta(seconds=60),
    }
    retry: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
    secret = settings.s3_secret_access_key
    # What is not given comes from the machine's own role there, or from AWS_… variables.
    given = {
        "endpoint": settings.s3_endpoint,
        "region": settings.s3_region,
        "access_key_id": settings.s3_access_key_id,
        "secret_access_key": secret.get_secret_value() if secret is not None else "",
    }
    config = cast("S3Config", {name: value for name, value in given.items() if value})
    return S3Store(settings.s3_bucket, config=config, client_options=client, retry_config=retry)


async def _pieces(found: "GetResult") -> AsyncIterator[bytes]:
    with _failures():
        async for piece in found.stream(min_chunk_size=_READ_BYTES):
            yield bytes(piece)


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise MissingObject from error
    except (BaseError, OSError) as error:
        raise ServiceUnavailable("The file storage is not available at the moment; try again.") from error
