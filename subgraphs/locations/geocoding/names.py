"""Names as they are compared: without case and accents, whatever the script."""

import re
import unicodedata
from collections.abc import Iterator

MOST_WORDS = 40
_SEPARATORS = re.compile(r"[,;/\n\t()|\u060c\u3001\uff0c]+")
_WORDS = re.compile(r"[^\s,;/()|.\"'\u2018\u2019`\-\u2010-\u2015_#:]+")
# Letters that Unicode does not take apart.
_LATIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "\u0131": "i", "ħ": "h"}
)
# Marks of Thai, Devanagari and their like are letters in all but name; what is taken off is of alphabets.
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u0652\u0670]")
_THAI_KINDS = ("จังหวัด", "อำเภอ", "เทศบาลนคร", "เทศบาลเมือง", "เขต", "แขวง", "ตำบล", "เมือง")


def fold(text: str) -> str:
    """The form in which names are compared."""
    if text.isascii():
        plain = text.lower()
    else:
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()).translate(_LATIN))
        # Put together again what consists of parts: Hangul, and the signs of Thai in their usual order.
        plain = unicodedata.normalize("NFC", plain)
    return " ".join(_WORDS.findall(plain))


def segments(text: str) -> list[list[str]]:
    """The folded words of an address, by the parts that commas make. At most 40 words count, the last ones."""
    parts = [fold(part).split() for part in _SEPARATORS.split(text)]
    left = MOST_WORDS
    kept: list[list[str]] = []
    for words in reversed(parts):
        if words and left:
            kept.append(words[-left:])
            left -= len(kept[-1])
    return kept[::-1]


def without_kind(word: str) -> str:
    """A Thai name without the word for province, district or town that is written in front of it."""
    for kind in _THAI_KINDS:
        if word.startswith(kind) and len(word) > len(kind) + 1:
            return word[len(kind) :]
    return word


def misspelt(name: str) -> Iterator[str]:
    """All that is one slip of the finger away: a letter too much, too few, wrong, or two swapped.

    In the letters of the name's own script. (After P. Norvig, "How to Write a Spelling Corrector".)
    """
    letters = _alphabet(name)
    for place in range(len(name) + 1):
        before, after = name[:place], name[place:]
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in letters)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        yield from (before + letter + after for letter in letters)


def _letters(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


_ALPHABETS = (
    ("abcdefghijklmnopqrstuvwxyz ", "a", "z"),
    (_letters(0x0E01, 0x0E4E), "\u0e01", "\u0e4e"),
    (_letters(0x0430, 0x045F), "\u0430", "\u044f"),
    (_letters(0x03B1, 0x03C9), "\u03b1", "\u03c9"),
)


def _alphabet(name: str) -> str:
    """The letters of most scripts that have so few that trying each makes sense; none for the others."""
    for letters, first, last in _ALPHABETS:
        if any(first <= character <= last for character in name):
            return letters
    return ""
