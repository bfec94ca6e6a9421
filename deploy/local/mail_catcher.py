"""A mail server that delivers nothing: it keeps each mail as a file, for people and tests to read.

python -m deploy.local.mail_catcher --port PORT --folder FOLDER
"""

import argparse
import asyncio
import itertools
import signal
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

_LARGEST_MAIL = 5_000_000
_KEPT = 1_000


class Keeper:
    """Writes what comes in to files that sort by time; the oldest go when there are too many."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count(1)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        """Answers the client once the mail is a file."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{next(self._count):06d}.eml"
        # A reader finds whole mails only.
        temporary = path.with_suffix(".new")
        temporary.write_bytes(content)
        temporary.replace(path)
        for old in sorted(self._folder.glob("*.eml"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        return "250 kept"


async def listen(folder: Path, port: int) -> asyncio.Server:
    """A running catcher on the loopback."""
    keeper = Keeper(folder)
    return await asyncio.get_running_loop().create_server(
        lambda: SMTP(keeper, hostname="localhost", ident="mail catcher", data_size_limit=_LARGEST_MAIL),
        "127.0.0.1",
        port,
    )


async def _serve(folder: Path, port: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = await listen(folder, port)
    await ended.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(_serve(options.folder, options.port))


if __name__ == "__main__":
    main()
