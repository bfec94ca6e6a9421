"""Mail as rows that wait to be sent, written in the transaction of what causes them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.identity.cipher import Cipher
from shared.ids import new_id
from shared.locale import Locale
from subgraphs.users import models, rules, store
from subgraphs.users.actions import mailed_codes
from subgraphs.users.rules.accounts import Status
from subgraphs.users.rules.mailed_codes import Purpose
from subgraphs.users.rules.mails import Template
from subgraphs.users.secrets_at_rest import mail_purpose


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail is written from; stored encrypted, since it holds an address and may hold a code.

    `facts` are what the text of the template names, such as how many recovery codes are left.
    """

    recipient: str
    code: str = ""
    locale: str = Locale.EN
    facts: Mapping[str, str] = field(default_factory=dict)

    def encrypt(self, cipher: Cipher, mail_id: str) -> bytes:
        return cipher.encrypt(json.dumps(asdict(self)), purpose=mail_purpose(mail_id))

    @classmethod
    def decrypt(cls, cipher: Cipher, mail: models.Mail) -> "Content":
        """Raises CannotDecrypt."""
        known = {each.name for each in fields(cls)}
        values = json.loads(cipher.decrypt(mail.content, purpose=mail_purpose(mail.id)))
        return cls(**{name: value for name, value in values.items() if name in known})


async def queue(
    session: AsyncSession, cipher: Cipher, user: models.User, template: Template, *, code: str = "", **facts: str
) -> None:
    """A mail to the address of an account; one with a code in place of those of its kind that still wait.

    None without an address. Hold the lock of the account's row.
    """
    if user.email is None or user.status is Status.ERASED:
        return
    if template in rules.mails.WITH_CODE:
        await store.mails.delete_waiting(session, user.id, template)
    await _add(session, cipher, template, Content(user.email, code, user.locale, facts), user.id)


async def queue_farewell(session: AsyncSession, cipher: Cipher, user: models.User) -> None:
    """A mail to somebody who is being erased, before their address is forgotten.

    It belongs to no account, since the erasure deletes what does; it goes once it is sent, or after a day.
    """
    if user.email is not None:
        await _add(session, cipher, Template.ACCOUNT_ERASED, Content(user.email, locale=user.locale), None)


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
    if mail.template is not Template.RESET_PASSWORD or mail.user_id is not None:
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
