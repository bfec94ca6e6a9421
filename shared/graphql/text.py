"""Texts that people write."""

import re
import unicodedata

from shared.errors import InvalidInput

# Control characters, halves of surrogate pairs, and the noncharacters that end a plane. NUL among them
# is what PostgreSQL cannot store. Embeddings and overrides of the writing direction reach beyond their text
# and make one read as another ("Trojan Source", CVE-2021-42574); Unicode's own advice is to write isolates.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_ISOLATE = re.compile("[\u2066-\u2069]")
_END_OF_ISOLATE = "\u2069"
_LINE_BREAKS = re.compile("\r\n?|[\u0085\u2028\u2029]")
_MORE_THAN_ONE_LINE = re.compile("[\t\n]")
# Unicode's Stream-Safe Text Format (UAX #15) ends a run of combining marks here. Normalising takes the
# square of the run's length.
_MAX_COMBINING_RUN = 30


def clean(value: str, *, field: tuple[str, ...], min_length: int = 0, max_length: int, multiline: bool = False) -> str:
    """The text trimmed, in NFC, with line breaks as `\\n`; its length in code points is within the bounds.

    Line breaks and tabs pass only where `multiline`. Raises InvalidInput for other control characters,
    unpaired surrogates, a writing direction that is forced or left changed, and a text that shows nothing where
    one is needed.
    """

    def out_of_bounds(message: str) -> InvalidInput:
        return InvalidInput(message, field=field, min=min_length or None, max=max_length)

    # Composing shortens a text to a third at most; what is longer need not be looked at.
    if len(value) > 4 * max_length + 1_000:
        raise out_of_bounds(f"At most {max_length} characters, please.")
    text = _LINE_BREAKS.sub("\n", value).strip()
    if _FORBIDDEN.search(text) or (not multiline and _MORE_THAN_ONE_LINE.search(text)):
        raise InvalidInput("The text holds a character that is not allowed here.", field=field)
    if not text.isascii():
        _check_isolates(text, field)
        _check_combining_runs(text, field)
        text = unicodedata.normalize("NFC", text)
    if len(text) > max_length:
        raise out_of_bounds(f"At most {max_length} characters, please.")
    if len(text) < min_length or (min_length and not _shows(text)):
        raise out_of_bounds(
            "This must not be empty." if min_length == 1 else f"At least {min_length} characters, please."
        )
    return text


def _check_isolates(text: str, field: tuple[str, ...]) -> None:
    """Text of the other direction is closed within its line, so that nothing behind it is turned round."""
    for line in text.split("\n"):
        depth = 0
        for match in _ISOLATE.finditer(line):
            depth += -1 if match[0] == _END_OF_ISOLATE else 1
            if depth < 0:
                break
        if depth:
            raise InvalidInput("The text changes the writing direction and does not change it back.", field=field)


def _check_combining_runs(text: str, field: tuple[str, ...]) -> None:
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > _MAX_COMBINING_RUN:
            raise InvalidInput("The text piles too many accents on one letter.", field=field)


def _shows(text: str) -> bool:
    """Whether anything is visible: zero-width characters alone are not a title."""
    return any(character.isprintable() and not character.isspace() for character in text)
