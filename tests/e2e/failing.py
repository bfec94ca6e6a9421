"""What fails with something marked at hand: a resolver, a consumer, a mail server; and messages that are none."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.mail_server import Caught
from deploy.local.stack import Stack
from shared.messaging import dead_letters
from tests.e2e.marked import REPORT_USER, REQUEST_RESET, UPDATE_PROFILE, Marked
from tests.e2e.observing import log_lines, operators_settings, refusing_rows
from tests.e2e.people import Person, eventually


async def fail(stack: Stack, people: list[Marked], others: list[Person]) -> None:
    """Has a resolver fail, a consumer, and a message that is none, each with something marked at hand."""
    async with refusing_rows(stack, "users", "reports"):
        for each, other in zip(people, others, strict=True):
            report = {"userId": other.user_id, "reason": "OTHER", "text": each.mark("text of a failed report")}
            answer = await each.answer(REPORT_USER, input=report)
            assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    async with refusing_rows(stack, "notifications", "users"):
        for each in people:
            await each.call(UPDATE_PROFILE, input={"bio": f"I paint. {each.mark('bio of a dead letter')}"})
        await _until_buried(stack, [each.marks["bio of a dead letter"] for each in people])
    producer = AIOKafkaProducer(bootstrap_servers=stack.instance.address("kafka"))
    await producer.start()
    try:
        for each in people:
            text = each.mark("text of a malformed message")
            for body in ({"user_id": each.user_id, "display_name": [text]}, {"user_id": text, text: text}, text):
                headers = {
                    "ce_type": "users.user.registered",
                    "ce_id": str(uuid.uuid4()),
                    "seq": "1",
                    "ce_subject": "x",
                }
                headers |= {"ce_time": text}
                await producer.send_and_wait(
                    "users.user", json.dumps(body)[:-1].encode(), headers=[(k, v.encode()) for k, v in headers.items()]
                )
    finally:
        await producer.stop()
    await _until_buried(stack, [each.marks["text of a malformed message"] for each in people])


async def _until_buried(stack: Stack, texts: list[str]) -> None:
    async def buried() -> bool:
        letters = await dead_letters.list_dead_letters(operators_settings(stack), ["users.user"])
        return all(any(text.encode() in (letter.value or b"") for letter in letters) for text in texts)

    await eventually(buried, 40)


class Refusing:
    """A mail server that takes no mail and quotes it when it says so: first as permanent, then as transient."""

    def __init__(self) -> None:
        self.code = 550
        self.tokens: dict[str, str] = {}

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        assert isinstance(envelope.content, bytes)
        letter = BytesParser(EmailMessage, policy=policy.default).parsebytes(envelope.content)
        [recipient] = envelope.rcpt_tos
        text = Caught(Path(), letter).text
        if found := re.search(r"reset-password#token=([\w-]+)", text):
            self.tokens[recipient] = found[1]
        return f"{self.code} {recipient} shall not have {self.tokens.get(recipient, text[:100])}".replace("\n", " ")


@asynccontextmanager
async def refusing_mail_server(stack: Stack) -> AsyncIterator[Refusing]:
    await stack.stop("mail")
    answers = Refusing()
    port = stack.instance.port("mail")
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(answers), "127.0.0.1", port)
    try:
        yield answers
    finally:
        server.close()
        await stack.start_again("mail")


async def be_written_to(stack: Stack, people: list[Marked], answers: Refusing) -> None:
    """One mail that is refused for good, and one that goes on waiting."""
    for code, what in ((550, "code of a refused mail"), (450, "code of a mail that waits")):
        answers.code, answers.tokens = code, {}
        for each in people:
            await each.call(REQUEST_RESET, input={"email": each.email})
        await eventually(lambda: len(answers.tokens) == len(people), 40)
        for each in people:
            each.mark(what, answers.tokens[each.email])
    given_up = [line for line in log_lines(stack, "users") if line["event"] == "letter_given_up"]
    assert len(given_up) >= len(people)
