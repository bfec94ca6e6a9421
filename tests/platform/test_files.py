"""Storage on the local disk and in a bucket, links, and what is kept of a file."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from pydantic import SecretStr

from deploy import keys
from shared import clock
from shared.config import Settings
from shared.errors import ServiceUnavailable
from shared.files import LinkExpired, LinkRefused, Links, MissingObject, ObjectStorage
from shared.files.links import soon


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A server of moto's, which speaks the protocol of S3 over HTTP as other stores do."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert server.poll() is None, "the S3 server ended"
            try:
                with urlopen(Request(f"{endpoint}/files", method="PUT"), timeout=5):  # noqa: S310  # our own address
                    break
            except OSError:
                time.sleep(0.05)
        yield endpoint
    finally:
        server.terminate()
        server.wait()


def in_bucket(endpoint: str, **changes: object) -> Settings:
    values: dict[str, object] = {
        "s3_bucket": "files",
        "s3_endpoint": endpoint,
        "s3_access_key_id": "key",
        "s3_secret_access_key": SecretStr("secret"),
    }
    return Settings.model_construct(**(DEFAULTS | values | changes))


DEFAULTS = {name: field.default for name, field in Settings.model_fields.items() if not field.is_required()}


@pytest.fixture(params=["folder", "bucket"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStorage]:
    if request.param == "folder":
        yield ObjectStorage(Settings.model_construct(**DEFAULTS | {"storage_folder": tmp_path / "files"}))
    else:
        storage = ObjectStorage(in_bucket(request.getfixturevalue("s3_endpoint")))
        yield storage
        await storage.delete_all("tasks")


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for each in content:
        yield each


async def content(storage: ObjectStorage, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in await storage.read(key, start, end)])


async def test_what_is_put_can_be_read_in_part_listed_and_deleted(storage: ObjectStorage, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"0123456789" * 700_000)

    await storage.put("tasks/a/parts/0", pieces(b"abc", b"def"))
    await storage.put("tasks/a/file", large)
    await storage.put("tasks/ab/file", pieces(b"another"))

    assert await content(storage, "tasks/a/parts/0") == b"abcdef"
    assert await content(storage, "tasks/a/file") == large.read_bytes()
    assert await content(storage, "tasks/a/file", 5, 12) == b"5678901"
    assert await content(storage, "tasks/a/file", 6_999_995) == b"56789"
    assert await storage.keys("tasks/a") == ["tasks/a/file", "tasks/a/parts/0"]
    await storage.delete_all("tasks/a")
    await storage.delete_all("tasks/a")
    await storage.delete("tasks/a/file")
    assert await storage.keys("tasks") == ["tasks/ab/file"]
    with pytest.raises(MissingObject):
        await storage.read("tasks/a/file")


async def test_what_breaks_off_leaves_nothing(storage: ObjectStorage) -> None:
    class BrokenOff(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 6_000_000
        raise BrokenOff

    with pytest.raises(BrokenOff):
        await storage.put("tasks/a/file", broken())

    assert await storage.keys("tasks") == []


async def test_what_was_half_written_goes_with_its_folder(tmp_path: Path) -> None:
    storage = ObjectStorage(Settings.model_construct(**DEFAULTS | {"storage_folder": tmp_path / "files"}))
    await storage.put("tasks/a/file", pieces(b"abc"))
    # As a process leaves it that is killed while it writes.
    (tmp_path / "files/tasks/a/file#1").write_bytes(b"half")

    await storage.delete_all("tasks/a")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_store_that_does_not_answer_is_not_available() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        storage = ObjectStorage(in_bucket(f"http://127.0.0.1:{nobody.getsockname()[1]}"))

        with pytest.raises(ServiceUnavailable):
            async with asyncio.timeout(60):
                await storage.read("tasks/a/file")


def test_files_need_a_place() -> None:
    with pytest.raises(ValueError, match="EXCHANGE_STORAGE_FOLDER"):
        ObjectStorage(Settings.model_construct(**DEFAULTS))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "links.json"


def write(path: Path, *found: keys.Key) -> None:
    path.write_text(json.dumps({"keys": found}))
    written_at = path.stat().st_mtime + len(path.read_text())
    os.utime(path, (written_at, written_at))


def test_a_link_is_good_for_one_thing_until_its_time(key_file: Path) -> None:
    write(key_file, keys.encryption_key())
    links, other = Links(key_file), "attachment_02"
    end = clock.now() + timedelta(minutes=10)
    token = links.sign("download", "attachment_01", end)

    links.check(token, "download", "attachment_01")
    for changed, purpose, subject in (
        (token, "upload", "attachment_01"),
        (token, "download", other),
        (f"{int(end.timestamp()) + 1}.{token.partition('.')[2]}", "download", "attachment_01"),
        (f"{token}A", "download", "attachment_01"),
        (token[:-2], "download", "attachment_01"),
        (links.sign("download", other, end), "download", "attachment_01"),
        ("", "download", "attachment_01"),
        ("ü.€", "download", "attachment_01"),
        ("9" * 400, "download", "attachment_01"),
    ):
        with pytest.raises(LinkRefused):
            links.check(changed, purpose, subject)
    with pytest.raises(LinkExpired):
        links.check(links.sign("download", "attachment_01", clock.now()), "download", "attachment_01")


def test_links_of_an_older_key_hold_and_of_one_that_has_gone_do_not(key_file: Path) -> None:
    old, new = keys.encryption_key(), keys.encryption_key()
    write(key_file, old)
    links, end = Links(key_file), datetime.now(UTC) + timedelta(minutes=10)
    token = links.sign("download", "a", end)

    write(key_file, new, old)
    links.check(token, "download", "a")
    assert links.sign("download", "a", end) != token
    write(key_file, new)
    with pytest.raises(LinkRefused):
        links.check(token, "download", "a")


def test_links_made_within_five_minutes_are_alike() -> None:
    end = soon()

    assert timedelta(minutes=10) <= end - clock.now() <= timedelta(minutes=15)
    assert end.timestamp() % 300 == 0
