"""What searches may have meant: words that are nearly right, and ranges of budgets."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from shared.errors import BadRequest
from shared.text_search.query import Query, Term

MOST_CANDIDATES = 1_000
"""How many of the newest matches are ranked: the cost of a search is bounded however many tasks have its words."""

_WORD = re.compile(r"[^\W\d_]{4,40}")
_MOST_CORRECTED = 5
_MOST_CORRECTIONS = 3
_MOST_BYTES = 200
_LONG = 8
_MOST_DIGITS = 10


def doubtful_words(query: Query) -> tuple[str, ...]:
    """The words that may be misspelt, some of the first."""
    found = (term.text for terms in query.alternatives for term in terms if _may_be_misspelt(term))
    return tuple(dict.fromkeys(found))[:_MOST_CORRECTED]


def _may_be_misspelt(term: Term) -> bool:
    return not (term.is_phrase or term.is_negated or term.grams) and _WORD.fullmatch(term.text) is not None


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
