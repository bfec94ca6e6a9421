"""Values that are stored encrypted: AES-256-GCM (NIST SP 800-38D) with keys that can be rotated.

For what must be read again and must not lie readable in a database or its backups: second-factor secrets,
document numbers, mails that wait. What only has to be compared is hashed instead.
"""

import hashlib
import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from pathlib import Path

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

log = structlog.get_logger(__name__)

_NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """The value was changed, was stored for something else, or its key has gone."""


class Cipher:
    """Encrypts with the first key of a JWKS file (`kty` `oct`, RFC 7517) whose `nbf` has come, decrypts with each.

    The file is read again when it changes. What is encrypted begins with the id of its key, so that values
    of an older key stay readable until they are encrypted anew (`is_current`).
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mtime = -1.0
        self._keys: dict[str, AESGCM] = {}
        self._raw: dict[str, bytes] = {}
        self._begins: dict[str, float] = {}

    def load(self) -> None:
        """Reads the file anew if it changed. Raises OSError or ValueError for one that holds no such keys."""
        mtime = self._file.stat().st_mtime
        if mtime == self._mtime:
            return
        try:
            documents: list[dict[str, str]] = json.loads(self._file.read_bytes())["keys"]
            raw = {each["kid"]: _key(each["k"]) for each in documents}
            keys = {kid: AESGCM(key) for kid, key in raw.items()}
            begins = {each["kid"]: float(each.get("nbf", 0)) for each in documents}
            well_formed = bool(keys) and all(0 < len(kid.encode()) < 256 for kid in keys)
        except (ValueError, LookupError, TypeError, AttributeError, Base64Error):
            well_formed, raw, keys, begins = False, {}, {}, {}
        if not well_formed:
            # Without its cause, which could quote a key.
            raise ValueError(f"{self._file} must hold 256-bit keys with a kid each")
        self._raw, self._keys, self._begins, self._mtime = raw, keys, begins, mtime

    def encrypt(self, plain: str, *, purpose: str) -> bytes:
        """The text encrypted. `purpose` says what it is and whose (`totp:user_…`); decrypting takes the same."""
        self._reload()
        first = self._first
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[first].encrypt(nonce, plain.encode(), purpose.encode())
        return _prefix(first) + nonce + sealed

    def decrypt(self, value: bytes, *, purpose: str) -> str:
        """The text again. Raises CannotDecrypt."""
        self._reload()
        kid, rest = _split(value)
        key = self._keys.get(kid)
        if key is None:
            raise CannotDecrypt(f"no key {kid!r}")
        try:
            return key.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError):
            raise CannotDecrypt("the value does not belong here") from None

    def fingerprint(self, plain: str, *, purpose: str) -> bytes:
        """What equal texts of one purpose share, and nobody can make without the key: HMAC-SHA-256 (RFC 2104).

        It begins like an encrypted value with the id of the key, the one that encrypts now, from which a key of
        its own is derived. Fingerprints of another key are made anew from the text (`current_prefix` finds them).
        """
        self._reload()
        return self._fingerprint(self._first, plain, purpose)

    def is_fingerprint(self, value: bytes, plain: str, *, purpose: str) -> bool:
        """Whether it is the fingerprint of the text by one of the keys. Takes as long for every wrong one."""
        self._reload()
        kid = _split(value)[0]
        return kid in self._raw and hmac.compare_digest(value, self._fingerprint(kid, plain, purpose))

    def is_current(self, value: bytes) -> bool:
        """Whether the value was encrypted with the key that encrypts now."""
        self._reload()
        return _split(value)[0] == self._first

    @property
    def current_prefix(self) -> bytes:
        """What every value begins with that the present key encrypted, for SQL that looks for the others."""
        self._reload()
        return _prefix(self._first)

    @property
    def _first(self) -> str:
        # Before its `nbf` not every process can decrypt what a new key encrypts.
        now = time.time()
        return next((kid for kid, begins in self._begins.items() if begins <= now), next(reversed(self._begins)))

    def _fingerprint(self, kid: str, plain: str, purpose: str) -> bytes:
        key = hmac.digest(self._raw[kid], f"fingerprint\0{purpose}".encode(), hashlib.sha256)
        return _prefix(kid) + hmac.digest(key, plain.encode(), hashlib.sha256)

    def _reload(self) -> None:
        try:
            self.load()
        except (OSError, ValueError) as error:
            if not self._keys:
                raise
            # The keys that are known go on.
            log.error("encryption_keys_unreadable", file=str(self._file), error=str(error))


def _prefix(kid: str) -> bytes:
    name = kid.encode()
    return bytes([len(name)]) + name


def _split(value: bytes) -> tuple[str, bytes]:
    length = value[0] if value else 0
    return value[1 : 1 + length].decode(errors="replace"), value[1 + length :]


def _key(text: str) -> bytes:
    key = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(key) != 32:
        raise ValueError("not 256 bits")
    return key
