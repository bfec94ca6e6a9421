"""The cipher of what this subgraph stores encrypted, and the columns where it is.

After a rotation (a new first key in the file) housekeeping encrypts all of them anew within ten minutes;
then the old key can go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shared.config import Settings
from shared.identity.cipher import CannotDecrypt, Cipher
from shared.privacy.personal_data import Reader
from subgraphs.users import models, store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """An encrypted column; the purpose of a value is `<purpose>:<the row's owner column>`."""

    model: type[models.Base]
    key: str
    owner: str
    column: str
    purpose: str


ENCRYPTED = (
    EncryptedColumn(models.SecondFactor, key="user_id", owner="user_id", column="secret", purpose="totp"),
    EncryptedColumn(models.IdentityVerification, key="id", owner="user_id", column="number", purpose="identity-number"),
    EncryptedColumn(
        models.IdentityVerification, key="id", owner="user_id", column="full_name", purpose="identity-name"
    ),
    EncryptedColumn(models.DataExport, key="id", owner="id", column="private_key", purpose="export"),
    EncryptedColumn(models.Mail, key="id", owner="id", column="content", purpose="mail"),
)
"""Every encrypted column of users."""


def cipher(settings: Settings) -> Cipher:
    """The cipher of this process. Raises RuntimeError where no keys are configured."""
    if settings.encryption_keys_file is None:
        raise RuntimeError("users needs EXCHANGE_ENCRYPTION_KEYS_FILE")
    return _cipher(settings.encryption_keys_file)


def readers(cipher: Cipher) -> Mapping[str, Reader]:
    """What decrypts a value of each encrypted column, by `<table>.<column>`; raises CannotDecrypt."""

    def reader(where: EncryptedColumn) -> Reader:
        return lambda row: cipher.decrypt(row[where.column], purpose=f"{where.purpose}:{row[where.owner]}")

    return {f"{where.model.__tablename__}.{where.column}": reader(where) for where in ENCRYPTED}


def mail_purpose(mail_id: str) -> str:
    """What the content of a mail that waits is encrypted for."""
    return f"mail:{mail_id}"


async def encrypt_anew(session: AsyncSession, cipher: Cipher, where: EncryptedColumn, after: str, limit: int) -> str:
    """Encrypts up to `limit` values behind the key `after` anew; answers the last key, "" at the end."""
    rows = await store.encrypted.lock_outdated(
        session, where.model, where.key, where.owner, where.column, cipher.current_prefix, after, limit
    )
    values = {}
    for key, owner, value in rows:
        purpose = f"{where.purpose}:{owner}"
        try:
            values[key] = cipher.encrypt(cipher.decrypt(value, purpose=purpose), purpose=purpose)
        except CannotDecrypt as error:
            log.error("cannot_decrypt", table=where.model.__tablename__, key=key, reason=str(error))
    await store.encrypted.replace(session, where.model, where.key, where.column, values)
    return rows[-1][0] if len(rows) == limit else ""


@cache
def _cipher(file: Path) -> Cipher:
    return Cipher(file)
