"""What people write into a search: the syntax of web search engines, in every script."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.errors import InvalidInput

MOST_TERMS = 20
"""Ranking compares each word of a search with each other one."""

# Thai, Lao, Burmese, Khmer, Japanese, Chinese, Korean: no spaces between words, or none between a word and what is
# attached to it. As in the function `grams` of the migrations.
UNSPACED = "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
GRAM = 3
"""A text in such a script is found by every run of three characters in it."""

_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")
_TOKEN = re.compile(r'(?P<negated>-*)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a phrase in quotation marks."""

    text: str
    """What is in scripts with spaces between words, in lower case; "" for nothing."""
    grams: tuple[str, ...] = ()
    """Pieces of what is in other scripts; one of fewer than three characters stands for all that begin with it."""
    is_phrase: bool = False
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: one of the alternatives, of which all terms are met."""

    alternatives: tuple[tuple[Term, ...], ...]

    @property
    def has_spaced(self) -> bool:
        """Whether any of it is in a script with spaces between words."""
        return any(term.text for terms in self.alternatives for term in terms)


def parse(text: str, *, field: tuple[str, ...]) -> Query:
    """`words` that all are meant, `"exact phrases"`, `or` between alternatives, `-not this`; the rest is no error.

    Raises InvalidInput for more than 20 terms.
    """
    alternatives: list[list[Term]] = [[]]
    for token in _TOKEN.finditer(text.lower()):
        if token["word"] == "or" and not token["negated"]:
            alternatives.append([])
        elif (term := _term(token)) is not None:
            alternatives[-1].append(term)
    if sum(map(len, alternatives)) > MOST_TERMS:
        raise InvalidInput(f"At most {MOST_TERMS} words and phrases.", field=field)
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
