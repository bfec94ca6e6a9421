"""Composing mail and sending it by SMTP."""

import asyncio
from email.headerregistry import Address

import pytest
from pydantic import SecretStr

from shared.config import Settings
from shared.mail import Action, Letter, Mailer, NotSent, compose, retry_seconds

SENDER = Address("Service Exchange", "no-reply", "example.org")
LETTER = Letter(
    "Hello", ("First <b>&</b>", "สวัสดี"), Action("Go", 'https://example.org/?a=1&b="2"'), ("Last",), language="th"
)


def settings(**changes: object) -> Settings:
    needed: dict[str, object] = {
        "database_url": "postgresql+asyncpg://x@127.0.0.1/x",
        "redis_url": "redis://127.0.0.1/0",
        "kafka_bootstrap_servers": "127.0.0.1:9",
        "jwks_file": "none.json",
        "smtp_address": "127.0.0.1:9",
        "smtp_tls": "none",
    }
    return Settings.model_validate(needed | changes)


def test_a_letter_is_text_and_html_with_nothing_taken_for_markup() -> None:
    message = compose(LETTER, id="mail_1", recipient="nina@example.com", sender=SENDER)

    assert message["Message-ID"] == "<mail_1@example.org>"
    assert message["Content-Language"] == "th"
    assert message.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in message.iter_parts())
    assert "First <b>&</b>" in text
    assert "สวัสดี" in text
    assert "First &lt;b&gt;&amp;&lt;/b&gt;" in html
    assert 'href="https://example.org/?a=1&amp;b=&quot;2&quot;"' in html
    assert message.as_bytes().isascii()


@pytest.mark.parametrize(
    "subject", ["Hello\r\nBcc: all@example.com", "Hello\nBcc: all@example.com", "Hello\u2028Bcc: x"]
)
def test_a_subject_cannot_become_another_header(subject: str) -> None:
    message = compose(Letter(subject, ("x",)), id="mail_1", recipient="nina@example.com", sender=SENDER)
    assert message["Bcc"] is None
    assert message["Subject"].startswith("Hello Bcc: ")


@pytest.mark.parametrize(
    "recipient",
    [
        "", "nobody", "nina@example.com, all@example.com", "nina@example.com\r\nBcc: all@example.com",
        "Nina <nina@example.com>", "nina@example.com\0", "@example.com", "ünï@example.com",
    ],
)  # fmt: skip
def test_a_recipient_is_one_address(recipient: str) -> None:
    with pytest.raises(ValueError, match="no single address"):
        compose(LETTER, id="mail_1", recipient=recipient, sender=SENDER)


@pytest.mark.parametrize("id", ["", "a b", "a>\r\nBcc: x", "x" * 101])
def test_an_id_fits_into_a_message_id(id: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        compose(LETTER, id=id, recipient="nina@example.com", sender=SENDER)


@pytest.mark.parametrize(
    "changes",
    [
        {"smtp_address": ""},
        {"smtp_address": "host:port"},
        {"mail_sender": "nobody"},
        {"mail_sender": ""},
        {"smtp_user": "us", "smtp_password": SecretStr("secret"), "smtp_tls": "none"},
    ],
)
def test_settings_that_do_not_fit_together_are_told_at_the_start(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="EXCHANGE_"):
        Mailer(settings(**changes))


async def test_a_server_that_is_away_passes() -> None:
    with pytest.raises(NotSent) as failure:
        await Mailer(settings()).send(LETTER, id="mail_1", recipient="nina@example.com")
    assert failure.value.passing
    assert "nina" not in str(failure.value)


async def test_a_server_that_says_nothing_holds_up_nobody_for_long() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    mailer = Mailer(settings(smtp_address=address, smtp_timeout_seconds=0.2))
    with pytest.raises(NotSent) as failure:
        await asyncio.wait_for(mailer.send(LETTER, id="mail_1", recipient="nina@example.com"), 30)
    server.close()
    assert failure.value.passing


async def test_without_tls_where_it_is_demanded_nothing_is_sent() -> None:
    seen: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            seen.append(line)
            writer.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 OK\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(NotSent) as failure:
        await Mailer(settings(smtp_address=address, smtp_tls="starttls")).send(
            LETTER, id="mail_1", recipient="nina@example.com"
        )
    server.close()
    assert failure.value.passing
    assert not any(b"nina" in line for line in seen)


def test_waits_double_with_jitter_up_to_half_an_hour() -> None:
    for attempts, longest in ((1, 5), (2, 10), (5, 80), (20, 1800), (1000, 1800)):
        waits = [retry_seconds(attempts) for _ in range(200)]
        assert longest / 2 <= min(waits) < max(waits) <= longest
        assert len(set(waits)) > 100
