"""Mail to people: what one says (`Letter`), how it is put together, and sending it by SMTP.

Whoever sends keeps a row for each mail until `Mailer.send` has returned, and sends it again after a passing
`NotSent`: at least once, with the same Message-ID, by which mailboxes know a repetition.
"""

import asyncio
import random
import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape

import aiosmtplib

from shared import clock
from shared.config import Settings
from shared.telemetry import span

_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_FIRST_RETRY_SECONDS = 5
_LONGEST_RETRY_SECONDS = 1_800
# All of one mail, while each single answer of the server has `smtp_timeout_seconds`.
_ALL_STEPS = 5


@dataclass(frozen=True, slots=True)
class Action:
    """The one thing to do about a letter, shown as a button."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, as plain text; what people wrote may stand in it anywhere but in `action`."""

    subject: str
    paragraphs: tuple[str, ...]
    action: Action | None = None
    after: tuple[str, ...] = ()
    """Paragraphs below the action."""
    language: str = "en"

    def text(self) -> str:
        """The letter for readers without HTML."""
        parts = [*self.paragraphs]
        if self.action is not None:
            parts.append(f"{self.action.label}:\n{self.action.url}")
        return "\n\n".join([*parts, *self.after]) + "\n"

    def html(self) -> str:
        """The letter as a page without anything to load, and with nothing of it taken for markup."""
        parts = [_paragraph(each) for each in self.paragraphs]
        if self.action is not None:
            url, label = escape(self.action.url), escape(self.action.label)
            parts.append(f'<p><a href="{url}" style="{_BUTTON}">{label}</a></p>')
            parts.append(f'<p style="color:#555;font-size:13px;word-break:break-all">{url}</p>')
        parts += [_paragraph(each) for each in self.after]
        return (
            f'<!doctype html><html lang="{escape(self.language)}"><head><meta charset="utf-8">'
            f"<title>{escape(_one_line(self.subject))}</title></head>"
            f'<body style="{_BODY}">{"".join(parts)}</body></html>\n'
        )


_BODY = "font-family:sans-serif;font-size:16px;line-height:1.5;max-width:36em;margin:0 auto;padding:1.5em;color:#111"
_BUTTON = "display:inline-block;padding:.6em 1.2em;border-radius:6px;background:#1a5fb4;color:#fff;text-decoration:none"


class NotSent(Exception):
    """The mail was not taken. `passing`: it may well be later. `code` is the server's answer, 0 without one.

    The message names the step and the kind of error only: a server's words quote addresses.
    """

    def __init__(self, step: str, *, passing: bool, code: int = 0) -> None:
        super().__init__(f"{step} {code}" if code else step)
        self.step = step
        self.passing = passing
        self.code = code


def retry_seconds(attempts: int) -> float:
    """How long to wait after so many attempts that failed: twice as long each time, at most half an hour.

    With jitter, so that what failed together is not tried together.
    """
    longest = min(_FIRST_RETRY_SECONDS * 2.0 ** min(attempts - 1, 30), _LONGEST_RETRY_SECONDS)
    return longest * random.uniform(0.5, 1.0)


def compose(letter: Letter, *, id: str, recipient: str, sender: Address) -> EmailMessage:
    """The message: text and HTML, and headers that hold nothing but what is meant.

    `id` makes the Message-ID; the same mail sent again has the same one. Raises ValueError for a recipient
    that is no single address and for an id that does not fit into a header.
    """
    if not _ID.fullmatch(id):
        raise ValueError("the id does not fit into a Message-ID")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = _address(recipient)
    message["Subject"] = _one_line(letter.subject)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{id}@{sender.domain}>"
    # RFC 3834: no vacation notice answers this.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text(), cte="quoted-printable")
    message.add_alternative(letter.html(), subtype="html", cte="quoted-printable")
    # Last: what there is of Content-… before goes into the first part.
    message["Content-Language"] = _one_line(letter.language)
    return message


class Mailer:
    """Sends mail through the configured SMTP server. Raises ValueError for settings that do not fit together."""

    def __init__(self, settings: Settings) -> None:
        host, _, port = settings.smtp_address.partition(":")
        if not host or (port and not port.isdecimal()):
            raise ValueError("EXCHANGE_SMTP_ADDRESS must be host:port")
        if settings.smtp_user and settings.smtp_tls == "none":
            raise ValueError("EXCHANGE_SMTP_TLS=none would send the password of EXCHANGE_SMTP_USER for all to read")
        self._settings = settings
        self._host = host
        self._port = int(port) if port else _PORTS[settings.smtp_tls]
        self._sender = _sender(settings.mail_sender)

    async def send(self, letter: Letter, *, id: str, recipient: str) -> None:
        """Returns once the server has taken the mail. Raises NotSent, and ValueError as `compose` does.

        Takes as long as the server does: hold no connection and no transaction meanwhile.
        """
        message = compose(letter, id=id, recipient=recipient, sender=self._sender)
        with span("mail send"):
            try:
                async with asyncio.timeout(self._settings.smtp_timeout_seconds * _ALL_STEPS):
                    await self._deliver(message, recipient)
            # Also of TLS: ssl.SSLError is an OSError.
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                raise _not_sent(error) from None

    async def _deliver(self, message: EmailMessage, recipient: str) -> None:
        settings = self._settings
        password = settings.smtp_password
        await aiosmtplib.send(
            message,
            sender=self._sender.addr_spec,
            recipients=[recipient],
            hostname=self._host,
            port=self._port,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            username=settings.smtp_user or None,
            password=password.get_secret_value() if password is not None and settings.smtp_user else None,
            timeout=settings.smtp_timeout_seconds,
            # Otherwise it asks the name service for the machine's name, and waits for it.
            local_hostname=self._sender.domain,
        )


def _not_sent(error: Exception) -> NotSent:
    """A server refuses a mail for good by 5xx to its recipient or content (RFC 5321, 4.2.1).

    5xx to anything before, such as the password or the sender, is about this system: an operator mends it,
    and the mail waits.
    """
    match error:
        case aiosmtplib.SMTPRecipientsRefused() if error.recipients:
            code = error.recipients[0].code
            return NotSent("recipient", passing=code < 500, code=code)
        case aiosmtplib.SMTPRecipientRefused():
            return NotSent("recipient", passing=error.code < 500, code=error.code)
        case aiosmtplib.SMTPDataError():
            return NotSent("content", passing=error.code < 500, code=error.code)
        case aiosmtplib.SMTPResponseException():
            return NotSent(type(error).__name__, passing=True, code=error.code)
    return NotSent(type(error).__name__, passing=True)


def _sender(text: str) -> Address:
    name, address = parseaddr(text)
    try:
        parsed = Address(display_name=_one_line(name), addr_spec=address)
    except (HeaderParseError, ValueError, IndexError):
        parsed = Address()
    if not (parsed.username and parsed.domain and parsed.domain.isascii()):
        raise ValueError("EXCHANGE_MAIL_SENDER must be an address, with or without a name before it")
    return parsed


def _address(text: str) -> Address:
    """Raises ValueError; without its cause, which quotes the address."""
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError):
        address = Address()
    if not (address.username and address.domain) or not (text.isascii() and text.isprintable()):
        raise ValueError("the recipient is no single address")
    return address


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
