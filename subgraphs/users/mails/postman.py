"""Sending the mails that wait, by all replicas together."""

from datetime import datetime, timedelta

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter

from shared import clock
from shared.context import Services
from shared.deadlines.due import DueWorker
from shared.identity.cipher import CannotDecrypt
from shared.locale import Locale
from shared.mail import Mailer, NotSent, retry_seconds
from shared.telemetry import span
from subgraphs.users import actions, models, store
from subgraphs.users.loaders import Loaders
from subgraphs.users.mails import texts
from subgraphs.users.rules.mails import Failure, is_late, judge_failure
from subgraphs.users.secrets_at_rest import cipher

log = structlog.get_logger(__name__)

MAILS = Counter(
    "exchange_mails_total",
    "Mails by template and outcome: sent, retried, refused, late, unreadable, no_account.",
    ("template", "outcome"),
)

# Longer than a mail can take to be sent (60 s for each of five answers): then another process sends it again.
LEASE = timedelta(minutes=6)


class Postman(DueWorker):
    """Claims mails that are due, sends each while nothing is held, and deletes it or puts it off.

    A mail is sent at least once: by another process once more, with the same Message-ID, if this one dies
    between the server's answer and the deletion. At its end a process leaves what it does not finish in time to
    whoever finds the leases over.
    """

    name = "postman"

    def __init__(self, services: Services[Loaders]) -> None:
        super().__init__(services.database)
        self._settings = services.settings
        self._mailer = Mailer(services.settings)
        self._failing = False

    async def next_due(self) -> datetime | None:
        return await store.mails.next_due(self._database)

    async def handle_one(self) -> bool:
        """Takes the mail that has been due longest; answers whether there was one. Raises ServiceUnavailable."""
        with suppress_instrumentation():
            async with self._database.transaction() as session:
                mail = await actions.mails.claim(session, LEASE)
        if mail is None:
            return False
        with span("mail"):
            await self._handle(mail)
        return True

    async def _handle(self, mail: models.Mail) -> None:
        if is_late(mail.template, mail.created_at, clock.now()):
            await self._finish(mail, "late")
            return
        try:
            async with self._database.transaction() as session:
                content = await actions.mails.address(session, cipher(self._settings), mail)
        except CannotDecrypt:
            await self._finish(mail, "unreadable")
            return
        if content is None:
            MAILS.labels(mail.template, "no_account").inc()
            return
        letter = texts.letter(
            mail.template,
            Locale(content.locale),
            web_app_url=self._settings.web_app_url,
            code=content.code,
            happened_at=mail.created_at,
            facts=content.facts,
        )
        try:
            await self._mailer.send(letter, id=mail.id, recipient=content.recipient)
        except NotSent as failure:
            await self._failed(mail, failure)
        else:
            self._failing = False
            await self._finish(mail, "sent")

    async def _failed(self, mail: models.Mail, failure: NotSent) -> None:
        next_try = clock.now() + timedelta(seconds=retry_seconds(mail.attempts))
        match judge_failure(mail.template, mail.created_at, passing=failure.passing, next_try=next_try):
            case Failure.REFUSED:
                await self._finish(mail, "refused", failure)
            case Failure.LATE:
                await self._finish(mail, "late", failure)
            case Failure.RETRY:
                MAILS.labels(mail.template, "retried").inc()
                if not self._failing:
                    # Once for an outage, not for each mail that meets it.
                    log.warning("mails_put_off", step=failure.step, code=failure.code)
                self._failing = True
                async with self._database.transaction() as session:
                    await store.mails.put_off_mail(session, mail, next_try)

    async def _finish(self, mail: models.Mail, outcome: str, failure: NotSent | None = None) -> None:
        """Deletes the mail, and with it all that was written of it."""
        async with self._database.transaction() as session:
            await store.mails.delete_mail(session, mail.id)
        MAILS.labels(mail.template, outcome).inc()
        if outcome != "sent":
            # Without address and content, and without the server's words, which quote both.
            log.error(
                "letter_given_up", id=mail.id, user_id=mail.user_id, template=mail.template, reason=outcome,
                attempts=mail.attempts, step=failure.step if failure else None, code=failure.code if failure else None,
            )  # fmt: skip
