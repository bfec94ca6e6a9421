"""Images to upload."""

import io
import struct
import zlib
from functools import cache
from typing import Any

from PIL import Image, ImageDraw


def picture(format: str = "PNG", size: tuple[int, int] = (320, 200), **options: Any) -> bytes:
    """An image file with something to see in it."""
    canvas = Image.new("RGB", size, "white")
    ImageDraw.Draw(canvas).rectangle((20, 20, 120, 60), fill="red")
    file = io.BytesIO()
    canvas.save(file, format, **options)
    return file.getvalue()


@cache
def repeated_scans(size: tuple[int, int] = (6_300, 6_300), times: int = 2_000) -> bytes:
    """A progressive JPEG whose last scan comes over and over again: for some bytes all points are walked over."""
    whole = picture("JPEG", size, progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * times + whole[-2:]


def tiny_webp(width: int, height: int) -> bytes:
    """A WebP of 34 bytes, without loss and of one colour, as large as it says."""
    # Five codes of one symbol each, so that a point takes no bit.
    bits = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\x88\x88\x08\0\0\0\0\0\0"
    return b"RIFF" + struct.pack("<I", 12 + len(bits)) + b"WEBPVP8L" + struct.pack("<I", len(bits)) + bits


def head_of_webp(width: int, height: int) -> bytes:
    """The begin of a WebP with loss, as large as it says."""
    frame = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(10)
    return b"RIFF" + struct.pack("<I", 12 + len(frame)) + b"WEBPVP8 " + struct.pack("<I", len(frame)) + frame


def png(width: int, height: int, data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG in RGB with these bytes for its points, however large it says that it is, and more chunks before them."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts)
