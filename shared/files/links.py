"""Links that carry their own permission: whose holder may do one thing with one file until a time.

A link is signed (HMAC-SHA-256, RFC 2104) with a key that only the subgraph has which answers it. It is no secret for
long: what it leads to is looked up at each use, so that what was removed meanwhile is gone for its holder too.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from shared import clock
from shared.identity.cipher import Cipher

_TOKEN = re.compile(r"(\d{1,12})\.([A-Za-z0-9_-]{20,200})")
_LEAST = timedelta(minutes=10)
_GRID_SECONDS = 300


class LinkRefused(Exception):
    """The link was made up, altered, or made for something else."""


class LinkExpired(Exception):
    """The link was good once."""


class Links:
    """Signs and checks the tokens of links, with the keys of a JWKS file (as `shared.identity.cipher` reads it)."""

    def __init__(self, keys: Path) -> None:
        self._cipher = Cipher(keys)
        self._cipher.load()

    def sign(self, purpose: str, subject: str, expires_at: datetime) -> str:
        """A token for `subject` until `expires_at`, to the second; it may stand in an address as it is."""
        seconds = int(expires_at.timestamp())
        digest = self._cipher.fingerprint(f"{seconds} {subject}", purpose=f"link:{purpose}")
        return f"{seconds}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    def check(self, token: str, purpose: str, subject: str) -> None:
        """Raises LinkRefused, LinkExpired."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise LinkRefused
        try:
            digest = urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4))
        except (Base64Error, ValueError):
            raise LinkRefused from None
        if not self._cipher.is_fingerprint(digest, f"{found[1]} {subject}", purpose=f"link:{purpose}"):
            raise LinkRefused
        if int(found[1]) <= clock.now().timestamp():
            raise LinkExpired


def made_subject(file_id: str, said: Mapping[str, str]) -> str:
    """What a link to a file is signed for that is made as its address says. No two sayings are written alike."""
    return urlencode([("", file_id), *sorted(said.items())])


def soon() -> datetime:
    """When a link that is made now ends: in 10 to 15 minutes. All of five minutes end alike, so that what a
    browser keeps by its address is found there again."""
    end = (clock.now() + _LEAST).timestamp()
    return datetime.fromtimestamp((end // _GRID_SECONDS + 1) * _GRID_SECONDS, tz=clock.now().tzinfo)
