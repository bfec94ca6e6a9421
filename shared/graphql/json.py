"""Reading JSON from strangers.

orjson refuses what is not JSON (invalid UTF-8, lone surrogates, NaN, numbers beyond a double) and stops
at a nesting of 1,024; of a name that occurs twice in one object the last value counts. What is added
here: requests are objects, with a limit on values and nesting, and without the NUL character, which
PostgreSQL's text cannot hold.
"""

from typing import Any, Final

import orjson

from shared.errors import BadRequest, TooComplex

# A body of 1 MB can hold half a million values, which take ten times as long to build as text does.
_MAX_VALUES = 50_000
_MAX_NESTING = 64
_CONTAINERS: Final = frozenset({dict, list})


def decode(body: bytes) -> dict[str, object]:
    """The JSON object that a request consists of. Raises BadRequest, and TooComplex for too many values."""
    brackets = body.count(b"{") + body.count(b"[")
    # Commas and brackets within strings count too; no field takes a text of that many.
    if brackets + body.count(b",") > _MAX_VALUES:
        raise TooComplex("JSON values", _MAX_VALUES)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error.msg}.", line=error.lineno, column=error.colno) from None
    if not isinstance(value, dict):
        raise BadRequest("The request must be one JSON object.")
    if brackets > _MAX_NESTING:
        _check_nesting(value)
    # JSON has no other way to write this character.
    if b"\\u0000" in body:
        check_text(value)
    return value


def check_text(value: object) -> None:
    """Raises BadRequest if a string anywhere in `value` has a NUL character or a lone surrogate."""
    remaining: list[object] = [value]
    while remaining:
        each = remaining.pop()
        if isinstance(each, str):
            # Surrogates are what UTF-8 cannot hold; `isascii` spares most texts the encoding.
            if "\x00" in each or not (each.isascii() or _encodes(each)):
                raise BadRequest("A text holds a NUL character or half of a surrogate pair.")
        elif isinstance(each, dict):
            remaining += each
            remaining += each.values()
        elif isinstance(each, list):
            remaining += each


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_nesting(value: dict[str, Any]) -> None:
    # Plain type comparisons: a batch of a thousand representations comes through here.
    level: list[Any] = [value]
    for _ in range(_MAX_NESTING):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return
    raise BadRequest(f"The JSON is nested deeper than {_MAX_NESTING} levels.")
