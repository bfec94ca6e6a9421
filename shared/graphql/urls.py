"""Addresses of web pages and pictures that people enter."""

import re
from urllib.parse import urlsplit

from shared.errors import InvalidInput

MAX_LENGTH = 2_000

# RFC 3986 without what only an attack or a mistake has: credentials, backslashes, spaces.
_URL = re.compile(
    r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?", re.IGNORECASE
)
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
# The last label has a letter at its start: what is all digits is an address of the machine, in one of the
# many ways to write one, and not a name.
_HOST = re.compile(rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?")
# Names that lead nowhere in the public network (RFC 6761, RFC 6762, RFC 8375, and what ICANN keeps free).
_NOT_PUBLIC = frozenset(
    {
        "arpa",
        "corp",
        "home",
        "internal",
        "intranet",
        "invalid",
        "lan",
        "local",
        "localdomain",
        "localhost",
        "onion",
        "private",
        "test",
    }
)


def https_url(value: str, *, field: tuple[str, ...]) -> str:
    """The address, trimmed, once it is known to be `https` on a public host name. Raises InvalidInput.

    Nothing here looks the name up: whoever fetches it must check where it leads at that moment.
    """
    url = value.strip() if len(value) <= 2 * MAX_LENGTH else value
    if len(url) > MAX_LENGTH:
        raise InvalidInput(f"At most {MAX_LENGTH} characters, please.", field=field, max=MAX_LENGTH)
    if not url.isascii() or not _URL.fullmatch(url):
        raise InvalidInput("Enter an address that begins with https:// and is percent-encoded.", field=field)
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    if len(host) > 253 or not _HOST.fullmatch(host) or host.rpartition(".")[2].lower() in _NOT_PUBLIC:
        raise InvalidInput("The address must name a public host.", field=field)
    if not _has_valid_port(url):
        raise InvalidInput("The address has no valid port.", field=field)
    return url


def _has_valid_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
