"""The program that looks at one file, whose bytes a stranger chose; it ends with it.

    python -I look.py <media type> <bytes that may be kept> <bytes of memory> <seconds of CPU> <niceness>

The file is standard input, what is kept of it goes to standard output. It exits with 0, or with 3 for a file that is
refused: then standard error holds the code and the reason. Decoders run nowhere but here, with nothing at hand: no
environment, no open file but these three and no way to open another one, and limits that end it, whatever it does.
`shared.files.content` starts it; it imports nothing of ours, so that it starts within a tenth of a second.
"""

import errno
import io
import os
import resource
import sys
import warnings
from typing import BinaryIO

import puremagic
from PIL import (
    Image,
    ImageCms,
    ImageColor,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

# Pillow imports these when it first needs them, and then no file can be opened any more.
Image.preinit()
_ALREADY_THERE = (ImageColor, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)

REFUSED = 3
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_MOST_POINTS = {"JPEG": 40_000_000, "PNG": 40_000_000, "WEBP": 20_000_000}
"""8,000 by 5,000, larger than phones take by default, and 5,000 by 4,000: what fits into 512 MB whatever else is in the
image. A JPEG takes up to 12 bytes a point (four colours, progressive), a WebP 20."""
_HEAD_BYTES = 4_096
_PDF_TAIL_BYTES = 2_048
_QUALITY = {"JPEG": {"quality": 90}, "PNG": {}, "WEBP": {"quality": 90}}
_WRITABLE = {"JPEG": {"L", "RGB"}, "PNG": {"1", "L", "LA", "RGB", "RGBA"}, "WEBP": {"RGB", "RGBA"}}


class Refused(Exception):
    """The file is not taken: `code` is one of `shared.errors.UserErrorCode`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class _Kept(io.BytesIO):
    """What is written, up to so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most_bytes = most_bytes

    def write(self, data: object, /) -> int:
        written = super().write(data)  # type: ignore[arg-type]  # whatever Pillow writes
        if self.tell() > self._most_bytes:
            raise Refused("FILE_TOO_LARGE", "Written anew without what it need not tell, the file is too large.")
        return written


def look(source: BinaryIO, said: str, most_bytes: int) -> bytes:
    """What is kept of a file that is said to be of this media type. Raises Refused."""
    found = _media_type(source.read(_HEAD_BYTES))
    source.seek(0)
    if found != said:
        raise Refused("UNSUPPORTED_FILE", f"The file does not hold {said}, but {found or 'something unknown'}.")
    kept = _Kept(most_bytes)
    if said in _FORMATS:
        _write_anew(source, _FORMATS[said], kept)
    else:
        kept.write(_whole_pdf(source))
    return kept.getvalue()


def _media_type(head: bytes) -> str | None:
    try:
        return str(puremagic.from_string(head, mime=True)) or None
    except (puremagic.PureError, ValueError):
        return None


def _whole_pdf(source: BinaryIO) -> bytes:
    """A PDF as it is. Raises Refused for what begins or ends like none (ISO 32000-1, 7.5)."""
    content = source.read()
    tail = content[-_PDF_TAIL_BYTES:]
    if not content.startswith(b"%PDF-") or b"startxref" not in tail or b"%%EOF" not in tail:
        raise Refused("UNSUPPORTED_FILE", "The PDF is not whole.")
    return content


def _write_anew(source: BinaryIO, format: str, kept: _Kept) -> None:
    most_points = _MOST_POINTS[format]
    # Pillow warns of more than that many points and refuses twice as many, before a decoder takes memory for them.
    Image.MAX_IMAGE_PIXELS = most_points // 2
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    try:
        plain = _in_srgb(_turned(source, format), format)
        plain.info.clear()
        plain.save(kept, format, **_QUALITY[format])
    except Image.DecompressionBombError:
        raise Refused("FILE_TOO_LARGE", f"The image has more than {most_points:,} points.") from None
    except MemoryError:
        raise Refused("FILE_TOO_COMPLEX", "Looking at the file takes too much memory.") from None
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError) as error:
        # What Pillow's decoders raise for damaged files; but that no file can be opened is not this one's fault.
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            raise
        raise Refused("UNSUPPORTED_FILE", "The image cannot be read.") from None


def _turned(source: BinaryIO, format: str) -> Image.Image:
    """The image as its camera was held, since that is written beside the points; its decoder's memory is free again."""
    with Image.open(source, formats=[format]) as image:
        image.load()
        return ImageOps.exif_transpose(image)


def _in_srgb(image: Image.Image, format: str) -> Image.Image:
    """The points alone, in the colours that are meant where nothing is said of them."""
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    mode = "RGBA" if has_alpha and format != "JPEG" else "RGB"
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            of_image = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            # In its place where that is possible: two of the largest images would be too much.
            in_place = image.mode == "RGB"
            converted = ImageCms.profileToProfile(image, of_image, srgb, outputMode="RGB", inPlace=in_place)
            if converted is not None:
                image = converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A profile that cannot be read: the points as they are.
            image = image.convert("RGB")
    return image if image.mode in _WRITABLE[format] else image.convert(mode)


def confine(most_bytes: int, memory: int, cpu_seconds: int, niceness: int) -> None:
    """Takes from this process what it does not need and limits the rest; nothing gives it back."""
    os.nice(niceness)
    limits = {
        # The signal of the first limit tells what ended it; nobody gets past the second.
        resource.RLIMIT_CPU: (cpu_seconds, cpu_seconds + 1),
        resource.RLIMIT_AS: (memory, memory),
        resource.RLIMIT_FSIZE: (most_bytes, most_bytes),
        resource.RLIMIT_NOFILE: (0, 0),
        resource.RLIMIT_NPROC: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    for limit, values in limits.items():
        resource.setrlimit(limit, values)


def main(said: str, *limits: str) -> int:
    """Looks at standard input."""
    most_bytes, memory, cpu_seconds, niceness = map(int, limits)
    confine(most_bytes, memory, cpu_seconds, niceness)
    try:
        kept = look(sys.stdin.buffer, said, most_bytes)
    except Refused as refused:
        sys.stderr.write(f"{refused.code} {refused}")
        return REFUSED
    sys.stdout.buffer.write(kept)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
