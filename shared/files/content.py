"""Whether a file holds what it was said to hold, and what of it is kept.

What a file is called and what its sender says of it prove nothing. Its first bytes say what it is (puremagic); an image
is decoded (Pillow) and written anew from its points alone, so that nothing else survives: no place and time of a
photo, no serial number of a camera, no markup or archive hidden behind the picture, no second page. A PDF is
kept as it is, since writing one anew is beyond us; whoever serves it has it open outside of any page.

Some kilobytes can be made to cost a decoder hours and gigabytes, in ways that no list of checks names. So each file is
looked at by a process of its own (`look.py`), whose processor time and memory the kernel bounds: whatever a file
is, it costs at most 10 seconds and 512 MB, and leaves nothing behind.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from shared.errors import DomainError, ServiceUnavailable, UserErrorCode

log = structlog.get_logger(__name__)

T = TypeVar("T")


class FileType(StrEnum):
    """The types that are taken, by their media types."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"


WALL_SECONDS = 100
"""How long one process may take: far longer than what it may use, for machines that are busy."""
_PROGRAM = Path(__file__).with_name("look.py")
_REFUSED = 3
_REASON_LENGTH = 300
# What whoever stops a service sends to all its processes.
_ENDED_BY_US = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGSYS}


class UnsupportedFile(DomainError):
    code = UserErrorCode.UNSUPPORTED_FILE


class FileTooLarge(DomainError):
    code = UserErrorCode.FILE_TOO_LARGE


class FileTooComplex(DomainError):
    code = UserErrorCode.FILE_TOO_COMPLEX


class _OutOfTime(FileTooComplex):
    """More time may help."""


_REFUSALS: dict[str, type[DomainError]] = {each.code: each for each in (UnsupportedFile, FileTooLarge, FileTooComplex)}


@dataclass(frozen=True, slots=True)
class Look:
    """What looking at one file may cost: seconds of a processor, bytes of memory."""

    cpu_seconds: int
    niceness: int
    memory: int = 512 * 1024 * 1024

    async def examine(self, source: Path, said: FileType, kept: Path, most_bytes: int) -> int:
        """Writes what is kept of a file of the type `said` to `kept`; returns how many bytes that is.

        Raises UnsupportedFile, FileTooLarge, FileTooComplex; ServiceUnavailable where it was not the file that failed.
        """
        limits = (most_bytes, self.memory, self.cpu_seconds, self.niceness)
        with source.open("rb") as sent, kept.open("wb") as target, kept.with_suffix(".reason").open("w+b") as reason:
            # Not by the event loop, whose way to start a process is a fork with all threads' locks; this is a vfork.
            try:
                process = subprocess.Popen(  # noqa: ASYNC220  # under a millisecond; a program of ours
                    [sys.executable, "-IB", _PROGRAM, said, *map(str, limits)],
                    stdin=sent, stdout=target, stderr=reason, env={}, cwd="/",
                )  # fmt: skip
            except OSError as error:
                raise _not_looked_at(f"not started: {error.strerror}") from error
            try:
                async with asyncio.timeout(WALL_SECONDS):
                    await _ended(process)
            except TimeoutError:
                raise _OutOfTime("Looking at the file takes too long.") from None
            finally:
                process.kill()
                process.wait()
            reason.seek(0)
            _judge(process.returncode, reason.read().decode(errors="replace"))
        return kept.stat().st_size


async def _ended(process: subprocess.Popen[bytes]) -> None:
    ended = asyncio.Event()
    loop, descriptor = asyncio.get_running_loop(), os.pidfd_open(process.pid)
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _judge(status: int, reason: str) -> None:
    """Raises what examine() does, for the way in which the process ended and what it said."""
    if status == 0:
        return
    if status == _REFUSED:
        code, _, why = reason.partition(" ")
        raise _REFUSALS.get(code, UnsupportedFile)(why[:_REASON_LENGTH])
    if -status == signal.SIGXCPU:
        raise _OutOfTime("Looking at the file takes too long.")
    if status > 0 or -status in _ENDED_BY_US:
        # The last line of a traceback: a module that is missing, a limit that the machine does not know.
        raise _not_looked_at(f"ended with {status}: {reason.strip().rpartition(chr(10))[2][:_REASON_LENGTH]}")
    log.warning("file_ended_its_look", signal=signal.Signals(-status).name)
    if -status in _CRASHES:
        raise UnsupportedFile("The file cannot be read.")
    raise FileTooComplex("Looking at the file takes too much.")


def _not_looked_at(why: str) -> ServiceUnavailable:
    log.error("file_not_looked_at", reason=why)
    return ServiceUnavailable("The file cannot be looked at at the moment; it will be.")


@dataclass(frozen=True, slots=True)
class _Lane:
    look: Look
    room: asyncio.Semaphore


class Looker:
    """Has files looked at, so that those that take long delay no others.

    Nearly all are done within the first two seconds of a processor. One that is not begins anew where there is room for
    one at a time, behind all else that the machine has to do. Each person's files come one after the other: so all
    files that take long, whoever sent them, take up two seconds in ten of the first lane.
    """

    def __init__(self, at_once: int) -> None:
        self._quick = _Lane(Look(cpu_seconds=2, niceness=0), asyncio.Semaphore(at_once))
        self._slow = _Lane(Look(cpu_seconds=8, niceness=5), asyncio.Semaphore(1))
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def look(self, person_id: str, examine: Callable[[Look], Awaitable[T]]) -> T:
        """What `examine` answers, which is called when it is the turn of a file of this person, at most twice.

        Raises whatever it does.
        """
        async with self._turns.setdefault(person_id, asyncio.Lock()):
            async with self._quick.room:
                with contextlib.suppress(_OutOfTime):
                    return await examine(self._quick.look)
            async with self._slow.room:
                return await examine(self._slow.look)
