"""Which files a task may have, and when somebody may bring or take them."""

import re
from datetime import timedelta
from enum import StrEnum

from shared.errors import DomainError, InvalidInput, UserErrorCode
from shared.graphql.text import clean

MOST_PER_TASK = 10
MOST_BYTES = 10 * 1024 * 1024
MOST_PARTS = 100
FILENAME_LENGTH = (1, 120)
UPLOAD_TIME = timedelta(hours=1)
"""How long an upload may take, breaks included."""
TURN = timedelta(minutes=3)
"""How long a request has a file for itself; it is done long before, or dead."""
MOST_LOOKS = 2
"""How many looks at a file may end with whoever looked before it is taken for their cause."""
SECOND_DELETION = timedelta(hours=1)
"""After this nothing can still be on its way into a file that was given up."""

EXTENSIONS = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
}
"""The media types that are taken, and how files of them are called."""
# What directories are told by, and what Windows and shells read as more than a name.
_UNSAFE = re.compile(r'[/\\:*?"<>|]')
# Marks of direction and zero-width characters have no place in a name that shows its ending.
_INVISIBLE = re.compile("[\u061c\u180e\u200b-\u200f\u2060-\u2064\u2066-\u2069\ufeff]")


class Status(StrEnum):
    """How far a file has come."""

    UPLOADING = "UPLOADING"
    CHECKING = "CHECKING"
    READY = "READY"


class TooManyAttachments(DomainError):
    code = UserErrorCode.TOO_MANY_ATTACHMENTS


class UnsupportedType(DomainError):
    code = UserErrorCode.UNSUPPORTED_FILE


class TooLarge(DomainError):
    code = UserErrorCode.FILE_TOO_LARGE


def folder(attachment_id: str) -> str:
    """What the keys of all objects of a file begin with."""
    return f"tasks/{attachment_id}"


def parts_folder(attachment_id: str) -> str:
    """What the keys of its chunks begin with."""
    return f"{folder(attachment_id)}/parts"


def part_key(attachment_id: str, offset: int, writer: str) -> str:
    """Where a chunk lies. Each writer has a place of its own, so that one whose turn is over spoils nothing."""
    return f"{parts_folder(attachment_id)}/{offset:09d}-{writer}"


def file_key(attachment_id: str) -> str:
    """Where the file itself lies."""
    return f"{folder(attachment_id)}/file"


def check_count(count: int) -> None:
    """Raises TooManyAttachments where a task has `count` files and uploads already."""
    if count >= MOST_PER_TASK:
        raise TooManyAttachments(
            f"A task has at most {MOST_PER_TASK} attachments.", field=("taskId",), max=MOST_PER_TASK
        )


def check_type(content_type: str) -> None:
    """Raises UnsupportedType."""
    if content_type not in EXTENSIONS:
        raise UnsupportedType(f"Send one of {', '.join(EXTENSIONS)}.", field=("contentType",), allowed=list(EXTENSIONS))


def check_size(size: int) -> None:
    """Raises InvalidInput for a file of nothing, TooLarge."""
    if size < 1:
        raise InvalidInput("The file is empty.", field=("sizeBytes",), min=1, max=MOST_BYTES)
    if size > MOST_BYTES:
        raise TooLarge(f"A file has at most {MOST_BYTES} bytes.", field=("sizeBytes",), min=1, max=MOST_BYTES)


def clean_filename(filename: str) -> str:
    """The name of a plain file, 1 to 120 characters. Raises InvalidInput."""
    least, most = FILENAME_LENGTH
    name = clean(filename, field=("filename",), min_length=least, max_length=most)
    if _UNSAFE.search(name) or _INVISIBLE.search(name) or name.startswith("."):
        raise InvalidInput("This is not the plain name of a file.", field=("filename",))
    return name


def with_ending(name: str, content_type: str) -> str:
    """The name to show: with an ending of its type."""
    endings = EXTENSIONS[content_type]
    return name if name.lower().endswith(endings) else f"{name}{endings[0]}"
