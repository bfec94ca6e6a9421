"""One-time codes (TOTP, RFC 6238), recovery codes and challenges: made, compared, and throttled."""

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import cache

import pyotp

from shared.config import Settings
from shared.context import Services
from shared.errors import RateLimited
from subgraphs.users import rules
from subgraphs.users.loaders import Loaders
from subgraphs.users.secrets_at_rest import cipher

_DIGITS = 6
# 160 bits, as RFC 4226 recommends for HMAC-SHA-1.
_SECRET_CHARACTERS = 32
# Crockford's base32 without what is taken for one another; 20 of them are 100 bits, too many to guess from a hash.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RECOVERY_GROUPS, _RECOVERY_GROUP = 4, 5
_TYPED_FOR = str.maketrans("oil", "011", "- ")
_LONGEST_CODE = 64


def new_secret() -> str:
    """A secret for one-time codes, in base32."""
    return pyotp.random_base32(_SECRET_CHARACTERS)


def provisioning_uri(settings: Settings, secret: str, account: str) -> str:
    """The `otpauth://` address that authenticator apps take, as text or as a QR code."""
    return pyotp.TOTP(secret, digits=_DIGITS, interval=rules.second_factor.STEP_SECONDS).provisioning_uri(
        name=account, issuer_name=settings.totp_issuer
    )


def encrypt_secret(settings: Settings, user_id: str, secret: str) -> bytes:
    """The secret as it is stored."""
    return cipher(settings).encrypt(secret, purpose=f"totp:{user_id}")


def decrypt_secret(settings: Settings, user_id: str, stored: bytes) -> str:
    """The secret of a stored one. Raises CannotDecrypt."""
    return cipher(settings).decrypt(stored, purpose=f"totp:{user_id}")


def is_one_time_code(code: str) -> bool:
    """Whether it is six digits; anything else is taken for a recovery code."""
    typed = _typed(code)
    return len(typed) == _DIGITS and typed.isascii() and typed.isdigit()


def matching_step(secret: str | None, code: str, now: datetime, last_step: int | None) -> int | None:
    """The time step that the code is of, None if none of those that pass now; without a secret the same work."""
    typed = _typed(code)
    if not is_one_time_code(code):
        return None
    totp = pyotp.TOTP(secret or _no_secret(), digits=_DIGITS, interval=rules.second_factor.STEP_SECONDS)
    found = None
    for step in rules.second_factor.acceptable_steps(now, last_step):
        if hmac.compare_digest(totp.generate_otp(step), typed):
            found = step
    return found if secret is not None else None


def new_recovery_codes() -> list[str]:
    """Codes as people write them down: `7kq2m-…`, four groups of five."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_GROUP)) for _ in range(_RECOVERY_GROUPS))
        for _ in range(rules.second_factor.RECOVERY_CODES)
    ]


def hash_recovery_code(code: str) -> bytes:
    """What is stored of a recovery code, however it is typed; it is random enough to need no salt."""
    return _sha256(_typed(code).lower().translate(_TYPED_FOR))


def new_challenge() -> str:
    """An opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_challenge(challenge: str) -> bytes:
    """What is stored of a challenge."""
    return _sha256(challenge)


def digest_password_hash(password_hash: str | None) -> bytes:
    """What a challenge remembers of the password that was checked."""
    return _sha256(password_hash or "")


@asynccontextmanager
async def attempt(services: Services[Loaders], address: str, account: str, code: str | None) -> AsyncIterator[None]:
    """An attempt at a code for an account, counted before it is made and forgotten when it succeeds.

    Who gives no code tries nothing.

    Limits are those of `logIn`, per account and address and per address, so that nobody shuts the owner out
    who is elsewhere. Beyond a number of wrong one-time codes from everywhere the account takes recovery
    codes only, which cannot be guessed. Raises RateLimited.
    """
    if code is None:
        yield
        return
    settings, limiter = services.settings, services.limiter
    guessable = is_one_time_code(code)
    account_and_address = f"{account} {address}"
    await limiter.check("logIn address", address, settings.log_in_failures_per_address)
    if guessable:
        await limiter.check("one-time codes", account, settings.wrong_one_time_codes_per_account)
    await limiter.hit("second factor", account_and_address, settings.log_in_failures_per_account)
    try:
        yield
    except rules.second_factor.InvalidSecondFactor:
        with suppress(RateLimited):
            await limiter.hit("logIn address", address, settings.log_in_failures_per_address)
        if guessable:
            with suppress(RateLimited):
                await limiter.hit("one-time codes", account, settings.wrong_one_time_codes_per_account)
        raise
    await limiter.clear("second factor", account_and_address, settings.log_in_failures_per_account)


def _typed(code: str) -> str:
    return "".join(code[:_LONGEST_CODE].split())


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@cache
def _no_secret() -> str:
    return new_secret()
