"""Access tokens and the keys that sign them; refresh tokens."""

import hashlib
import hmac
import json
import secrets
import time
from base64 import urlsafe_b64encode
from datetime import datetime
from functools import cache
from pathlib import Path

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.config import Settings
from subgraphs.users import models, rules

log = structlog.get_logger(__name__)

Key = dict[str, str | int]

_PRIVATE_MEMBERS = frozenset({"d"})
# Other processes see a new public key within a second; nobody signs with it before. For a key without `nbf`.
_SETTLING_SECONDS = 3
_SALT_BYTES = 32


class SigningKeys:
    """The private keys of a JWKS file, re-read when it changes. The first one whose `nbf` has come signs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mtime = -1.0
        self._documents: list[Key] = []
        self._keys: list[Ed25519PrivateKey] = []

    def load(self) -> None:
        """Reads the file anew if it changed. Raises OSError or ValueError for one that holds no keys."""
        mtime = self._file.stat().st_mtime
        if mtime == self._mtime:
            return
        try:
            documents: list[Key] = json.loads(self._file.read_bytes())["keys"]
            keys = [jwt.PyJWK(document, algorithm="EdDSA").key for document in documents]
            well_formed = all(isinstance(key, Ed25519PrivateKey) for key in keys) and all(
                document["kid"] and float(document.get("nbf", 0)) >= 0 for document in documents
            )
        except (ValueError, LookupError, TypeError, AttributeError, jwt.PyJWTError):
            well_formed, documents, keys = False, [], []
        if not well_formed or not keys:
            # Without its cause, which could quote a private key.
            raise ValueError(f"{self._file} must hold private Ed25519 keys with a kid each")
        self._documents, self._keys, self._mtime = documents, keys, mtime

    def public(self) -> dict[str, list[Key]]:
        """The public part as a JWKS (RFC 7517)."""
        self._reload()
        return {
            "keys": [
                {name: value for name, value in document.items() if name not in _PRIVATE_MEMBERS}
                for document in self._documents
            ]
        }

    def sign(self, claims: dict[str, object]) -> str:
        """A JWT with these claims."""
        self._reload()
        index = next((index for index in range(len(self._keys)) if self._signs(index)), len(self._keys) - 1)
        headers = {"kid": str(self._documents[index]["kid"])}
        return jwt.encode(claims, self._keys[index], algorithm="EdDSA", headers=headers)

    def _signs(self, index: int) -> bool:
        settles = self._mtime + _SETTLING_SECONDS if index == 0 else 0
        return float(self._documents[index].get("nbf", settles)) <= time.time()

    def _reload(self) -> None:
        try:
            self.load()
        except (OSError, ValueError) as error:
            # The keys that are known go on.
            log.error("signing_keys_unreadable", file=str(self._file), error=error)


def signing_keys(settings: Settings) -> SigningKeys:
    """The keys of this process. Raises RuntimeError where none are configured."""
    if settings.signing_keys_file is None:
        raise RuntimeError("users needs EXCHANGE_SIGNING_KEYS_FILE")
    return _signing_keys(settings.signing_keys_file)


@cache
def _signing_keys(file: Path) -> SigningKeys:
    return SigningKeys(file)


def access_token(settings: Settings, user: models.User, session: models.Session) -> str:
    """A token for the session; it expires at the session's `access_expires_at`."""
    roles = rules.accounts.parse_roles(user.roles)
    return signing_keys(settings).sign(
        {
            "iss": settings.token_issuer,
            "aud": settings.token_audience,
            "sub": user.id,
            "sid": session.id,
            "roles": [str(role) for role in roles],
            "scope": rules.accounts.scopes_of(roles),
            "iat": int((session.access_expires_at - rules.sessions.ACCESS_TOKEN_LIFETIME).timestamp()),
            "exp": int(session.access_expires_at.timestamp()),
        }
    )


def new_refresh_token() -> str:
    """An opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_refresh_token(token: str) -> bytes:
    """What is stored of a token; it is random enough to need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_salt() -> bytes:
    """Half of what makes a successor; the other half is the token that it follows."""
    return secrets.token_bytes(_SALT_BYTES)


def successor(token: str, salt: bytes) -> str:
    """The token that follows `token`: the same one each time, and from neither half alone."""
    digest = hmac.digest(salt, token.encode("utf-8", "surrogatepass"), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def refresh_row(token: str, session_id: str, now: datetime) -> models.RefreshToken:
    """The row of a token that is issued now."""
    return models.RefreshToken(
        token_hash=hash_refresh_token(token),
        session_id=session_id,
        issued_at=now,
        expires_at=now + rules.sessions.REFRESH_TOKEN_LIFETIME,
        replaced_at=None,
        successor_salt=None,
    )
