"""A mailbox for tests: a real mail server on a free port, and what it was given."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import mail_catcher, mail_server
from deploy.local.mail_server import Caught


@dataclass
class Post:
    """The mails that came, by recipient."""

    folder: Path
    port: int

    @property
    def settings(self) -> dict[str, object]:
        """What a subgraph needs to send its mail here."""
        return {"smtp_address": f"127.0.0.1:{self.port}", "smtp_tls": "none"}

    def empty(self) -> None:
        """Throws away what came."""
        for mail in self.folder.iterdir():
            mail.unlink()

    def mails(self, recipient: str = "") -> list[Caught]:
        return mail_server.mails(self.folder, recipient)

    async def mail(self, recipient: str, count: int = 1, seconds: float = 30) -> Caught:
        """The newest mail to an address, once there are `count`."""
        deadline = time.monotonic() + seconds
        while len(found := self.mails(recipient)) < count:
            assert time.monotonic() < deadline, f"{len(found)} mails came, not {count}"
            await asyncio.sleep(0.05)
        return found[-1]

    async def token(self, recipient: str, count: int = 1) -> str:
        """The token in the link of the newest mail to an address, once there are `count`."""
        return token_of(await self.mail(recipient, count))


def token_of(mail: Caught) -> str:
    found = re.search(r"#token=([\w-]+)$", mail.text, re.MULTILINE)
    assert found, mail.text
    return found[1]


@asynccontextmanager
async def post_office(folder: Path) -> AsyncIterator[Post]:
    """A mail server for the length of the block."""
    server = await mail_catcher.listen(folder, 0)
    try:
        yield Post(folder, server.sockets[0].getsockname()[1])
    finally:
        server.close()
