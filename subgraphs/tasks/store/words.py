"""SQL of words: what a search becomes in PostgreSQL, and the words that are like another one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import getrandbits
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    column,
    exists,
    func,
    literal,
    literal_column,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlmodel import col

from shared.database.db import Database
from shared.text_search import sql
from shared.text_search.query import Query, Term
from subgraphs.tasks import models

Corrections = Mapping[str, Sequence[str]]

_SIMILAR = 10
_word = col(models.Word.word)


def tsquery(query: Query, corrected: Corrections) -> ColumnElement[Any]:
    """What meets a query; a corrected word is met by itself and by what it may have been meant to be."""
    return sql.tsquery(query, lambda term: sql.tsquery_of_term(term, corrected.get(term.text, ())))


def loose_tsquery(query: Query, corrected: Corrections, always: str) -> ColumnElement[Any]:
    """What meets a query and some more, for an index that has no positions: phrases are the words in them.

    `always` is a lexeme that all have.
    """
    return sql.tsquery(query, lambda term: _loose(term, corrected.get(term.text, ()), always))


def planned_for_its_values() -> ColumnElement[bool]:
    """A condition that is met, and by which no two statements are the same.

    A statement that it knows PostgreSQL may plan for any values, and whether the newest tasks are to be walked through
    or all that have a word depends on the word.
    """
    return bindparam(None, getrandbits(31), Integer, literal_execute=True) >= literal_column("0", Integer)


def similar_words(words: Sequence[str]) -> Select[str, str]:
    """For each of these words that no title has the most similar ones that titles have."""
    asked = func.unnest(bindparam(None, list(words), ARRAY(Text))).table_valued(column("word", Text), name="asked")
    wanted = asked.render_derived().c.word
    near = select(_word).order_by(type_coerce(_word.op("<->")(wanted), Float)).limit(_SIMILAR).lateral("near")
    return select(wanted.label("asked"), near.c.word).join(near, true()).where(~exists().where(_word == wanted))


async def load_similar_words(database: Database, words: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The words that `similar_words` finds, by the word that they are similar to."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await database.fetch(similar_words(words)):
        found[row.asked].append(row.word)
    return found


def _loose(term: Term, others: Sequence[str], always: str) -> ColumnElement[Any]:
    if not term.is_negated:
        return sql.tsquery_of_term(term, others, func.plainto_tsquery)
    exact = sql.tsquery_of_term(term, others)
    # What has all words of a phrase may yet not have the phrase.
    return case((exact.cast(Text).contains("<"), literal(f"'{always}'", Text).cast(TSQUERY)), else_=exact)
