"""Keys as JSON Web Keys: Ed25519 to sign access tokens (RFC 8037), 256 random bits to encrypt (RFC 7518, 6.4)."""

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
        "kid": _new_kid(),
        "x": _base64url(key.public_key().public_bytes_raw()),
        "d": _base64url(key.private_bytes_raw()),
    }


def encryption_key() -> dict[str, str]:
    """A new key for AES-256-GCM."""
    return {"kty": "oct", "alg": "A256GCM", "use": "enc", "kid": _new_kid(), "k": _base64url(secrets.token_bytes(32))}


def public_key(key: dict[str, str]) -> dict[str, str]:
    """The public half of a private key."""
    return {name: value for name, value in key.items() if name != "d"}


def _new_kid() -> str:
    return f"{time.strftime('%Y%m%d', time.gmtime())}-{secrets.token_hex(4)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
