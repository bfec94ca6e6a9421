"""Mail as rows that wait to be sent, written in the transaction of what causes them."""

import json
from dataclasses import asdict, dataclass, fields
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.cipher import Cipher
from shared.ids import new_id
from subgraphs.users import models, store
from subgraphs.users.actions import mailed_codes
from subgraphs.users.rules.accounts import Status
from subgraphs.users.rules.mailed_codes import Purpose
from subgraphs.users.rules.mails import Template
from subgraphs.users.rules.profile import Locale
from subgraphs.users.secrets_at_rest import mail_purpose


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail is written from; stored encrypted, since it holds an address and may hold a code."""

    recipient: str
    code: str = ""
    locale: str = Locale.EN

    def encrypt(self, cipher: Cipher, mail_id: str) -> bytes:
        return cipher.encrypt(json.dumps(asdict(self)), purpose=mail_purpose(mail_id))

    @classmethod
    def decrypt(cls, cipher: Cipher, mail: models.Mail) -> "Content":
        """Raises CannotDecrypt."""
        known = {field.name for field in fields(cls)}
        values = json.loads(cipher.decrypt(mail.content, purpose=mail_purpose(mail.id)))
        return cls(**{name: value for name, value in values.items() if name in known})


async def queue(
    session: AsyncSession, cipher: Cipher, user: models.User, template: Template, *, code: str = ""
) -> None:
    """A mail to the address of an account, in place of those of the same kind that still wait.

    None without an address. Hold the lock of the account's row.
    """
    if user.email is None or user.status is Status.ERASED:
        return
    await store.mails.delete_waiting(session, user.id, template)
    await _add(session, cipher, template, Content(user.email, code, user.locale), user.id)


async def queue_reset(session: AsyncSession, cipher: Cipher, email: str) -> None:
    """A mail to reset the password of whichever account has this address, if any; `address` finds out later."""
    await _add(session, cipher, Template.RESET_PASSWORD, Content(email), None)


async def claim(session: AsyncSession, lease: timedelta) -> models.Mail | None:
    """The mail that has been due longest, for this process alone until the lease ends."""
    now = clock.now()
    return await store.mails.claim_mail(session, now, now + lease)


async def address(session: AsyncSession, cipher: Cipher, mail: models.Mail) -> Content | None:
    """What a claimed mail is written from. None, and the mail deleted, where nobody has the address.

    One that somebody asked for by naming an address gets its account and a code here, which are stored with
    it: tried again, it is the same mail. Raises CannotDecrypt.
    """
    content = Content.decrypt(cipher, mail)
    if mail.user_id is not None:
        return content
    user = await store.accounts.lock_user_by_email(session, content.recipient)
    if user is None or user.email is None or user.status is Status.ERASED:
        await store.mails.delete_mail(session, mail.id)
        return None
    code = await mailed_codes.issue(session, user.id, Purpose.RESET_PASSWORD)
    # The address as the account has it, never as the stranger wrote it.
    addressed = Content(user.email, code, user.locale)
    if not await store.mails.address_mail(session, mail, user.id, addressed.encrypt(cipher, mail.id)):
        return None
    return addressed


async def _add(
    session: AsyncSession, cipher: Cipher, template: Template, content: Content, user_id: str | None
) -> None:
    now, mail_id = clock.now(), new_id("mail")
    await store.mails.add_mail(
        session,
        models.Mail(
            id=mail_id,
            user_id=user_id,
            template=template,
            content=content.encrypt(cipher, mail_id),
            created_at=now,
            due_at=now,
            attempts=0,
        ),
    )
