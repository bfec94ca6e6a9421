"""Whether a file holds what it was said to hold, and what of it is kept.

What a file is called and what its sender says of it prove nothing. Its first bytes say what it is (puremagic); an image
is decoded (Pillow) and written anew from its points alone, so that nothing else survives: no place and time of a
photo, no serial number of a camera, no markup or archive hidden behind the picture, no second page. A PDF is
kept as it is, since writing one anew is beyond us; whoever serves it has it open outside of any page.
"""

import io
import warnings
from enum import StrEnum
from pathlib import Path

import puremagic
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from shared.errors import DomainError, UserErrorCode


class FileType(StrEnum):
    """The types that are taken, by their media types."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"


MOST_POINTS = 40_000_000
"""An image of 8,000 by 5,000, larger than phones take by default: about 160 MB once decoded."""
_HEAD_BYTES = 4_096
_PDF_TAIL_BYTES = 2_048
_FORMATS = {FileType.JPEG: "JPEG", FileType.PNG: "PNG", FileType.WEBP: "WEBP"}
_QUALITY = {FileType.JPEG: {"quality": 90}, FileType.PNG: {}, FileType.WEBP: {"quality": 90}}
_WRITABLE = {
    FileType.JPEG: {"L", "RGB"},
    FileType.PNG: {"1", "L", "LA", "RGB", "RGBA"},
    FileType.WEBP: {"RGB", "RGBA"},
}


class UnsupportedFile(DomainError):
    code = UserErrorCode.UNSUPPORTED_FILE


class FileTooLarge(DomainError):
    code = UserErrorCode.FILE_TOO_LARGE


def examine(source: Path, said: FileType, kept: Path, most_bytes: int) -> int:
    """Writes what is kept of a file of the type `said` to `kept`; returns how many bytes that is.

    It takes a processor for up to seconds and much memory: call it in a thread, few at a time. Raises
    UnsupportedFile, FileTooLarge.
    """
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    found = _media_type(head)
    if found != said:
        raise UnsupportedFile(f"The file does not hold {said}, but {found or 'something unknown'}.")
    if said is FileType.PDF:
        _check_pdf(source)
        kept.write_bytes(source.read_bytes())
    else:
        _rewrite_image(source, said, kept)
    size = kept.stat().st_size
    if size > most_bytes:
        raise FileTooLarge("Written anew without what it need not tell, the image is too large.")
    return size


def _media_type(head: bytes) -> str | None:
    try:
        return str(puremagic.from_string(head, mime=True)) or None
    except (puremagic.PureError, ValueError):
        return None


def _check_pdf(source: Path) -> None:
    """Raises UnsupportedFile for what begins or ends like no PDF (ISO 32000-1, 7.5)."""
    with source.open("rb") as file:
        begins = file.read(5) == b"%PDF-"
        file.seek(max(0, source.stat().st_size - _PDF_TAIL_BYTES))
        tail = file.read()
    if not begins or b"startxref" not in tail or b"%%EOF" not in tail:
        raise UnsupportedFile("The PDF is not whole.")


def _rewrite_image(source: Path, said: FileType, kept: Path) -> None:
    try:
        with warnings.catch_warnings():
            # An image that Pillow only warns of is one that it refuses at twice the size.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source, formats=[_FORMATS[said]]) as image:
                if image.width * image.height > MOST_POINTS:
                    raise FileTooLarge(f"The image has more than {MOST_POINTS:,} points.")
                image.load()
                # Turned as its camera was held, since that is written beside the points.
                turned = ImageOps.exif_transpose(image)
                plain = _in_srgb(turned, said)
        plain.info.clear()
        plain.save(kept, _FORMATS[said], **_QUALITY[said])
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise FileTooLarge(f"The image has more than {MOST_POINTS:,} points.") from None
    except DomainError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError, MemoryError):
        # What Pillow's decoders raise for damaged files.
        raise UnsupportedFile("The image cannot be read.") from None


def _in_srgb(image: Image.Image, said: FileType) -> Image.Image:
    """The points alone, in the colours that are meant where nothing is said of them."""
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    mode = "RGBA" if has_alpha and said is not FileType.JPEG else "RGB"
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            of_image = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, of_image, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                image = converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A profile that cannot be read: the points as they are.
            image = image.convert("RGB")
    return image if image.mode in _WRITABLE[said] and not profile else image.convert(mode)
