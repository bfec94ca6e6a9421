"""What is refused before the document is parsed."""

import re

from graphql import (
    DocumentNode,
    GraphQLSyntaxError,
    SourceLocation,
    StringValueNode,
    Visitor,
    parse,
    visit,
)

from shared.errors import BadRequest, TooComplex
from shared.graphql.limits.bounds import DEFAULT_LIMITS, Limits
from shared.graphql.messages import without_values

# What graphql-core's lexer would read, as one expression. It reads no character twice: it is possessive,
# and every string ends, be it with the document.
_LEXEME = re.compile(
    r"(?P<ignored>(?:[\s,\ufeff]++|\#[^\n\r]*+)++)"
    r"|(?P<open>[{(\[])|(?P<close>[})\]])"
    r'|"""(?:[^"\\]++|\\"""|\\|"(?!""))*+(?:""")?+'
    r'|"(?:[^"\\\n\r]++|\\.)*+"?+'
    r"|[A-Za-z_][A-Za-z_0-9]*+|-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|\.\.\.|.",
    re.DOTALL,
)


def parse_limited(query: str, limits: Limits = DEFAULT_LIMITS) -> DocumentNode:
    """The parsed document. Raises TooComplex for its length, tokens or nesting, BadRequest for its syntax.

    These limits are checked before the parser runs, which builds nodes and recurses. Strings with a NUL
    character, which no database column takes, are a BadRequest too.
    """
    if len(query) > limits.length:
        raise TooComplex("document length", limits.length)
    if "\x00" in query:
        raise BadRequest("The document holds a NUL character.")
    tokens = nesting = 0
    for lexeme in _LEXEME.finditer(query):
        kind = lexeme.lastgroup
        if kind == "ignored":
            continue
        tokens += 1
        if tokens > limits.tokens:
            raise TooComplex("tokens", limits.tokens)
        if kind == "open":
            nesting += 1
            if nesting > limits.nesting:
                raise TooComplex("nesting", limits.nesting)
        elif kind == "close":
            nesting -= 1
    try:
        document = parse(query, max_lexical_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        at = (error.locations or [SourceLocation(1, 1)])[0]
        raise BadRequest(without_values(error.message), line=at.line, column=at.column) from None
    if _NUL_ESCAPE.search(query):
        visit(document, _RefuseNul())
    return document


_NUL_ESCAPE = re.compile(r"\\u(?:0000|\{0+\})")


class _RefuseNul(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        if "\x00" in node.value:
            raise BadRequest("A string holds a NUL character.")
