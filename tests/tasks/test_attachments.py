"""Files at tasks, from the mutation that begins an upload to the bytes that are handed out."""

import asyncio
import base64
import contextlib
import hashlib
import io
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from shared import clock, events
from shared.files.content import Look
from shared.ids import new_id
from shared.process.connections import Patience
from subgraphs.tasks import actions, app
from tests.conftest import AccessToken, SettingsFor
from tests.support.pictures import picture, repeated_scans
from tests.support.serving import serve
from tests.tasks.conftest import CANCEL, PUBLISH, Tasks
from tests.tasks.files import ATTACHMENTS, PDF, REMOVE, UPLOAD, Sender, bomb, photo


@pytest.fixture
def sender(tasks: Tasks) -> Sender:
    return Sender(tasks)


def code(answer: httpx.Response) -> str:
    found: str = answer.json()["errors"][0]["extensions"]["code"]
    return found


async def rows(tasks: Tasks) -> list[Any]:
    async with tasks.database.transaction() as session:
        return list(
            (await session.execute(text("SELECT id, status, received_bytes FROM attachments ORDER BY id"))).all()
        )


async def test_a_file_comes_in_chunks_and_is_handed_out(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    content = picture()
    upload = (await sender.begin(poster, task["id"], content, filename="Zaun hinten.png"))["upload"]
    assert upload["mostChunkBytes"] == 5 * 1024 * 1024
    assert await sender.attachments(poster, task["id"]) == []

    first = await sender.patch(upload["url"], 0, content[:100])
    there = await sender.head(upload["url"])
    last = await sender.patch(upload["url"], 100, content[100:])

    assert (first.status_code, first.headers["upload-offset"], first.headers["tus-resumable"]) == (204, "100", "1.0.0")
    assert (there.status_code, there.headers["upload-offset"], there.headers["upload-length"]) == (
        200,
        "100",
        str(len(content)),
    )
    assert there.headers["cache-control"] == "no-store"
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(content)))
    (shown,) = await sender.attachments(new_id("user"), task["id"])
    file = await sender.get(shown["url"])
    assert {name: shown[name] for name in ("id", "filename", "contentType", "sizeBytes")} == {
        "id": upload["attachmentId"],
        "filename": "Zaun hinten.png",
        "contentType": "image/png",
        "sizeBytes": len(file.content),
    }
    assert Image.open(io.BytesIO(file.content)).tobytes() == Image.open(io.BytesIO(content)).tobytes()
    assert {
        name: file.headers[name]
        for name in ("content-type", "content-disposition", "x-content-type-options", "content-security-policy")
    } == {
        "content-type": "image/png",
        "content-disposition": "attachment; filename=\"Zaun hinten.png\"; filename*=UTF-8''Zaun%20hinten.png",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    assert await sender.stored() == [f"tasks/{upload['attachmentId']}/file"]
    assert (await tasks.event_types())[-1] == "tasks.task.updated"
    async with tasks.database.transaction() as session:
        told = await session.scalar(
            text("SELECT body #> '{task,attachments}' FROM outbox ORDER BY position DESC LIMIT 1")
        )
    assert told == [
        {
            "id": upload["attachmentId"],
            "filename": "Zaun hinten.png",
            "content_type": "image/png",
            "size_bytes": len(file.content),
        }
    ]


async def test_what_broke_off_goes_on_where_it_stopped(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.draft(poster)
    content = picture("JPEG", (800, 600), quality=95)
    upload = (await sender.begin(poster, task["id"], content, contentType="image/jpeg"))["upload"]

    _, writer = await asyncio.open_connection("127.0.0.1", tasks.served.port)
    writer.write(
        f"PATCH {sender.path(upload['url'])} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        + content[:2000]
    )
    await writer.drain()
    while await busy(tasks) == 0:
        await asyncio.sleep(0.02)
    writer.close()
    await writer.wait_closed()
    while (there := await sender.head(upload["url"])).headers["upload-offset"] == "0":
        await asyncio.sleep(0.05)
    offset = int(there.headers["upload-offset"])
    rest = await sender.patch(upload["url"], offset, content[offset:])

    assert offset == 2000
    assert rest.status_code == 204
    (shown,) = await sender.attachments(poster, task["id"])
    assert shown["filename"] == "fence.png.jpg"


async def test_what_a_photo_tells_of_its_place_and_camera_is_gone(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    content = photo()

    await sender.upload(poster, task["id"], content, filename="a.jpeg", contentType="image/jpeg")

    (shown,) = await sender.attachments(poster, task["id"])
    file = (await sender.get(shown["url"])).content
    assert b"Marked" in content
    assert b"Marked" not in file
    with Image.open(io.BytesIO(file)) as kept:
        assert not kept.getexif()
        # As the camera was held.
        assert kept.size == (200, 320)


REFUSED_CONTENT = {
    "a page": (b"<!DOCTYPE html><html><script>alert(1)</script></html>", "image/png", "UNSUPPORTED_FILE"),
    "a drawing that scripts": (
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        "image/png",
        "UNSUPPORTED_FILE",
    ),
    "another image": (picture("GIF"), "image/png", "UNSUPPORTED_FILE"),
    "a PDF as an image": (PDF, "image/jpeg", "UNSUPPORTED_FILE"),
    "a page as a PDF": (b"<html>" + PDF, "application/pdf", "UNSUPPORTED_FILE"),
    "half a PDF": (PDF[:40], "application/pdf", "UNSUPPORTED_FILE"),
    "half an image": (picture("JPEG")[:700], "image/jpeg", "UNSUPPORTED_FILE"),
    "the head of an image": (picture()[:60] + b"<script>alert(1)</script>", "image/png", "UNSUPPORTED_FILE"),
    "a bomb": (bomb(), "image/png", "FILE_TOO_LARGE"),
    "a smaller bomb": (bomb(8_000, 5_100), "image/png", "FILE_TOO_LARGE"),
    "one byte": (b"\0", "image/webp", "UNSUPPORTED_FILE"),
}


@pytest.mark.parametrize(("content", "type_", "refusal"), REFUSED_CONTENT.values(), ids=REFUSED_CONTENT.keys())
async def test_a_file_that_holds_something_else_is_refused_and_gone(
    tasks: Tasks, sender: Sender, poster: str, content: bytes, type_: str, refusal: str
) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], content, contentType=type_))["upload"]

    answer = await sender.patch(upload["url"], 0, content)

    assert (answer.status_code, code(answer)) == (422, refusal)
    assert await sender.attachments(poster, task["id"]) == []
    assert await rows(tasks) == []
    assert await sender.stored() == []
    assert (await sender.head(upload["url"])).status_code == 404


async def test_a_refusal_says_what_the_file_holds(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture("GIF")))["upload"]

    answer = await sender.patch(upload["url"], 0, picture("GIF"))

    assert answer.json()["errors"][0]["message"] == "The file does not hold image/png, but image/gif."


async def test_nothing_hides_behind_a_picture(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)

    await sender.upload(poster, task["id"], picture() + b"<script>alert(document.domain)</script>PK\x03\x04")

    (shown,) = await sender.attachments(poster, task["id"])
    assert b"script" not in (await sender.get(shown["url"])).content


REFUSED_INPUT: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "no type that is taken": ({"contentType": "text/html"}, "UNSUPPORTED_FILE", ["contentType"]),
    "a drawing": ({"contentType": "image/svg+xml"}, "UNSUPPORTED_FILE", ["contentType"]),
    "nothing": ({"sizeBytes": 0}, "INVALID_INPUT", ["sizeBytes"]),
    "less than nothing": ({"sizeBytes": -1}, "INVALID_INPUT", ["sizeBytes"]),
    "too large": ({"sizeBytes": 10 * 1024 * 1024 + 1}, "FILE_TOO_LARGE", ["sizeBytes"]),
    "a path": ({"filename": "../../etc/passwd"}, "INVALID_INPUT", ["filename"]),
    "a path of Windows": ({"filename": "..\\..\\boot.png"}, "INVALID_INPUT", ["filename"]),
    "a drive": ({"filename": "C:boot.png"}, "INVALID_INPUT", ["filename"]),
    "a hidden file": ({"filename": ".htaccess"}, "INVALID_INPUT", ["filename"]),
    "this folder": ({"filename": ".."}, "INVALID_INPUT", ["filename"]),
    "no name": ({"filename": "  "}, "INVALID_INPUT", ["filename"]),
    "a control character": ({"filename": "a\x07.png"}, "INVALID_INPUT", ["filename"]),
    "a line break": ({"filename": "a\r\nSet-Cookie: b.png"}, "INVALID_INPUT", ["filename"]),
    "a name that reads backwards": ({"filename": "a\u202egnp.exe"}, "INVALID_INPUT", ["filename"]),
    "an isolate": ({"filename": "a\u2066gnp\u2069.png"}, "INVALID_INPUT", ["filename"]),
    "a mark of direction": ({"filename": "a\u200f.png"}, "INVALID_INPUT", ["filename"]),
    "a name without end": ({"filename": "a" * 121}, "INVALID_INPUT", ["filename"]),
    "a quote": ({"filename": 'a".png'}, "INVALID_INPUT", ["filename"]),
}


@pytest.mark.parametrize(("changes", "refusal", "field"), REFUSED_INPUT.values(), ids=REFUSED_INPUT.keys())
async def test_an_upload_that_cannot_be_is_refused(
    tasks: Tasks, sender: Sender, poster: str, changes: dict[str, Any], refusal: str, field: list[str]
) -> None:
    task = await tasks.open(poster)
    before = await tasks.state()

    payload = await sender.begin(poster, task["id"], picture(), **changes)

    assert payload == {"upload": None, "userErrors": [{"code": refusal, "field": field}]}
    assert await tasks.state() == before
    assert await rows(tasks) == []


async def test_a_name_with_nul_is_refused(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    file = {"taskId": task["id"], "filename": "a\0.png", "contentType": "image/png", "sizeBytes": 1}

    answer = await tasks.served.execute(UPLOAD, {"input": file}, token=tasks.token(poster))

    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert await rows(tasks) == []


async def test_a_name_in_other_scripts_is_kept(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)

    await sender.upload(poster, task["id"], PDF, filename="ใบเสนอราคา.html", contentType="application/pdf")

    (shown,) = await sender.attachments(poster, task["id"])
    file = await sender.get(shown["url"])
    assert shown["filename"] == "ใบเสนอราคา.html.pdf"
    assert file.headers["content-disposition"].startswith('attachment; filename="__________.html.pdf"; filename*=UTF-8')
    assert file.content == PDF


async def test_a_task_has_ten_files_uploads_included(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    begun = await asyncio.gather(*(sender.begin(poster, task["id"], PDF) for _ in range(12)))

    refused = [each["userErrors"] for each in begun if each["upload"] is None]
    assert refused == [[{"code": "TOO_MANY_ATTACHMENTS", "field": ["taskId"]}]] * 2
    assert len(await rows(tasks)) == 10


async def test_only_the_poster_of_a_task_that_can_change_brings_files(
    tasks: Tasks, sender: Sender, poster: str
) -> None:
    other = new_id("user")
    task, draft, ended = await tasks.open(poster), await tasks.draft(poster), await tasks.open(poster)
    await tasks.act(poster, CANCEL, input={"taskId": ended["id"], "reason": "Done by myself."})

    answers = [
        await sender.begin(other, task["id"], PDF),
        await sender.begin(other, draft["id"], PDF),
        await sender.begin(poster, new_id("task"), PDF),
        await sender.begin(poster, ended["id"], PDF),
    ]

    assert [each["userErrors"] for each in answers] == [
        [{"code": "NOT_ALLOWED", "field": ["taskId"]}],
        [{"code": "NOT_FOUND", "field": ["taskId"]}],
        [{"code": "NOT_FOUND", "field": ["taskId"]}],
        [{"code": "INVALID_TRANSITION", "field": None}],
    ]
    anonymous = await tasks.served.execute(
        UPLOAD, {"input": {"taskId": task["id"], "filename": "a", "contentType": "image/png", "sizeBytes": 1}}
    )
    assert anonymous["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await rows(tasks) == []


async def test_a_file_that_comes_when_its_task_was_called_off_is_refused(
    tasks: Tasks, sender: Sender, poster: str
) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    await tasks.act(poster, CANCEL, input={"taskId": task["id"], "reason": "Done by myself."})

    answer = await sender.patch(upload["url"], 0, picture())

    assert (answer.status_code, code(answer)) == (422, "INVALID_TRANSITION")
    assert await rows(tasks) == []
    assert await sender.stored() == []


async def test_the_same_key_begins_one_upload(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)

    first = await sender.begin(poster, task["id"], PDF, idempotencyKey="one")
    again = await sender.begin(poster, task["id"], PDF, idempotencyKey="one")

    assert first == again
    assert len(await rows(tasks)) == 1


async def test_a_chunk_fits_where_the_last_one_ended(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    await sender.patch(upload["url"], 0, picture()[:100])
    before = await sender.stored()

    early, late, none = [await sender.patch(upload["url"], offset, b"abc") for offset in (0, 101, 10**14)]

    for answer in (early, late, none):
        assert (answer.status_code, answer.headers["upload-offset"], code(answer)) == (409, "100", "BAD_REQUEST")
    assert await sender.stored() == before
    assert (await sender.head(upload["url"])).headers["upload-offset"] == "100"


async def test_an_empty_chunk_changes_nothing(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]

    answer = await sender.patch(upload["url"], 0, b"")

    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "0")
    assert await sender.stored() == []


async def test_more_than_was_said_is_refused_whether_told_or_not(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], b"x" * 100))["upload"]
    await sender.patch(upload["url"], 0, b"x" * 60)
    before = await sender.stored()

    async def untold() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 10

    told = await sender.patch(upload["url"], 60, b"x" * 41)
    streamed = await sender.patch(upload["url"], 60, untold())

    for answer in (told, streamed):
        assert (answer.status_code, code(answer)) == (413, "FILE_TOO_LARGE")
    assert await sender.stored() == before
    assert (await sender.head(upload["url"])).headers["upload-offset"] == "60"


async def test_a_chunk_has_at_most_five_megabytes(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], b"x" * 9_000_000))["upload"]

    async def untold() -> AsyncIterator[bytes]:
        for _ in range(90):
            yield b"x" * 100_000

    told = await sender.patch(upload["url"], 0, b"x" * 6_000_000)
    streamed = await sender.patch(upload["url"], 0, untold())

    assert (told.status_code, streamed.status_code) == (413, 413)
    assert await sender.stored() == []


async def test_of_two_writers_one_writes(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    content = picture()
    upload = (await sender.begin(poster, task["id"], content))["upload"]
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield content[:50]
        await go_on.wait()
        yield content[50:100]

    first = asyncio.create_task(sender.patch(upload["url"], 0, slow()))
    while (await busy(tasks)) == 0:
        await asyncio.sleep(0.02)
    second = await sender.patch(upload["url"], 0, b"<script>")
    go_on.set()

    assert (second.status_code, code(second)) == (423, "BAD_REQUEST")
    assert (await first).status_code == 204
    assert (await sender.patch(upload["url"], 100, content[100:])).status_code == 204
    assert len(await sender.attachments(poster, task["id"])) == 1


async def busy(tasks: Tasks) -> int:
    async with tasks.database.transaction() as session:
        return int(await session.scalar(text("SELECT count(*) FROM attachments WHERE writer IS NOT NULL")) or 0)


async def test_a_writer_whose_turn_is_over_spoils_nothing(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    content = picture()
    upload = (await sender.begin(poster, task["id"], content))["upload"]
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"<script>"
        await go_on.wait()

    lost = asyncio.create_task(sender.patch(upload["url"], 0, slow()))
    while (await busy(tasks)) == 0:
        await asyncio.sleep(0.02)
    async with tasks.database.transaction() as session:
        await session.execute(text("UPDATE attachments SET writer_until = now() - interval '1 second'"))
    other = await sender.patch(upload["url"], 0, content[:100])
    go_on.set()

    assert other.status_code == 204
    assert (await lost).status_code == 404
    assert (await sender.head(upload["url"])).headers["upload-offset"] == "100"
    assert (await sender.patch(upload["url"], 100, content[100:])).status_code == 204
    assert len(await sender.attachments(poster, task["id"])) == 1


async def test_a_chunk_may_come_more_slowly_than_an_operation(
    settings_for: SettingsFor, access_token: AccessToken, poster: str
) -> None:
    async with serve(app.build(settings_for("tasks")), Patience(request_seconds=0.5)) as served:
        tasks = await Tasks.of(served, access_token)
        sender = Sender(tasks)
        task = await tasks.open(poster)
        content = picture()
        upload = (await sender.begin(poster, task["id"], content))["upload"]

        async def slow() -> AsyncIterator[bytes]:
            yield content[:50]
            await asyncio.sleep(1.5)
            yield content[50:]

        answer = await sender.patch(upload["url"], 0, slow())

    assert answer.status_code == 204


async def test_a_checksum_is_checked(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    content = picture()
    upload = (await sender.begin(poster, task["id"], content))["upload"]
    right = base64.b64encode(hashlib.sha256(content).digest()).decode()
    wrong = base64.b64encode(hashlib.sha1(content + b"x", usedforsecurity=False).digest()).decode()

    altered = await sender.patch(upload["url"], 0, content, upload_checksum=f"sha1 {wrong}")
    left = await sender.stored()
    unknown = await sender.patch(upload["url"], 0, content, upload_checksum=f"md4 {right}")
    malformed = await sender.patch(upload["url"], 0, content, upload_checksum="sha256 ***")
    fine = await sender.patch(upload["url"], 0, content, upload_checksum=f"sha256 {right}")

    assert [each.status_code for each in (altered, unknown, malformed, fine)] == [460, 400, 400, 204]
    assert left == []


async def test_requests_that_are_no_tus(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    client, path = tasks.served.client, sender.path(upload["url"])
    tus = {"tus-resumable": "1.0.0"}
    chunk = {**tus, "content-type": "application/offset+octet-stream"}

    about = await client.options(path)
    other_version = await client.head(path, headers={"tus-resumable": "0.2.2"})
    no_type = await client.patch(path, content=b"a", headers={**tus, "upload-offset": "0"})
    no_offset = await client.patch(path, content=b"a", headers=chunk)
    bad_offsets = [
        await client.patch(path, content=b"a", headers={**chunk, "upload-offset": each})
        for each in ("-1", "1e3", "9" * 20, "x")
    ]
    as_post = await client.post(
        path, content=b"a", headers={**chunk, "upload-offset": "0", "x-http-method-override": "PATCH"}
    )
    plain_post = await client.post(path, content=b"a", headers=chunk)

    assert about.status_code == 204
    assert about.headers["tus-extension"] == "termination,expiration,checksum"
    assert (other_version.status_code, other_version.headers["tus-version"]) == (412, "1.0.0")
    assert (no_type.status_code, no_offset.status_code, plain_post.status_code) == (415, 400, 405)
    assert [each.status_code for each in bad_offsets] == [400] * 4
    assert (as_post.status_code, as_post.headers["upload-offset"]) == (204, "1")


async def test_links_that_are_not_ours_open_nothing(tasks: Tasks, sender: Sender, poster: str) -> None:
    task, draft = await tasks.open(poster), await tasks.draft(poster)
    await sender.upload(poster, task["id"], picture())
    await sender.upload(poster, draft["id"], picture())
    (shown,), (secret,) = [await sender.attachments(poster, each["id"]) for each in (task, draft)]
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    token = shown["url"].partition("?token=")[2]
    expiry, _, signature = token.partition(".")
    later = f"{int(expiry) + 1000}.{signature}"

    def with_token(url: str, token: str) -> str:
        return f"{url.partition('?')[0]}?token={token}"

    refused = [
        await sender.get(with_token(secret["url"], token)),
        await sender.get(with_token(shown["url"], later)),
        await sender.get(with_token(shown["url"], "")),
        await sender.get(with_token(shown["url"], "1.a")),
        await sender.get(with_token(shown["url"], "%00")),
        await sender.get(with_token(shown["url"], f"{expiry}.{signature[:-4]}AAAA")),
        await sender.get(with_token(shown["url"], upload["url"].partition("?token=")[2])),
        await sender.patch(with_token(upload["url"], token), 0, picture()),
        await sender.delete(with_token(upload["url"], token)),
    ]

    assert [(each.status_code, code(each)) for each in refused] == [(403, "FORBIDDEN")] * len(refused)
    assert (await sender.head(upload["url"])).headers["upload-offset"] == "0"
    assert (await sender.get(shown["url"])).status_code == 200


async def test_links_expire(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    await sender.upload(poster, task["id"], picture())
    (shown,) = await sender.attachments(poster, task["id"])
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    try:
        clock.set_offset(timedelta(minutes=16))
        gone = await sender.get(shown["url"])
        going_on = await sender.head(upload["url"])
        clock.set_offset(timedelta(minutes=61))
        over = await sender.patch(upload["url"], 0, picture())
    finally:
        clock.set_offset(timedelta())

    assert (gone.status_code, code(gone)) == (410, "FORBIDDEN")
    assert going_on.status_code == 200
    assert (over.status_code, code(over)) == (410, "FORBIDDEN")


async def test_a_draft_s_files_are_its_poster_s_until_it_is_published(
    tasks: Tasks, sender: Sender, poster: str
) -> None:
    draft = await tasks.draft(poster)
    await sender.upload(poster, draft["id"], picture())
    other = new_id("user")

    before = await tasks.act(other, ATTACHMENTS, id=draft["id"])
    await tasks.act(poster, PUBLISH, input={"taskId": draft["id"]})
    after = await sender.attachments(other, draft["id"])

    assert before == {"task": None}
    assert len(after) == 1


async def test_a_part_of_a_file(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    await sender.upload(poster, task["id"], PDF, filename="a.pdf", contentType="application/pdf")
    (shown,) = await sender.attachments(poster, task["id"])
    url, size = shown["url"], len(PDF)

    asked = {
        each: await sender.get(url, range=each)
        for each in (
            "bytes=0-4", "bytes=5-", "bytes=-6", f"bytes={size}-", "bytes=-0", "bytes=7-3", "bytes=0-1,3-4",
            "lines=1-2",
        )
    }  # fmt: skip
    whole = await sender.get(url)
    stale = await sender.get(url, range="bytes=0-4", if_range='"other"')
    known = await sender.get(url, if_none_match=whole.headers["etag"])
    head = await tasks.served.client.head(sender.path(url))

    assert {each: (answer.status_code, answer.content) for each, answer in asked.items()} == {
        "bytes=0-4": (206, PDF[:5]),
        "bytes=5-": (206, PDF[5:]),
        "bytes=-6": (206, PDF[-6:]),
        f"bytes={size}-": (416, b""),
        "bytes=-0": (416, b""),
        # What says nothing is passed over.
        "bytes=7-3": (200, PDF),
        "bytes=0-1,3-4": (200, PDF),
        "lines=1-2": (200, PDF),
    }
    assert asked["bytes=0-4"].headers["content-range"] == f"bytes 0-4/{size}"
    assert asked[f"bytes={size}-"].headers["content-range"] == f"bytes */{size}"
    assert (stale.status_code, stale.content) == (200, PDF)
    assert (known.status_code, known.content) == (304, b"")
    assert (head.status_code, head.headers["content-length"]) == (200, str(size))


async def test_a_removed_file_is_gone_for_who_has_its_link(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    first, second = [await sender.upload(poster, task["id"], picture()) for _ in range(2)]
    shown = await sender.attachments(poster, task["id"])

    payload = (await tasks.act(poster, REMOVE, input={"attachmentId": first}))["removeAttachment"]

    assert payload["userErrors"] == []
    assert payload["task"]["attachments"] == [{"id": second}]
    assert [(await sender.get(each["url"])).status_code for each in shown] == [404, 200]
    while await sender.stored() != [f"tasks/{second}/file"]:
        await asyncio.sleep(0.05)
    assert (await tasks.event_types())[-1] == "tasks.task.updated"


async def test_others_remove_nothing(tasks: Tasks, sender: Sender, poster: str) -> None:
    task, draft = await tasks.open(poster), await tasks.draft(poster)
    shown, hidden = [await sender.upload(poster, each["id"], picture()) for each in (task, draft)]
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    other, before = new_id("user"), await rows(tasks)

    answers = [
        (await tasks.act(other, REMOVE, input={"attachmentId": each}))["removeAttachment"]
        for each in (shown, hidden, upload["attachmentId"], new_id("attachment"))
    ]

    assert [each["userErrors"][0]["code"] for each in answers] == ["NOT_ALLOWED", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]
    assert await rows(tasks) == before


async def test_an_upload_is_given_up(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    by_delete, by_mutation = [(await sender.begin(poster, task["id"], picture()))["upload"] for _ in range(2)]
    for each in (by_delete, by_mutation):
        await sender.patch(each["url"], 0, picture()[:50])

    deleted = await sender.delete(by_delete["url"])
    removed = await tasks.act(poster, REMOVE, input={"attachmentId": by_mutation["attachmentId"]})

    assert deleted.status_code == 204
    assert removed["removeAttachment"]["userErrors"] == []
    assert [(await sender.patch(each["url"], 50, b"a")).status_code for each in (by_delete, by_mutation)] == [404, 404]
    assert await rows(tasks) == []
    while await sender.stored():
        await asyncio.sleep(0.05)


async def test_a_finished_file_is_not_deleted_by_its_upload_s_address(
    tasks: Tasks, sender: Sender, poster: str
) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    await sender.patch(upload["url"], 0, picture())

    again = await sender.delete(upload["url"])
    there = await sender.head(upload["url"])

    assert again.status_code == 404
    assert there.headers["upload-offset"] == there.headers["upload-length"]
    assert len(await sender.attachments(poster, task["id"])) == 1


async def test_an_upload_in_crumbs_ends(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    async with tasks.database.transaction() as session:
        await session.execute(text("UPDATE attachments SET parts = array_fill('x'::text, ARRAY[100])"))

    answer = await sender.patch(upload["url"], 0, b"a")

    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


async def test_what_is_not_whole_in_time_goes(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    ready = await sender.upload(poster, task["id"], picture())
    await sender.patch(upload["url"], 0, picture()[:50])

    async with tasks.database.transaction() as session:
        await session.execute(text("UPDATE deadlines SET due_at = now() WHERE kind = 'attachment_upload_end'"))

    while await sender.stored() != [f"tasks/{ready}/file"]:
        await asyncio.sleep(0.05)
    assert [row[0] for row in await rows(tasks)] == [ready]


async def leave_to_look_at(tasks: Tasks, attachment_id: str, last: bytes, looks: int = 0) -> None:
    """Leaves a file as a process does that dies between its last bytes and the end of the look at it."""
    key = f"tasks/{attachment_id}/parts/last"

    async def pieces() -> AsyncIterator[bytes]:
        yield last

    await tasks.served.server._app.state.services.files.storage.put(key, pieces())
    async with tasks.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE attachments SET status = 'CHECKING', received_bytes = declared_bytes, looks = :looks, "
                "parts = parts || CAST(:key AS text), writer_until = now() - interval '1 second'"
            ),
            {"key": key, "looks": looks},
        )


async def test_a_file_whose_receiver_died_is_looked_at_by_another(tasks: Tasks, sender: Sender, poster: str) -> None:
    task = await tasks.open(poster)
    content = picture()
    upload = (await sender.begin(poster, task["id"], content))["upload"]
    await sender.patch(upload["url"], 0, content[:-1])
    await leave_to_look_at(tasks, upload["attachmentId"], content[-1:])

    while not await sender.attachments(poster, task["id"]):
        await asyncio.sleep(0.05)


class Gate:
    """Stands in the way of every look at a file until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        examine = Look.examine

        async def waiting(*given: Any) -> int:
            self.reached.set()
            await self.open.wait()
            return await examine(*given)

        monkeypatch.setattr(Look, "examine", waiting)


async def looks(tasks: Tasks) -> list[tuple[str, int]]:
    """How far files are, and how many looks at them were begun whose end nobody has noted."""
    async with tasks.database.transaction() as session:
        found = await session.execute(text("SELECT status, looks FROM attachments ORDER BY id"))
        return [(row[0], row[1]) for row in found]


async def test_a_look_counts_before_it_begins_until_it_is_over(
    tasks: Tasks, sender: Sender, poster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    task = await tasks.open(poster)
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]

    answer = asyncio.create_task(sender.patch(upload["url"], 0, picture()))
    await gate.reached.wait()
    during = await looks(tasks)
    gate.open.set()

    assert (await answer).status_code == 204
    assert (during, await looks(tasks)) == ([("CHECKING", 1)], [("READY", 0)])


@pytest.mark.parametrize(("died", "outcome"), [(1, [("READY", 0)]), (2, [])])
async def test_a_file_that_ends_whoever_looks_at_it_does_so_twice_at_the_most(
    tasks: Tasks, sender: Sender, poster: str, died: int, outcome: list[tuple[str, int]]
) -> None:
    task = await tasks.open(poster)
    content = picture()
    upload = (await sender.begin(poster, task["id"], content))["upload"]
    await sender.patch(upload["url"], 0, content[:-1])
    await leave_to_look_at(tasks, upload["attachmentId"], content[-1:], looks=died)

    while await looks(tasks) != outcome:
        await asyncio.sleep(0.05)

    kept = [f"tasks/{upload['attachmentId']}/file"] if outcome else []
    while await sender.stored() != kept:
        await asyncio.sleep(0.05)


async def test_a_restart_in_the_middle_of_a_look_refuses_nothing(
    settings_for: SettingsFor, access_token: AccessToken, poster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as until_restart:
        gate = Gate(until_restart)
        async with serve(app.build(settings_for("tasks", drain_seconds=0))) as served:
            tasks = await Tasks.of(served, access_token)
            sender = Sender(tasks)
            task = await tasks.open(poster)
            upload = (await sender.begin(poster, task["id"], picture()))["upload"]
            sent = asyncio.create_task(sender.patch(upload["url"], 0, picture()))
            await gate.reached.wait()
        with contextlib.suppress(httpx.HTTPError):
            await sent

    async with serve(app.build(settings_for("tasks"))) as served:
        tasks = await Tasks.of(served, access_token)
        while await looks(tasks) != [("READY", 0)]:
            await asyncio.sleep(0.05)


@pytest.fixture
def hurried(tasks: Tasks) -> None:
    """Has files that take long refused after 3 seconds of a processor, not after 10."""
    looker = tasks.served.server._app.state.services.files.looker
    looker._slow = replace(looker._slow, look=replace(looker._slow.look, cpu_seconds=1))
    tasks.served.client.timeout = httpx.Timeout(120)


@pytest.mark.usefixtures("hurried")
async def test_a_file_that_costs_without_end_is_refused_by_name_and_gone(
    tasks: Tasks, sender: Sender, poster: str
) -> None:
    task = await tasks.open(poster)
    content = repeated_scans((2_000, 2_000), 10_000)
    upload = (await sender.begin(poster, task["id"], content, contentType="image/jpeg"))["upload"]

    answer = await sender.patch(upload["url"], 0, content)

    assert (answer.status_code, code(answer)) == (422, "FILE_TOO_COMPLEX")
    assert await rows(tasks) == []
    assert await sender.stored() == []


@pytest.mark.timing
@pytest.mark.usefixtures("hurried")
async def test_an_honest_file_beside_the_worst_is_ready_within_5_seconds(tasks: Tasks, sender: Sender) -> None:
    """Several people send some of them each."""
    honest, attackers = new_id("user"), [new_id("user") for _ in range(3)]
    content, worst = picture("JPEG", (4_000, 3_000)), repeated_scans()
    task, dear = await tasks.open(honest), []
    for attacker in attackers:
        theirs = await tasks.open(attacker)
        for _ in range(2):
            upload = (await sender.begin(attacker, theirs["id"], worst, contentType="image/jpeg"))["upload"]
            dear.append(asyncio.create_task(sender.patch(upload["url"], 0, worst)))
    while sum(count for _, count in await looks(tasks)) < 2:
        await asyncio.sleep(0.02)

    begun = time.monotonic()
    await sender.upload(honest, task["id"], content, contentType="image/jpeg")
    taken = time.monotonic() - begun

    for each in dear:
        each.cancel()
    async with tasks.database.transaction() as session:
        for attacker in attackers:
            await actions.attachments.end_uploads_of(session, attacker)
    assert taken < 5


async def test_the_uploads_of_somebody_who_is_suspended_end(tasks: Tasks, sender: Sender, poster: str) -> None:
    other = new_id("user")
    task, others = await tasks.open(poster), await tasks.open(other)
    shown = await sender.upload(poster, task["id"], picture())
    theirs = (await sender.begin(poster, task["id"], picture()))["upload"]
    goes_on = (await sender.begin(other, others["id"], picture()))["upload"]

    async with tasks.database.transaction() as session:
        await actions.people.copy_suspension(session, poster, is_suspended=True, seq=1)

    assert (await sender.patch(theirs["url"], 0, picture())).status_code == 404
    assert (await sender.patch(goes_on["url"], 0, picture())).status_code == 204
    assert {row[0] for row in await rows(tasks)} == {shown, goes_on["attachmentId"]}


async def test_files_go_with_the_person_and_are_in_their_export(tasks: Tasks, sender: Sender, poster: str) -> None:
    other = new_id("user")
    task, others = await tasks.open(poster), await tasks.open(other)
    await sender.upload(poster, task["id"], picture(), filename="Marked name.png")
    (shown,) = await sender.attachments(poster, task["id"])
    upload = (await sender.begin(poster, task["id"], picture()))["upload"]
    await sender.patch(upload["url"], 0, picture()[:50])
    kept = await sender.upload(other, others["id"], picture())

    async with tasks.database.transaction() as session:
        await actions.erasure.forget_person(session, poster)

    assert [
        (await sender.get(shown["url"])).status_code,
        (await sender.patch(upload["url"], 50, b"a")).status_code,
    ] == [
        404,
        404,
    ]
    while await sender.stored() != [f"tasks/{kept}/file"]:
        await asyncio.sleep(0.05)
    assert [row[0] for row in await rows(tasks)] == [kept]
    async with tasks.database.transaction() as session:
        log = (await session.scalars(text("SELECT CAST(body AS text) FROM outbox"))).all()
        files = (
            await session.scalars(text("SELECT attachments FROM tasks WHERE poster_id = :id"), {"id": poster})
        ).all()
    assert [each for each in log if "Marked name" in each] == []
    assert files == [[]]
    assert events.TaskUpdated.type in await tasks.event_types()
