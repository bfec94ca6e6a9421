"""The cipher of what this subgraph stores encrypted."""

from functools import cache
from pathlib import Path

from shared.cipher import Cipher
from shared.config import Settings


def cipher(settings: Settings) -> Cipher:
    """The cipher of this process. Raises RuntimeError where no keys are configured."""
    if settings.encryption_keys_file is None:
        raise RuntimeError("users needs EXCHANGE_ENCRYPTION_KEYS_FILE")
    return _cipher(settings.encryption_keys_file)


def mail_purpose(mail_id: str) -> str:
    """What the content of a mail that waits is encrypted for."""
    return f"mail:{mail_id}"


@cache
def _cipher(file: Path) -> Cipher:
    return Cipher(file)
