"""What is set up for an account before anybody has shown that its e-mail address is theirs.

Who opens an account with somebody else's address and waits for its owner to come (account pre-hijacking, Sudhodanan
and Paverd, 2022) keeps nothing of it once they have come: a code out of their mailbox ends what would outlive a new
password, unless it is the account's own session that brings it.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.identity.cipher import Cipher
from shared.messaging.outbox import emit
from subgraphs.users import models, store
from subgraphs.users.actions import mails
from subgraphs.users.rules.mails import Template
from subgraphs.users.rules.verification import Status
from subgraphs.users.store.ownership import SetUp


async def end_set_up(session: AsyncSession, user: models.User) -> SetUp | None:
    """Ends what was set up for an account whose address nobody has shown to be theirs; None if there was nothing.

    Second factor and recovery codes, logins that wait for one, identities at providers and sign-ins there that are
    to link one, documents, exports and the phone number. `tell` what it was once all locks are taken.
    """
    found = await store.ownership.delete_set_up(session, user)
    return found if found.has_second_factor or found.providers or found.documents or found.has_phone else None


async def tell(session: AsyncSession, cipher: Cipher, user: models.User, ended: SetUp) -> None:
    """Tells the owner of the address by mail, and everybody else what concerns them."""
    if ended.has_second_factor:
        await emit(session, events.UserSecondFactorDisabled(user_id=user.id))
    for provider in ended.providers:
        await emit(session, events.UserIdentityUnlinked(user_id=user.id, provider=provider))
    for document, status in ended.documents:
        if status is Status.APPROVED:
            await emit(session, events.UserVerificationExpired(user_id=user.id, verification_id=document))
    await mails.queue(
        session,
        cipher,
        user,
        Template.SET_UP_ENDED,
        factors=str(int(ended.has_second_factor)),
        identities=str(len(ended.providers)),
        documents=str(len(ended.documents)),
        phones=str(int(ended.has_phone)),
    )
