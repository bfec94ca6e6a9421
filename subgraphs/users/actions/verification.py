"""Checking who somebody is, by a document that they tell the number of."""

import json
from dataclasses import astuple, dataclass
from datetime import date, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.errors import DomainError, InvalidTransition, NotAllowed, NotFound, VersionConflict, collected
from shared.identity.actor import Actor
from shared.identity.cipher import CannotDecrypt, Cipher
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.transitions import next_status
from subgraphs.users import models, rules, store
from subgraphs.users.actions import administration
from subgraphs.users.rules.verification import TRANSITIONS, Command, DocumentType, RejectionReason, Status

log = structlog.get_logger(__name__)

EXPIRY = "identity_expiry"
NUMBER_PURPOSE = "identity-number"
NAME_PURPOSE = "identity-name"
_PRINT_PURPOSE = "identity-document"
_GIVEN_PURPOSE = "identity-input"


@dataclass(frozen=True, slots=True)
class Document:
    """A document as somebody tells of it."""

    type: DocumentType
    number: str
    country: str | None
    full_name: str | None
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Revealed:
    """What is stored encrypted of a document."""

    number: str
    full_name: str | None


def fingerprint(cipher: Cipher, type: DocumentType, number: str) -> bytes:
    """What two submissions of one document share, whatever else they tell of it."""
    return cipher.fingerprint(f"{type}:{number}", purpose=_PRINT_PURPOSE)


def without_secrets(cipher: Cipher, document: Document) -> str:
    """What tells two submissions apart, in a form whose fast hash may be kept: no number, no name."""
    given = json.dumps(astuple(document), default=str)
    return cipher.fingerprint(given, purpose=_GIVEN_PURPOSE).hex()


async def submit(
    session: AsyncSession, actor: Actor, cipher: Cipher, document: Document
) -> models.IdentityVerification:
    """Puts a document into the queue of the admins. Locks the user's row.

    Raises NotFound, InvalidTransition, InvalidInput.
    """
    user = await store.accounts.lock_user(session, actor.id)
    if user is None:
        raise NotFound("There is no such account.")
    now = clock.now()
    live = await store.verification.lock_live_checks(session, user.id)
    rules.verification.check_may_submit([(each.status, each.expires_at) for each in live], now)
    document = _clean(document, now)
    name = document.full_name
    check = models.IdentityVerification(
        id=new_id("verification"),
        user_id=user.id,
        document_type=document.type,
        country=document.country,
        number=cipher.encrypt(document.number, purpose=f"{NUMBER_PURPOSE}:{user.id}"),
        last_four=rules.verification.last_four(document.number),
        fingerprint=fingerprint(cipher, document.type, document.number),
        full_name=None if name is None else cipher.encrypt(name, purpose=f"{NAME_PURPOSE}:{user.id}"),
        document_expires_on=document.expires_on,
        status=Status.PENDING,
        rejection_reason=None,
        rejection_note=None,
        submitted_at=now,
        decided_at=None,
        decided_by=None,
        expires_at=None,
        version=1,
    )
    session.add(check)
    await session.flush()
    await emit(
        session,
        events.UserVerificationSubmitted(user_id=user.id, verification_id=check.id, document_type=check.document_type),
    )
    return check


async def approve(
    session: AsyncSession, actor: Actor, check_id: str, expected_version: int
) -> models.IdentityVerification:
    """Takes a document as proof; it holds for two years at most, in place of an earlier one.

    Raises NotFound, NotAllowed, Forbidden, VersionConflict, InvalidTransition.
    """
    user, check = await _lock(session, actor, check_id)
    if _is_decided(check, actor, Status.APPROVED):
        return check
    _check_version(check, expected_version)
    now = clock.now()
    status = next_status(TRANSITIONS, check.status, Command.APPROVE)
    try:
        rules.verification.check_document_lives(check.document_expires_on, now)
    except DomainError as error:
        raise InvalidTransition(f"{error.message} Reject it for that reason.") from None
    for earlier in await store.verification.lock_live_checks(session, user.id):
        if earlier.status is Status.APPROVED:
            earlier.status = next_status(TRANSITIONS, earlier.status, Command.REPLACE)
            earlier.version += 1
            await deadlines.cancel(session, EXPIRY, earlier.id)
    # Before the other is approved: there is one at a time.
    await session.flush()
    _decide(check, actor, status, now)
    check.expires_at = rules.verification.ends_at(now, check.document_expires_on)
    user.identity_verified_at, user.identity_verified_until = now, check.expires_at
    _count(user)
    await deadlines.schedule(session, EXPIRY, check.id, check.expires_at)
    await emit(
        session,
        events.UserVerified(user_id=user.id, verification_id=check.id, expires_at=check.expires_at, by=actor.id),
    )
    return check


async def reject(
    session: AsyncSession,
    actor: Actor,
    check_id: str,
    expected_version: int,
    reason: RejectionReason,
    note: str | None,
) -> models.IdentityVerification:
    """Does not take a document, for a reason that its owner is told; they may submit again.

    Raises NotFound, NotAllowed, Forbidden, VersionConflict, InvalidTransition, InvalidInput.
    """
    user, check = await _lock(session, actor, check_id)
    if _is_decided(check, actor, Status.REJECTED):
        return check
    _check_version(check, expected_version)
    status = next_status(TRANSITIONS, check.status, Command.REJECT)
    note = rules.verification.clean_note(note) if note is not None else None
    _decide(check, actor, status, clock.now())
    check.rejection_reason, check.rejection_note = reason, note
    await emit(
        session,
        events.UserVerificationRejected(user_id=user.id, verification_id=check.id, reason=reason, by=actor.id),
    )
    return check


async def reveal(session: AsyncSession, actor: Actor, cipher: Cipher, check_id: str) -> Revealed:
    """Number and name of a document, for an admin who compares them; that they saw it goes on record.

    Hand it out after the commit. Raises NotFound, NotAllowed, Forbidden.
    """
    check = await _find(session, actor, check_id)
    await administration.lock_other(session, actor, check.user_id)
    await emit(session, events.UserDocumentRevealed(user_id=check.user_id, verification_id=check.id, by=actor.id))
    name = check.full_name
    return Revealed(
        number=cipher.decrypt(check.number, purpose=f"{NUMBER_PURPOSE}:{check.user_id}"),
        full_name=None if name is None else cipher.decrypt(name, purpose=f"{NAME_PURPOSE}:{check.user_id}"),
    )


async def expire(session: AsyncSession, check_id: str) -> None:
    """The deadline of an approval: ends it if it still holds and its time has come."""
    found = await store.verification.get_check(session, check_id)
    if found is None:
        return
    user = await store.accounts.lock_user(session, found.user_id)
    check = await store.verification.lock_check(session, check_id)
    if user is None or check is None or check.status is not Status.APPROVED or check.expires_at is None:
        return
    if check.expires_at > clock.now():
        await deadlines.schedule(session, EXPIRY, check_id, check.expires_at)
        return
    check.status = next_status(TRANSITIONS, check.status, Command.EXPIRE)
    check.version += 1
    user.identity_verified_at = user.identity_verified_until = None
    _count(user)
    await emit(session, events.UserVerificationExpired(user_id=user.id, verification_id=check.id))


async def print_anew(session: AsyncSession, cipher: Cipher, after: str, limit: int) -> str:
    """Makes up to `limit` fingerprints of an older key anew, behind the id `after`; answers the last id, "" at the end.

    Until then the same document under two keys is not seen to be the same.
    """
    checks = await store.verification.lock_checks_printed_before(session, cipher.current_prefix, after, limit)
    for check in checks:
        try:
            number = cipher.decrypt(check.number, purpose=f"{NUMBER_PURPOSE}:{check.user_id}")
        except CannotDecrypt as error:
            log.error("cannot_decrypt", table="identity_verifications", key=check.id, reason=str(error))
            continue
        check.fingerprint = fingerprint(cipher, check.document_type, number)
    return checks[-1].id if len(checks) == limit else ""


def _clean(document: Document, now: datetime) -> Document:
    """The document in the form in which it is stored. Raises InvalidInput."""
    name = document.full_name
    with collected() as check:
        country = check(rules.verification.check_country, document.country)
        cleaned = Document(
            type=document.type,
            # Where the country is none, the number is judged as one of any country.
            number=check(rules.verification.normalise_number, document.type, country, document.number),
            country=country,
            full_name=check(rules.verification.clean_full_name, name) if name is not None else None,
            expires_on=document.expires_on,
        )
        check(rules.verification.check_document_lives, document.expires_on, now)
    return cleaned


async def _lock(session: AsyncSession, actor: Actor, check_id: str) -> tuple[models.User, models.IdentityVerification]:
    """A check with its user, both locked in the opposite order, for an admin who is somebody else."""
    found = await _find(session, actor, check_id)
    user = await administration.lock_other(session, actor, found.user_id)
    check = await store.verification.lock_check(session, check_id)
    if check is None:
        raise _not_found()
    return user, check


def _is_decided(check: models.IdentityVerification, actor: Actor, status: Status) -> bool:
    """Whether the same admin decided so before: then it is sent again, and stays as it is."""
    return check.status is status and check.decided_by == actor.id


def _check_version(check: models.IdentityVerification, expected_version: int) -> None:
    if check.version != expected_version:
        raise VersionConflict("It changed meanwhile; look at it again.", current=check)


async def _find(session: AsyncSession, actor: Actor, check_id: str) -> models.IdentityVerification:
    found = await store.verification.get_check(session, check_id)
    if found is None:
        raise _not_found()
    if found.user_id == actor.id:
        raise NotAllowed("Another admin has to look at your own document.", field=("verificationId",))
    return found


def _not_found() -> NotFound:
    return NotFound("There is no such verification.", field=("verificationId",))


def _decide(check: models.IdentityVerification, actor: Actor, status: Status, now: datetime) -> None:
    check.status = status
    check.decided_at, check.decided_by = now, actor.id
    check.version += 1


def _count(user: models.User) -> None:
    user.version += 1
    user.updated_at = clock.now()
