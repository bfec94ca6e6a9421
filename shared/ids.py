"""TypeIDs: `task_01j5vq8z4me9rb0t2n8d3xk7fa`, a type prefix and a UUIDv7 in Crockford's base32.

The form is TypeID 0.3 (https://github.com/jetify-com/typeid/tree/main/spec). Ids sort by the time of
their making, also as text in PostgreSQL's collation "C". `typeid-python` makes the same strings; it is
not used, since all that is needed beyond `uuid_utils` is one table and one regular expression.
"""

import re
from functools import cache
from hashlib import blake2b

from uuid_utils import uuid7

from shared.errors import InvalidId

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_SHIFTS = tuple(range(120, -10, -10))
_SUFFIX_LENGTH = 26
# The first character holds 3 bits only: 26 characters have 130 bits, a UUID has 128.
_SUFFIX = rf"[0-7][{_ALPHABET}]{{{_SUFFIX_LENGTH - 1}}}"


def new_id(prefix: str) -> str:
    """A new id of this type; ids of one process ascend."""
    return id_of(prefix, uuid7().int)


def id_of(prefix: str, number: int) -> str:
    """The id of this type with a UUID's 128 bits."""
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def id_of_row(prefix: str, *key: object) -> str:
    """The id of what is no object of its own, such as a row of a list: made of what tells it from all others.

    It is the same each time, and nothing is found by it.
    """
    digest = blake2b("\0".join(map(str, key)).encode(), digest_size=16).digest()
    return id_of(prefix, int.from_bytes(digest, "big"))


def check_id(value: object, prefix: str, *, argument: str = "") -> str:
    """`value`, once it is known to be an id of this type. Raises InvalidId, which names the argument if there is one.

    Only the canonical form passes (lower case, no overflow of 128 bits), since ids are compared as text.
    """
    # The length comes first: the reason is not the expression's speed but to keep long input out of messages.
    if (
        not isinstance(value, str)
        or len(value) != len(prefix) + 1 + _SUFFIX_LENGTH
        or not _pattern(prefix).fullmatch(value)
    ):
        if argument:
            raise InvalidId(f'`{argument}` is not a valid id of type "{prefix}".', argument=argument)
        raise InvalidId(f'Not a valid id of type "{prefix}".')
    return value


@cache
def _pattern(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(prefix)}_{_SUFFIX}")
