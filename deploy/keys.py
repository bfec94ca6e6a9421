"""Keys as JSON Web Keys: Ed25519 to sign access tokens (RFC 8037), 256 random bits to encrypt (RFC 7518, 6.4).

Links to files are signed with 256 random bits too. They live an hour at most, so these keys need no rotation: without
their file the next start makes new ones, and no link of before holds.

A file holds several. The first one whose `nbf` has come signs or encrypts; the others still verify or decrypt,
those that signed until their `exp`. Both members are of OpenID Federation 1.0, in seconds since 1970.
"""

import base64
import fcntl
import json
import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Key = dict[str, str | int]

# Until every process has read the public key of a new one; theirs is the same file, or a copy of it.
SETTLING_SECONDS = 5.0
# How long an access token lives (subgraphs/users/rules/sessions.py), and some time for clocks that differ.
TOKEN_SECONDS = 15 * 60
_CLOCKS_DIFFER_SECONDS = 60


class KeyRefused(Exception):
    """A key that may not go."""


def signing_key() -> Key:
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


def encryption_key() -> Key:
    """A new key for AES-256-GCM."""
    return {"kty": "oct", "alg": "A256GCM", "use": "enc", "kid": _new_kid(), "k": _base64url(secrets.token_bytes(32))}


def public_key(key: Key) -> Key:
    """The public half of a private key."""
    return {name: value for name, value in key.items() if name != "d"}


@dataclass(frozen=True)
class KeyFiles:
    """The key files of one system. `write` replaces a file as a whole, so that no reader sees half of one."""

    signing: Path
    public: Path
    encryption: Path
    links: Sequence[Path]
    write: Callable[[Path, str], None]

    def ensure(self) -> None:
        """Makes the keys that do not exist yet, and the public file what it must be."""
        with self._alone():
            if not self.signing.exists():
                self._write_signing([signing_key()])
            if not self.encryption.exists():
                self._write(self.encryption, [encryption_key()])
            for links in self.links:
                if not links.exists():
                    self._write(links, [encryption_key()])
            public = [public_key(key) for key in read(self.signing)]
            if not self.public.exists() or read(self.public) != public:
                self._write(self.public, public)

    def rotate_signing(self, settling_seconds: float = SETTLING_SECONDS) -> str:
        """Adds a key that signs in `settling_seconds`. Returns its id.

        The one that signs until then goes on verifying until its last token has expired. Keys whose time is
        over go.
        """
        with self._alone():
            begins = math.ceil(time.time() + settling_seconds)
            ends = begins + TOKEN_SECONDS + _CLOCKS_DIFFER_SECONDS
            previous: list[Key] = [{"exp": ends, **key} for key in read(self.signing) if not is_over(key)]
            new: Key = {**signing_key(), "nbf": begins}
            self._write_signing([new, *previous])
        return str(new["kid"])

    def rotate_encryption(self, settling_seconds: float = SETTLING_SECONDS) -> str:
        """Adds a key that encrypts in `settling_seconds`; the others go on decrypting. Returns its id."""
        with self._alone():
            new: Key = {**encryption_key(), "nbf": math.ceil(time.time() + settling_seconds)}
            self._write(self.encryption, [new, *read(self.encryption)])
        return str(new["kid"])

    def remove_signing(self, kid: str) -> None:
        """Takes a signing key away at once, so that no token of it holds any more.

        Raises KeyRefused for one that is not there, or without which nothing would sign now.
        """
        with self._alone():
            keys = read(self.signing)
            left = [key for key in keys if key["kid"] != kid]
            if len(left) == len(keys):
                raise KeyRefused(f"There is no signing key {kid}.")
            if not any(is_usable(key) for key in left):
                raise KeyRefused(
                    f"{kid} is the only key that signs now: rotate first, and wait until the new one does."
                )
            self._write_signing(left)

    def _write_signing(self, keys: Sequence[Key]) -> None:
        # The public file first: nobody may sign with a key that the others do not know.
        self._write(self.public, [public_key(key) for key in keys])
        self._write(self.signing, keys)

    def _write(self, path: Path, keys: Sequence[Key]) -> None:
        self.write(path, json.dumps({"keys": keys}, indent=1))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Waits until nobody else changes the keys."""
        with self.signing.with_name("keys.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def read(path: Path) -> list[Key]:
    """The keys of a file."""
    keys: list[Key] = json.loads(path.read_text())["keys"]
    return keys


def is_over(key: Key) -> bool:
    """Whether no token of the key can be alive."""
    return float(key.get("exp", math.inf)) <= time.time()


def is_usable(key: Key) -> bool:
    """Whether the key may sign or encrypt by now."""
    return float(key.get("nbf", 0)) <= time.time() and not is_over(key)


def state(key: Key, keys: Sequence[Key]) -> str:
    """What a key of a file does, in words."""
    signs = key["use"] == "sig"
    if is_over(key):
        return "over; the next rotation removes it"
    if not is_usable(key):
        return f"{'signs' if signs else 'encrypts'} from {_moment(key['nbf'])}"
    if key is next(each for each in keys if is_usable(each)):
        return "signs" if signs else "encrypts"
    return f"verifies until {_moment(key['exp'])}" if "exp" in key else ("verifies" if signs else "decrypts")


def _moment(seconds: str | int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(float(seconds)))


def _new_kid() -> str:
    return f"{time.strftime('%Y%m%d', time.gmtime())}-{secrets.token_hex(4)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
