"""Codes that go out by mail: made, and taken once."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.database.db import Database
from subgraphs.users import models, rules, store
from subgraphs.users.rules.mailed_codes import LIFETIMES, Purpose


async def issue(session: AsyncSession, user_id: str, purpose: Purpose) -> str:
    """A new code of 256 random bits; the account's earlier one of this purpose counts no more."""
    code, now = secrets.token_urlsafe(32), clock.now()
    row = models.MailedCode(
        code_hash=hash_code(code),
        user_id=user_id,
        purpose=purpose,
        created_at=now,
        expires_at=now + LIFETIMES[purpose],
    )
    await store.mailed_codes.put_code(session, row)
    return code


async def find_owner(database: Database, code: str, purpose: Purpose) -> str | None:
    """Whose code this is, None for one that does not hold; it can still be used up by somebody else."""
    return await store.mailed_codes.find_owner(database, hash_code(code), purpose, clock.now())


async def take(session: AsyncSession, user_id: str | None, code: str, purpose: Purpose, now: datetime) -> models.User:
    """Uses the code up; answers its account, locked. Raises InvalidToken, also for an erased account."""
    if user_id is None:
        raise rules.mailed_codes.invalid_token()
    user = await store.accounts.lock_user(session, user_id)
    taken = await store.mailed_codes.take_code(session, user_id, hash_code(code), purpose, now)
    if user is None or not taken or user.status is rules.accounts.Status.ERASED:
        raise rules.mailed_codes.invalid_token()
    return user


def bearer(code: str) -> str:
    """Whom the idempotency keys of a request with this code belong to: nobody is signed in there."""
    return f"code:{hash_code(code).hex()}"


def hash_code(code: str) -> bytes:
    """What is stored of a code; it is random enough to need no salt."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
