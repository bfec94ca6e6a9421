"""What is kept of a file, and what a file can cost at most that somebody made to cost without end."""

import asyncio
import errno
import io
import os
import resource
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from shared.errors import DomainError, ServiceUnavailable
from shared.files import content
from shared.files.content import FileTooComplex, FileTooLarge, FileType, Look, Looker, UnsupportedFile
from tests.support.pictures import head_of_webp, picture, png, repeated_scans, tiny_webp

LOOK = Look(cpu_seconds=10, niceness=0)
MOST_BYTES = 10 * 1024 * 1024
MB = 1024 * 1024


class Desk:
    """Where a file lies while it is looked at."""

    def __init__(self, folder: Path) -> None:
        self.source, self.kept = folder / "sent", folder / "kept"

    async def examine(self, sent: bytes, said: FileType, look: Look = LOOK, most_bytes: int = MOST_BYTES) -> bytes:
        """What is kept of a file."""
        self.source.write_bytes(sent)
        size = await look.examine(self.source, said, self.kept, most_bytes)
        kept = self.kept.read_bytes()
        assert len(kept) == size
        return kept


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def marks(turned: bool = True) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = "Marked words"
    if turned:
        exif[0x0112] = 6
    return exif


def marked_png() -> bytes:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Comment", "Marked")
    chunks.add_itxt("XML:com.adobe.xmp", "Marked", zip=False)
    chunks.add(b"prVt", b"Marked")
    return saved(photo(), "PNG", pnginfo=chunks, exif=marks())


def photo(mode: str = "RGB") -> Image.Image:
    return Image.open(io.BytesIO(picture())).convert(mode)


def see_through() -> Image.Image:
    image = photo("RGBA")
    image.putalpha(photo("L"))
    return image


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# What phones, cameras, scanners and programs make, each by another way through the decoders.
HONEST: dict[str, tuple[bytes, FileType, str, tuple[int, int]]] = {
    "a photo": (
        saved(photo(), "JPEG", exif=marks(), icc_profile=SRGB, comment=b"Marked"), FileType.JPEG, "RGB", (200, 320),
    ),
    "a progressive one": (saved(photo(), "JPEG", progressive=True), FileType.JPEG, "RGB", (320, 200)),
    "two in one": (
        saved(photo(), "MPO", save_all=True, append_images=[photo()], exif=marks()), FileType.JPEG, "RGB", (200, 320),
    ),
    "in grey": (saved(photo("L"), "JPEG"), FileType.JPEG, "L", (320, 200)),
    "for print": (saved(photo("CMYK"), "JPEG", exif=marks(), comment=b"Marked"), FileType.JPEG, "RGB", (200, 320)),
    "with words": (marked_png(), FileType.PNG, "RGB", (200, 320)),
    "with a profile": (saved(see_through(), "PNG", icc_profile=SRGB), FileType.PNG, "RGBA", (320, 200)),
    "in few colours": (saved(photo("P"), "PNG", transparency=3), FileType.PNG, "RGBA", (320, 200)),
    "in black and white": (saved(photo("1"), "PNG"), FileType.PNG, "1", (320, 200)),
    "in 16 bits": (saved(photo("I;16"), "PNG"), FileType.PNG, "RGB", (320, 200)),
    "one that moves": (
        saved(photo(), "PNG", save_all=True, append_images=[photo()]), FileType.PNG, "RGB", (320, 200),
    ),
    "a WebP": (
        saved(photo(), "WEBP", exif=marks(), icc_profile=SRGB, xmp=b"Marked"), FileType.WEBP, "RGB", (200, 320),
    ),
    "one without loss": (saved(see_through(), "WEBP", lossless=True), FileType.WEBP, "RGBA", (320, 200)),
    "a WebP that moves": (
        saved(photo(), "WEBP", save_all=True, append_images=[photo("L")]), FileType.WEBP, "RGB", (320, 200),
    ),
    "a large one of 34 bytes": (tiny_webp(2_000, 1_000), FileType.WEBP, "RGB", (2_000, 1_000)),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "said", "mode", "size"), HONEST.values(), ids=HONEST.keys())
async def test_an_image_is_written_anew(
    desk: Desk, sent: bytes, said: FileType, mode: str, size: tuple[int, int]
) -> None:
    kept = await desk.examine(sent, said)

    with Image.open(io.BytesIO(kept), formats=[said.name]) as image:
        image.load()
        assert (image.mode, image.size) == (mode, size)
        assert not {"exif", "icc_profile", "xmp", "comment", "Comment"} & image.info.keys()
    assert b"Marked" not in kept


HOSTILE: dict[str, tuple[Callable[[], bytes], FileType, type[DomainError]]] = {
    "a JPEG's last scan without end": (lambda: repeated_scans((2_000, 2_000), 10_000), FileType.JPEG, FileTooComplex),
    "34 bytes for 40 million points": (lambda: tiny_webp(6_320, 6_320), FileType.WEBP, FileTooLarge),
    "34 bytes for 268 million points": (lambda: tiny_webp(16_383, 16_383), FileType.WEBP, FileTooLarge),
    "the head of a WebP": (lambda: head_of_webp(16_000, 16_000), FileType.WEBP, FileTooLarge),
    "the head of a PNG": (lambda: png(50_000, 50_000, bytes(10_000)), FileType.PNG, FileTooLarge),
    "a PNG a little too large": (lambda: png(8_000, 5_100, bytes(10_000)), FileType.PNG, FileTooLarge),
    "a PNG's words without end": (
        lambda: png(8, 8, bytes(200), (b"zTXt", b"a\0\0" + zlib.compress(bytes(100 * MB)))),
        FileType.PNG,
        UnsupportedFile,
    ),
    "one that moves in another type": (lambda: picture("GIF"), FileType.PNG, UnsupportedFile),
}


@pytest.mark.parametrize(("made", "said", "refusal"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_file_that_costs_without_end_is_refused_by_name(
    desk: Desk, made: Callable[[], bytes], said: FileType, refusal: type[DomainError]
) -> None:
    sent = made()
    assert len(sent) < MB
    before = spent_on_others()

    with pytest.raises(refusal):
        await desk.examine(sent, said, Look(cpu_seconds=1, niceness=0))

    assert spent_on_others() - before < 2


def spent_on_others() -> float:
    """Seconds of processors that processes of this one have used that are over."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


LARGEST: dict[str, tuple[Callable[[], bytes], FileType]] = {
    "JPEG": (lambda: saved(Image.new("CMYK", (8_000, 5_000)), "JPEG", progressive=True, exif=marks()), FileType.JPEG),
    "PNG": (lambda: saved(Image.new("RGBA", (8_000, 5_000)), "PNG", compress_level=1, exif=marks()), FileType.PNG),
    "WebP": (
        lambda: saved(Image.new("RGBA", (5_000, 4_000), "#0001"), "WEBP", lossless=True, method=0, exif=marks()),
        FileType.WEBP,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "said"), LARGEST.values(), ids=LARGEST.keys())
async def test_the_largest_honest_image_fits(desk: Desk, made: Callable[[], bytes], said: FileType) -> None:
    assert await desk.examine(made(), said)


async def test_memory_is_limited(desk: Desk) -> None:
    sent = tiny_webp(4_000, 4_000)

    await desk.examine(sent, FileType.WEBP)
    # The decoders of WebP and JPEG do not say what they lack.
    with pytest.raises(DomainError):
        await desk.examine(sent, FileType.WEBP, Look(cpu_seconds=10, niceness=0, memory=200 * MB))
    with pytest.raises(FileTooComplex):
        await desk.examine(png(8_000, 5_000, b""), FileType.PNG, Look(cpu_seconds=10, niceness=0, memory=100 * MB))


async def test_what_is_kept_is_limited(desk: Desk) -> None:
    for sent, said in ((picture(), FileType.PNG), (b"%PDF-1\nstartxref\n%%EOF" + bytes(500), FileType.PDF)):
        with pytest.raises(FileTooLarge):
            await desk.examine(sent, said, most_bytes=500)


async def test_waiting_is_limited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "WALL_SECONDS", 0.3)
    pid = program(desk, monkeypatch, "import time; time.sleep(60)")

    with pytest.raises(FileTooComplex):
        await desk.examine(b"", FileType.PNG)

    assert not runs(pid())


async def test_a_look_that_is_called_off_leaves_no_process(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = program(desk, monkeypatch, "import time; time.sleep(60)")
    look = asyncio.create_task(desk.examine(b"", FileType.PNG))
    while not pid():
        await asyncio.sleep(0.01)

    look.cancel()
    with pytest.raises(asyncio.CancelledError):
        await look

    assert not runs(pid())


def program(desk: Desk, monkeypatch: pytest.MonkeyPatch, source: str) -> Callable[[], int]:
    """Another program in the place of the one that looks; answers what its process is, once it runs."""
    file = desk.source.with_name("program.py")
    file.write_text(f"import os, sys\nprint(os.getpid(), flush=True)\n{source}\n")
    monkeypatch.setattr(content, "_PROGRAM", file)
    return lambda: int((desk.kept.read_text() if desk.kept.exists() else "").partition("\n")[0] or 0)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def killed_by(sent: signal.Signals) -> str:
    return f"os.kill(os.getpid(), {sent.value})"


ENDS: dict[str, tuple[str, type[Exception]]] = {
    "out of time": (killed_by(signal.SIGXCPU), FileTooComplex),
    "killed by the machine": (killed_by(signal.SIGKILL), FileTooComplex),
    "crashed": (killed_by(signal.SIGSEGV), UnsupportedFile),
    "aborted": ("os.abort()", UnsupportedFile),
    "stopped with the service": (killed_by(signal.SIGTERM), ServiceUnavailable),
    "interrupted with it": (killed_by(signal.SIGINT), ServiceUnavailable),
    "without a module": ("import nothing_of_this_name", ServiceUnavailable),
    "with what nobody knows": ("sys.exit(7)", ServiceUnavailable),
    "refused by a code that nobody knows": ("sys.stderr.write('ODD Not so.'); sys.exit(3)", UnsupportedFile),
}


@pytest.mark.parametrize(("source", "raised"), ENDS.values(), ids=ENDS.keys())
async def test_how_a_look_ends_tells_whose_fault_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, source: str, raised: type[Exception]
) -> None:
    program(desk, monkeypatch, source)

    with pytest.raises(raised):
        await desk.examine(b"", FileType.PNG)


async def test_a_process_that_cannot_be_started_is_not_the_file_s_fault(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(ServiceUnavailable):
        await desk.examine(picture(), FileType.PNG)


async def test_who_looks_has_nothing_of_the_service(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_S3_SECRET_ACCESS_KEY", "Marked")
    with (desk.source.with_name("secret")).open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        program(
            desk,
            monkeypatch,
            "print(sorted(os.environ.keys() - {'LC_CTYPE'}), os.getcwd(), sorted(os.listdir('/proc/self/fd'))[:3])\n"
            "print([each for each in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{each}')])",
        )
        kept = await desk.examine(b"", FileType.PNG)

    assert kept.decode().splitlines()[1:] == ["[] / ['0', '1', '2']", "['0', '1', '2']"]


def test_who_looks_can_reach_nothing() -> None:
    """Not a decoder either that a file has taken over."""
    program = """
import os, signal, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
import look
look.confine(10, 512 << 20, 10, 0)
def refused(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
print([refused(lambda: open("/etc/passwd")), refused(socket.socket), refused(os.pipe)], file=sys.stderr)
"""
    folder = Path(content.__file__).parent
    with (Path(os.devnull)).open("rb") as nothing:
        ended = subprocess.run(
            [sys.executable, "-I", "-c", program, str(folder)], stdin=nothing, capture_output=True, check=True
        )

    assert ended.stderr.decode() == f"{[errno.EMFILE] * 3}\n"


async def test_nobody_s_files_delay_those_of_others() -> None:
    looker, begun, over = Looker(at_once=2), asyncio.Event(), asyncio.Event()
    looking: list[tuple[str, int]] = []

    async def takes_long(person: str, look: Look) -> None:
        looking.append((person, look.cpu_seconds))
        assert [each for each, _ in looking].count(person) == 1
        try:
            if look.cpu_seconds == 2:
                await asyncio.sleep(0)
                raise content._OutOfTime("Takes too long.")
            begun.set()
            await over.wait()
            raise FileTooComplex("Takes too long.")
        finally:
            looking.remove((person, look.cpu_seconds))

    async def honest(look: Look) -> int:
        return look.cpu_seconds

    people = [f"user_{number}" for number in range(8)]
    dear = [
        asyncio.create_task(looker.look(person, lambda look, person=person: takes_long(person, look)))  # type: ignore[misc]  # bound now
        for person in people
        for _ in range(5)
    ]
    await begun.wait()
    assert await asyncio.wait_for(looker.look("user_honest", honest), 30) == 2
    assert [seconds for _, seconds in looking] == [8]
    over.set()
    outcomes = await asyncio.gather(*dear, return_exceptions=True)

    assert {type(each) for each in outcomes} == {FileTooComplex}
    assert looking == []
    assert not looker._turns
