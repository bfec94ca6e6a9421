"""E-mail addresses and passwords as people type them: normalised, judged, hashed, verified."""

import asyncio
import hashlib
import os
import unicodedata
from asyncio import AbstractEventLoop, Semaphore
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import permutations
from weakref import WeakKeyDictionary

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email
from zxcvbn import zxcvbn

from shared import clock
from shared.config import Settings
from shared.context import Services
from shared.errors import RateLimited, ServiceUnavailable
from shared.identity.actor import Actor
from subgraphs.users import rules, store
from subgraphs.users.loaders import Loaders

_MAX_EMAIL = 254
_MAX_PASSWORD = rules.passwords.PASSWORD_LENGTH[1]
_LONGEST_WAIT_SECONDS = 10

# zxcvbn tries all ways to read the "l33t" characters, twice as many with every further one: seconds for
# 72 random characters. What is left after this cut takes 50 ms at the most.
_JUDGED_LENGTH = 40
# A shorter part is no word that anybody would build upon, and makes other passwords look weak.
_LEAST_GUESS = 3
_BETWEEN = ("", " ", ".", "-", "_")
# So many neighbours are put together, and in any order where there are few: an address can have a hundred parts.
_JOINED_PARTS = 6
_REORDERED_PARTS = 4
_JUDGED_LEET = 10
_LEET = frozenset("4@8({[<369&#!1/|0$5+7%2")


def normalise_email(text: str) -> str:
    """The form in which addresses are stored and compared: trimmed, lower case, international domain in ASCII.

    Raises InvalidEmail for what is no address on the public internet.
    """
    address = text.strip() if len(text) <= 2 * _MAX_EMAIL else ""
    try:
        valid = validate_email(address, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        most = _MAX_EMAIL if len(text.strip()) > _MAX_EMAIL else None
        raise rules.accounts.InvalidEmail("Enter a valid e-mail address.", field=("email",), max=most) from None
    return (valid.ascii_email or valid.normalized).lower()


def normalise_password(text: str) -> str:
    """The same characters for the same keys, whatever the device composes (NIST SP 800-63B, 3.1.1.2).

    Empty for what is longer than any password.
    """
    return unicodedata.normalize("NFKC", text) if len(text) <= 4 * _MAX_PASSWORD else ""


async def check_new_password(
    settings: Settings, password: str, *, known: tuple[str, ...], field: tuple[str, ...] = ("password",)
) -> str:
    """The password normalised, once it is long and hard enough to guess. Raises WeakPassword.

    `known` are the user's other inputs, which a guesser would try, with and without what separates their parts.
    """
    normalised = clean_new_password(password, field=field)
    await check_hard_to_guess(settings, normalised, known=known, field=field)
    return normalised


def clean_new_password(password: str, *, field: tuple[str, ...] = ("password",)) -> str:
    """The password normalised, once it has as many characters as one has, all of which can be typed.

    Raises WeakPassword.
    """
    normalised = normalise_password(password)
    least, most = rules.passwords.PASSWORD_LENGTH
    if len(password) > most or len(normalised) > most:
        raise rules.passwords.WeakPassword(f"At most {most} characters, please.", field=field, min=least, max=most)
    if len(normalised) < least:
        raise rules.passwords.WeakPassword(f"At least {least} characters, please.", field=field, min=least, max=most)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in normalised):
        raise rules.passwords.WeakPassword("The password holds a character that cannot be typed.", field=field)
    return normalised


async def check_hard_to_guess(
    settings: Settings, normalised: str, *, known: tuple[str, ...], field: tuple[str, ...] = ("password",)
) -> None:
    """Raises WeakPassword. It costs up to 50 ms of a processor: after all else is known to be right."""
    async with _slot(settings):
        score = await asyncio.to_thread(_score, normalised, known)
    if score < rules.passwords.LEAST_PASSWORD_SCORE:
        raise rules.passwords.WeakPassword(
            "This password is easily guessed; take several words that do not belong together.",
            field=field,
        )


async def hash_password(settings: Settings, normalised: str) -> str:
    """The Argon2id hash of a normalised password."""
    async with _slot(settings):
        return await asyncio.to_thread(_hasher(settings).hash, _bytes(normalised))


async def is_password_of(settings: Settings, password_hash: str | None, password: str) -> bool:
    """Whether a hash is the one of this password; without a hash no, after the same work."""
    async with _slot(settings):
        return await _verify(settings, password_hash, password)


@dataclass(frozen=True, slots=True)
class Checked:
    """An account whose password was presented, with the hash that it fits, and a newer one if that is due."""

    user_id: str
    password_hash: str
    new_hash: str | None


async def check_log_in(services: Services[Loaders], address: str, email: str, password: str) -> Checked:
    """The account that e-mail address and password belong to.

    Raises InvalidCredentials, always after the same work, and RateLimited after too many failures of an
    account from one address or of one address.
    """
    try:
        account = normalise_email(email)
    except rules.accounts.InvalidEmail:
        account = email.strip().lower()[:_MAX_EMAIL]
    return await _check(services, address, account, password, rules.sessions.invalid_credentials)


async def confirm(
    services: Services[Loaders], actor: Actor, address: str, password: str | None, *, field: str = "password"
) -> Checked | None:
    """Makes sure that it is still the person themselves, before what a borrowed device must not do.

    Answers what their password, which came in the input's `field`, was found to fit; None for an account without
    one, whose session must be new instead. Wrong passwords count like those of `logIn`. Raises InvalidCredentials,
    ConfirmationRequired, RateLimited.
    """
    found = await store.accounts.find_confirmation(services.database, actor.id, actor.session_id)
    account, has_password, session_opened_at = found or (None, True, clock.now())
    if has_password:
        refusal = partial(rules.passwords.wrong_password, field)
        return await _check(services, address, account or actor.id, password or "", refusal)
    if clock.now() - session_opened_at > rules.sessions.FRESH_SESSION:
        raise rules.sessions.ConfirmationRequired("Your account has no password: sign in anew and try again.")
    return None


async def forget_failures(services: Services[Loaders], address: str, email: str) -> None:
    """Lets an account be tried from an address again, such as by an owner who has set a new password there."""
    limit = services.settings.log_in_failures_per_account
    await services.limiter.clear("logIn account", f"{email} {address}", limit)


async def _check(
    services: Services[Loaders],
    address: str,
    account: str,
    password: str,
    refusal: Callable[[], rules.sessions.InvalidCredentials],
) -> Checked:
    settings, limiter = services.settings, services.limiter
    account_and_address = f"{account} {address}"
    # Inside the slot: no more attempts than slots can be between the check and the count of the failure.
    async with _slot(settings):
        await limiter.check("logIn address", address, settings.log_in_failures_per_address)
        found = await store.accounts.find_credentials(services.database, account)
        user_id, password_hash = found or (None, None)
        # Counted before and forgotten on success, so that not one attempt more gets through at the same time.
        await limiter.hit("logIn account", account_and_address, settings.log_in_failures_per_account)
        if not await _verify(settings, password_hash, password) or user_id is None or password_hash is None:
            with suppress(RateLimited):
                await limiter.hit("logIn address", address, settings.log_in_failures_per_address)
            raise refusal()
        await limiter.clear("logIn account", account_and_address, settings.log_in_failures_per_account)
        new_hash = None
        hasher = _hasher(settings)
        if hasher.check_needs_rehash(password_hash):
            new_hash = await asyncio.to_thread(hasher.hash, _bytes(normalise_password(password)))
    return Checked(user_id, password_hash, new_hash)


def sign_up_actor(email: str) -> str:
    """Whom the idempotency keys of a sign-up belong to, before there is an account."""
    return f"email:{hashlib.sha256(email.encode()).hexdigest()}"


def prepare(settings: Settings) -> None:
    """Does what is slow the first time: the hash to compare unknown accounts with, tables of characters."""
    _dummy_hash(settings)
    _score("a first password", ())
    with suppress(rules.accounts.InvalidEmail):
        normalise_email("someone@bücher.example.org")


async def _verify(settings: Settings, password_hash: str | None, password: str) -> bool:
    hasher = _hasher(settings)
    presented = _bytes(normalise_password(password))

    def verify() -> bool:
        try:
            return hasher.verify(password_hash or _dummy_hash(settings), presented) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False

    return await asyncio.to_thread(verify)


def _score(password: str, known: tuple[str, ...]) -> int:
    judged = []
    leet: set[str] = set()
    for character in password[:_JUDGED_LENGTH]:
        if character in _LEET:
            if len(leet) == _JUDGED_LEET and character not in leet:
                continue
            leet.add(character)
        judged.append(character)
    return int(zxcvbn("".join(judged), user_inputs=_guesses(known))["score"])


def _guesses(known: tuple[str, ...]) -> list[str]:
    """What people make passwords of out of what is known of them: its parts, alone and written together."""
    guesses: dict[str, None] = {}
    for each in known:
        # By category: marks belong to their letters, in Thai for one.
        spaced = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in normalise_password(each))
        parts = spaced.split()
        for length in range(1, min(len(parts), _JOINED_PARTS) + 1):
            for at in range(len(parts) - length + 1):
                together = parts[at : at + length]
                for order in permutations(together) if len(parts) <= _REORDERED_PARTS else [together]:
                    guesses |= {between.join(order): None for between in _BETWEEN}
        guesses[each] = None
    return [guess for guess in guesses if _LEAST_GUESS <= len(guess) <= _JUDGED_LENGTH]


def _bytes(normalised: str) -> bytes:
    # A half of a surrogate pair can be sent, but no stored password has one.
    return normalised.encode("utf-8", "surrogatepass")


def _hasher(settings: Settings) -> PasswordHasher:
    return _hasher_with(settings.argon2_time_cost, settings.argon2_memory_kib, settings.argon2_parallelism)


@cache
def _hasher_with(time_cost: int, memory_kib: int, parallelism: int) -> PasswordHasher:
    return PasswordHasher(time_cost, memory_kib, parallelism)


def _dummy_hash(settings: Settings) -> str:
    return _dummy_hash_of(_hasher(settings))


@cache
def _dummy_hash_of(hasher: PasswordHasher) -> str:
    return hasher.hash(os.urandom(16))


# A semaphore belongs to the event loop that waits for it.
_slots: WeakKeyDictionary[AbstractEventLoop, Semaphore] = WeakKeyDictionary()


@asynccontextmanager
async def _slot(settings: Settings) -> AsyncIterator[None]:
    """One of the few places for work with passwords, which would otherwise take all of the processor.

    Raises ServiceUnavailable when none gets free in time.
    """
    slots = _slots.setdefault(asyncio.get_running_loop(), Semaphore(settings.password_concurrency))
    try:
        async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
            await slots.acquire()
    except TimeoutError:
        raise ServiceUnavailable("Too many people are signing in at the moment; try again.") from None
    try:
        yield
    finally:
        slots.release()
