"""The mail catcher as a local process, and the mails that it keeps."""

import sys
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from deploy.local import probes
from deploy.local.layout import Instance
from deploy.local.processes import ProcessSpec


def process(instance: Instance) -> ProcessSpec:
    """The catcher's process."""
    port = instance.port("mail")
    return ProcessSpec(
        name="mail",
        argv=(
            *(sys.executable, "-m", "deploy.local.mail_catcher"),
            *("--port", str(port), "--folder", str(folder(instance))),
        ),
        ready=probes.smtp(port),
        ports=(port,),
    )


def folder(instance: Instance) -> Path:
    """Where each mail is a file."""
    return instance.state / "mail"


@dataclass(frozen=True)
class Caught:
    """A mail that the catcher keeps."""

    path: Path
    message: EmailMessage

    @property
    def recipient(self) -> str:
        return str(self.message["To"])

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def date(self) -> datetime:
        date: datetime = self.message["Date"].datetime
        return date

    @property
    def text(self) -> str:
        """What it says, without HTML."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def mails(where: Path, recipient: str = "", limit: int | None = None) -> list[Caught]:
    """The mails of a folder to this address, or to everybody, oldest first; at most the `limit` newest."""
    found: list[Caught] = []
    for path in sorted(where.glob("*.eml"), reverse=True):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            # The catcher made room meanwhile.
            continue
        # Reading all of each would take long where there are many.
        if recipient.encode() not in content:
            continue
        caught = Caught(path, BytesParser(EmailMessage, policy=policy.default).parsebytes(content))
        if recipient and caught.recipient.lower() != recipient.lower():
            continue
        found.append(caught)
        if len(found) == limit:
            break
    return found[::-1]
