"""The postman: mails are sent at least once, tried again, given up, and shared by replicas."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from statistics import median

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from shared import clock
from shared.identity.cipher import CannotDecrypt
from shared.locale import Locale
from subgraphs.users import actions
from subgraphs.users.mails import postman, texts
from subgraphs.users.mails.postman import LEASE, MAILS
from subgraphs.users.rules.mails import WITH_CODE, Failure, Template, is_late, judge_failure
from subgraphs.users.secrets_at_rest import cipher
from tests.users.conftest import Serve, Users, new_email
from tests.users.post import Post


class Stubborn:
    """A mail server that answers what it is told to, and counts."""

    def __init__(self, recipient: str = "250 OK", content: str = "250 OK") -> None:
        self.recipient = recipient
        self.content = content
        self.message_ids: list[str] = []
        self.asked = 0

    async def handle_RCPT(  # noqa: N802  # its name there
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        text = (envelope.content or b"").decode() if isinstance(envelope.content, bytes) else ""
        self.message_ids.append(text.split("Message-ID: ")[1].split()[0])
        return self.content


@asynccontextmanager
async def stubborn(answers: Stubborn) -> AsyncIterator[dict[str, object]]:
    """A server with these answers; gives the settings that lead to it."""
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(answers, hostname="localhost"), "127.0.0.1", 0)
    try:
        yield {"smtp_address": f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "smtp_tls": "none"}
    finally:
        server.close()


def outcomes(outcome: str) -> float:
    return MAILS.labels("VERIFY_EMAIL", outcome)._value.get()


async def due_now(users: Users) -> None:
    await users.rows("UPDATE mails SET due_at = now() - interval '1 second' RETURNING id")


@pytest.mark.parametrize("answers", [{"recipient": "550 5.1.1 no such user"}, {"content": "554 5.7.1 spam"}])
async def test_what_a_server_refuses_for_good_is_given_up_at_once(
    serve_users: Serve, monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]
) -> None:
    told: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(postman.log, "error", lambda event, **values: told.append((event, values)))
    server, email, before = Stubborn(**answers), new_email(), outcomes("refused")
    async with stubborn(server) as settings, serve_users(**settings) as users:
        await users.sign_up(email=email)
        await users.until_no_mail_waits()
    assert server.asked == 1
    assert outcomes("refused") == before + 1
    ((event, values),) = told
    assert event == "letter_given_up"
    assert values["reason"] == "refused"
    assert email not in str(values)
    assert not any(answer[10:] in str(values) for answer in answers.values())


@pytest.mark.parametrize("answers", [{"recipient": "451 4.7.1 greylisted"}, {"content": "452 4.3.1 full"}])
async def test_what_a_server_puts_off_is_tried_again_with_the_same_id(
    serve_users: Serve, answers: dict[str, str]
) -> None:
    server = Stubborn(**answers)
    async with stubborn(server) as settings, serve_users(**settings) as users:
        await users.sign_up()
        await users.until_rows("SELECT attempts, due_at < now() + interval '20 seconds' FROM mails", [(1, True)])
        ((mail_id,),) = await users.rows("SELECT id FROM mails")
        server.recipient = server.content = "250 OK"
        await due_now(users)
        await users.until_no_mail_waits()
    assert set(server.message_ids) == {f"<{mail_id}@service-exchange.invalid>"}
    assert server.asked == 2


@pytest.mark.timing
async def test_a_mail_leaves_at_once(mailing_users: Users, post: Post) -> None:
    waited = []
    for _ in range(9):
        email = new_email()
        await mailing_users.sign_up(email=email)
        started = time.monotonic()
        await post.mail(email)
        waited.append(time.monotonic() - started)
    # Looking for mails once a second, a process would take nearly one for each.
    assert median(waited) < 0.3


async def test_without_a_server_mail_waits_until_it_is_late(users: Users) -> None:
    await users.sign_up()
    await users.until_rows("SELECT attempts > 0 FROM mails", [(True,)])
    before = outcomes("late")

    with clock.offset(timedelta(hours=24, seconds=1)):
        await users.until_no_mail_waits()
    assert outcomes("late") == before + 1


async def test_a_mail_of_a_dead_process_is_sent_when_its_lease_is_over(serve_users: Serve, post: Post) -> None:
    email = new_email()
    # Over before the lease is: this one's mail server does not answer, and it would put the mail off.
    async with serve_users() as users:
        await users.sign_up(email=email)
        # Claimed by somebody who never comes back.
        await users.rows("UPDATE mails SET due_at = now() + interval '6 minutes', attempts = attempts + 1 RETURNING id")
    async with serve_users(**post.settings):
        with clock.offset(LEASE + timedelta(seconds=1)):
            await post.mail(email)


async def test_replicas_share_the_work_and_send_each_mail_once(serve_users: Serve, post: Post) -> None:
    emails = [new_email() for _ in range(12)]
    async with serve_users(**post.settings) as users, serve_users(**post.settings), serve_users(**post.settings):
        await asyncio.gather(*(users.sign_up(email=email) for email in emails))
        await users.until_no_mail_waits()
    assert sorted(mail.recipient for mail in post.mails() if mail.recipient in emails) == sorted(emails)


async def test_of_claims_at_once_each_gets_another_mail(users: Users) -> None:
    for _ in range(3):
        await users.sign_up()
    database = users.services.database
    await users.rows("UPDATE mails SET due_at = now() + interval '1 hour' RETURNING id")

    async def claim() -> str | None:
        async with database.transaction() as session:
            mail = await actions.mails.claim(session, LEASE)
            return mail.id if mail else None

    with clock.offset(timedelta(hours=2)):
        claimed = [mail for mail in await asyncio.gather(*(claim() for _ in range(6))) if mail]
    assert len(set(claimed)) == len(claimed)


async def test_a_mail_is_readable_as_itself_only(users: Users) -> None:
    await users.sign_up()
    await users.sign_up()
    first, second = await users.rows("SELECT id, content FROM mails ORDER BY id")
    keys = cipher(users.services.settings)
    assert "@example.com" in keys.decrypt(first[1], purpose=f"mail:{first[0]}")
    with pytest.raises(CannotDecrypt):
        keys.decrypt(first[1], purpose=f"mail:{second[0]}")


NOW = clock.now()
HALF_AN_HOUR = timedelta(minutes=30)


def test_a_mail_is_late_when_its_code_is_dead() -> None:
    assert not is_late(Template.RESET_PASSWORD, NOW, NOW + HALF_AN_HOUR - timedelta(seconds=1))
    assert is_late(Template.RESET_PASSWORD, NOW, NOW + HALF_AN_HOUR)
    assert not is_late(Template.PASSWORD_CHANGED, NOW, NOW + timedelta(hours=23))
    assert is_late(Template.PASSWORD_CHANGED, NOW, NOW + timedelta(days=1))


def test_what_follows_from_a_failure() -> None:
    def judged(passing: bool, after: timedelta) -> Failure:
        return judge_failure(Template.RESET_PASSWORD, NOW, passing=passing, next_try=NOW + after)

    assert judged(True, timedelta(minutes=1)) is Failure.RETRY
    assert judged(True, HALF_AN_HOUR) is Failure.LATE
    assert judged(False, timedelta(minutes=1)) is Failure.REFUSED


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("template", Template)
def test_every_mail_exists_in_every_language(template: Template, locale: Locale) -> None:
    counted = dict.fromkeys(("left", "factors", "identities", "documents", "phones"), "9")
    facts = {**counted, "provider": "Acme {when}"}
    letter = texts.letter(
        template, locale, web_app_url="https://app.example.com/", code="abc", happened_at=NOW, facts=facts
    )

    assert letter.language == locale.lower()
    without = (Template.ACCOUNT_SUSPENDED, Template.ACCOUNT_ERASED)
    assert (letter.action is None) is (template in without)
    assert ("https://app.example.com/" in letter.text()) is (template not in without)
    assert ("#token=abc" in letter.html()) is (template not in without)
    # What a fact says is never taken for another.
    assert "{" not in letter.text().replace("Acme {when}", "")
    assert ("Acme {when}" in letter.text()) is template.startswith("IDENTITY_")
    thai = any("\u0e00" <= character <= "\u0e7f" for character in letter.subject + letter.text())
    assert thai is (locale is Locale.TH)
    assert (f"{NOW:%Y-%m-%d %H:%M} UTC" in letter.text()) is (template not in WITH_CODE)
