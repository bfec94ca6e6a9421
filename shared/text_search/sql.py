"""SQL of text search: what a task is found by, and what a search becomes in PostgreSQL."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, Text, func, literal, literal_column
from sqlalchemy.dialects.postgresql import TSQUERY

from shared.text_search.query import GRAM, Query, Term

_english: ColumnElement[Any] = literal_column("'english'::regconfig")


def vector(title: str, description: str) -> str:
    """What a task is found by, as SQL of two SQL expressions; the title counts more.

    English stems and, of scripts without spaces, every run of three characters. The database has the function `grams`
    (shared/database/alembic/search.py).
    """
    return (
        f"setweight(to_tsvector('english', {title}), 'A') || setweight(to_tsvector('english', {description}), 'B') "
        f"|| grams({title}, 'A') || grams({description}, 'B')"
    )


def tsquery_of_term(
    term: Term, others: Sequence[str] = (), of_text: Callable[..., ColumnElement[Any]] = func.phraseto_tsquery
) -> ColumnElement[Any]:
    """What meets a term; any of the `others` is as good as its text. `of_text` is PostgreSQL's function for these."""

    def tsquery_of_text(text: str) -> ColumnElement[Any]:
        return of_text(_english, literal(text, Text), type_=TSQUERY())

    parts: list[ColumnElement[Any]] = []
    if term.grams:
        # Of characters of other scripts alone, so that nothing in it means anything to PostgreSQL.
        parts.append(literal(" & ".join(map(_gram, term.grams)), Text).cast(TSQUERY))
    if term.text:
        parts.append(reduce(_or, map(tsquery_of_text, (term.text, *others))))
    together = reduce(_and, parts)
    return func.tsquery_not(together, type_=TSQUERY()) if term.is_negated else together


def tsquery(query: Query, of_term: Callable[[Term], ColumnElement[Any]] = tsquery_of_term) -> ColumnElement[Any]:
    """What meets a query, put together of what meets its terms."""
    alternatives = [reduce(_and, map(of_term, terms)) for terms in query.alternatives]
    return reduce(_or, alternatives) if alternatives else literal("", Text).cast(TSQUERY)


def _gram(gram: str) -> str:
    return f"'{gram}'" if len(gram) == GRAM else f"'{gram}':*"


def _and(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.tsquery_and(one, other, type_=TSQUERY())


def _or(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.tsquery_or(one, other, type_=TSQUERY())
