"""What people write into a search: the syntax of web search engines, and words that are nearly right."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.errors import BadRequest

MOST_TERMS = 20
"""Ranking compares each word of a search with each other one."""
MOST_CANDIDATES = 1_000
"""How many of the newest matches are ranked: the cost of a search is bounded however many tasks have its words."""

# Thai, Lao, Burmese, Khmer, Japanese, Chinese, Korean: no spaces between words, or none between a word and what is
# attached to it. As in the function `grams` of the migrations.
UNSPACED = "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
GRAM = 3
"""A text in such a script is found by every run of three characters in it."""

_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")
_TOKEN = re.compile(r'(?P<negated>-*)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_WORD = re.compile(r"[^\W\d_]{4,40}")
_MOST_CORRECTED = 5
_MOST_CORRECTIONS = 3
_MOST_BYTES = 200
_LONG = 8
_MOST_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a phrase in quotation marks."""

    text: str
    """What is in scripts with spaces between words, in lower case; "" for nothing."""
    grams: tuple[str, ...] = ()
    """Pieces of what is in other scripts; one of fewer than three characters stands for all that begin with it."""
    is_phrase: bool = False
    is_negated: bool = False

    @property
    def may_be_misspelt(self) -> bool:
        return not (self.is_phrase or self.is_negated or self.grams) and _WORD.fullmatch(self.text) is not None


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: one of the alternatives, of which all terms are met."""

    alternatives: tuple[tuple[Term, ...], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The words that may be misspelt, some of the first."""
        found = (term.text for terms in self.alternatives for term in terms if term.may_be_misspelt)
        return tuple(dict.fromkeys(found))[:_MOST_CORRECTED]

    @property
    def has_spaced(self) -> bool:
        """Whether any of it is in a script with spaces between words."""
        return any(term.text for terms in self.alternatives for term in terms)


def parse(text: str) -> Query:
    """`words` that all are meant, `"exact phrases"`, `or` between alternatives, `-not this`; the rest is no error.

    Raises BadRequest for more than 20 terms.
    """
    alternatives: list[list[Term]] = [[]]
    for token in _TOKEN.finditer(text.lower()):
        if token["word"] == "or" and not token["negated"]:
            alternatives.append([])
        elif (term := _term(token)) is not None:
            alternatives[-1].append(term)
    if sum(map(len, alternatives)) > MOST_TERMS:
        raise BadRequest(f"At most {MOST_TERMS} words and phrases.")
    return Query(tuple(tuple(terms) for terms in alternatives if terms))


def _term(token: re.Match[str]) -> Term | None:
    content = token["phrase"] if token["phrase"] is not None else token["word"]
    grams = tuple(gram for run in _UNSPACED_RUN.findall(content) for gram in _grams(run))
    rest = " ".join(_UNSPACED_RUN.sub(" ", content).split())
    if not any(character.isalnum() for character in rest):
        rest = ""
    if not grams and not rest:
        return None
    return Term(rest, grams, is_phrase=token["phrase"] is not None, is_negated=bool(token["negated"]))


def _grams(run: str) -> Iterator[str]:
    """Every second one and the last: each character is in one, and there are half as many to compare."""
    last = max(0, len(run) - GRAM)
    for start in dict.fromkeys((*range(0, last, 2), last)):
        yield run[start : start + GRAM]


def corrections(asked: Collection[str], similar: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """For each word what it may have been meant to be, of the words that are similar to it."""
    found: dict[str, tuple[str, ...]] = {}
    for word in asked:
        near = [other for other in similar.get(word, ()) if 0 < typos(word, other) <= (2 if len(word) >= _LONG else 1)]
        near.sort(key=lambda other: (typos(word, other), other))
        attempt = found | {word: tuple(near[:_MOST_CORRECTIONS])}
        if near and len(written(attempt).encode()) <= _MOST_BYTES:
            found = attempt
    return found


def typos(one: str, other: str) -> int:
    """The least number of letters that are missing, too much, wrong, or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, beside in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != beside))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == beside:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]


def written(corrected: Mapping[str, Sequence[str]]) -> str:
    """Corrections as a cursor holds them, so that all pages of a list are of the same words."""
    return " ".join(f"{word}:{','.join(others)}" for word, others in corrected.items())


def read(text: str) -> dict[str, tuple[str, ...]]:
    """What `written` gave. Raises BadRequest for anything else."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in text.split():
        word, _, others = entry.partition(":")
        words = (word, *others.split(","))
        if not all(map(_WORD.fullmatch, words)) or len(words) > _MOST_CORRECTIONS + 1:
            raise BadRequest("The cursor is not of this list.")
        found[word] = words[1:]
    if len(found) > _MOST_CORRECTED:
        raise BadRequest("The cursor is not of this list.")
    return found


def budget_steps(least: int | None, most: int | None) -> tuple[str, ...]:
    """The steps of a range in minor units, both ends included: `5` is all of five digits, `5-2` those from 20,000 on.

    As in the function `terms_of_task` of the migrations. None if the range is empty.
    """
    low, high = _digits(least or 0), (_MOST_DIGITS, 9) if most is None else _digits(most)
    return tuple(step for size in range(low[0], high[0] + 1) for step in _steps_of(size, low, high))


def _steps_of(size: int, low: tuple[int, int], high: tuple[int, int]) -> Iterator[str]:
    first, last = low[1] if size == low[0] else 1, high[1] if size == high[0] else 9
    if (first, last) == (1, 9) or size == _MOST_DIGITS:
        yield f"{size}"
    else:
        yield from (f"{size}-{digit}" for digit in range(first, last + 1))


def _digits(amount: int) -> tuple[int, int]:
    """How many digits an amount has, and the first."""
    text = str(max(amount, 1))
    return min(len(text), _MOST_DIGITS), int(text[0])
