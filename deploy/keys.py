"""Keys that access tokens are signed with: Ed25519 as JSON Web Keys (RFC 8037)."""

import base64
import secrets
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def signing_key() -> dict[str, str]:
    """A new private key."""
    key = Ed25519PrivateKey.generate()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": f"{time.strftime('%Y%m%d', time.gmtime())}-{secrets.token_hex(4)}",
        "x": _base64url(key.public_key().public_bytes_raw()),
        "d": _base64url(key.private_bytes_raw()),
    }


def public_key(key: dict[str, str]) -> dict[str, str]:
    """The public half of a private key."""
    return {name: value for name, value in key.items() if name != "d"}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
