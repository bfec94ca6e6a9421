"""Writes docs/authorization.md from each subgraph's `access.py`; `--check` fails if it is not what it would write.

python -m shared.printing.access [--check]
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from graphql import parse

from shared.access import VALUE, Declaration, Mutation, Object, Who
from shared.matrix import Cell, cells, field_of, problems
from shared.printing.schema import sdl

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "docs" / "authorization.md"

_HEAD = """\
# Authorization matrix

Printed from each subgraph's `access.py` by `python -m shared.printing.access`; do not edit.

What each of eight actors is answered, for every field of every type, every query, mutation and subscription. Each
cell is asked for real, straight at the subgraph (for entities by `_entities` too) and through edge and router, by
`tests/e2e/test_authorization.py`. A field without a row fails `tests/platform/test_access.py`.

The actors: *anonymous* sends no token. *Owner*, *tasker* and *poster* are relative to the object that a row is
about; each subgraph's first table says who they are. *Other user* has the roles POSTER and TASKER and no part in the
object. *Support* and *admin* have these roles, no part in it, and the scope of their name. *Suspended* is the
owner of such an object who was suspended and still holds the token.

| answer | means |
| --- | --- |
| yes | the value; of a list, the object is in it; a mutation is done; a subscription delivers |
| own | a value, but the caller's own: the object is not in it |
| null | null |
| empty | an empty list or page, a count of 0, a mutation that found nothing to do |
| silent | a subscription that opens and gives nothing of the object |
| ends | a subscription that was open at the suspension ends with `UNAUTHENTICATED`, and so is the next one answered |
| anew | a mutation that is sent again and done once more |
| `CODE` | the code of a top-level error, or of a mutation's `userErrors`; nothing has changed |

Beside a token that has ended nothing goes on but what leads to a session, so who is suspended is answered
`UNAUTHENTICATED` to all else; without the token they are anonymous.

A mutation that is sent again by the same person, as after an answer that was lost, is answered as if it were done now,
with what is now, and nothing more happens: because it carries the same `idempotencyKey`, or because the object is where
the same command of the same person has led it. Those that are answered otherwise stand at the end of each subgraph.
"""
_ANYBODY = "anybody of that role"


def subgraphs() -> list[str]:
    """The names of all subgraphs."""
    return sorted(path.parent.name for path in (ROOT / "subgraphs").glob("*/app.py"))


def declarations(subgraph: str) -> Sequence[Declaration]:
    """What a subgraph's `access.py` declares."""
    declared: Sequence[Declaration] = importlib.import_module(f"subgraphs.{subgraph}.access").ACCESS
    return declared


def matrix(subgraph: str) -> list[Cell]:
    """Every cell of a subgraph."""
    return cells(subgraph, parse(sdl(f"subgraphs.{subgraph}.schema:schema")), declarations(subgraph))


def undeclared(subgraph: str) -> list[str]:
    """What a subgraph's `access.py` lacks or has too much, a line each."""
    return problems(parse(sdl(f"subgraphs.{subgraph}.schema:schema")), declarations(subgraph))


def render() -> str:
    """The text of docs/authorization.md."""
    return "\n".join([_HEAD, *(line for name in subgraphs() for line in _subgraph(name))])


def _subgraph(name: str) -> Iterator[str]:
    yield f"## {name}\n"
    yield "| object | what it is | owner | tasker | poster |"
    yield "| --- | --- | --- | --- | --- |"
    for each in declarations(name):
        if isinstance(each, Object):
            people = (each.owner, each.tasker or _ANYBODY, each.poster or _ANYBODY)
            yield f"| {each.name} | {each.description} | {' | '.join(people)} |"
    yield ""
    by_type: dict[str, list[Cell]] = {}
    for cell in matrix(name):
        by_type.setdefault(cell.type, []).append(cell)
    for type_, listed in sorted(by_type.items(), key=lambda item: (item[0] not in _ROOTS, item[0])):
        yield f"### {name}: {type_}\n"
        yield f"| field | about | {' | '.join(Who)} |"
        yield f"| --- | --- |{' --- |' * len(Who)}"
        for (place, answers), fields in groupby(_rows(listed), key=lambda row: row[1:]):
            names = ", ".join(f"`{field}`" for field, *_ in fields)
            yield f"| {names} | {place} | {' | '.join(answers)} |"
        yield ""
    otherwise = {
        field_of(each.at): each.again
        for each in declarations(name)
        if isinstance(each, Mutation) and each.again is not VALUE
    }
    if otherwise:
        yield f"### {name}: sent again\n"
        yield "| mutation | answer |"
        yield "| --- | --- |"
        yield from (f"| `{field}` | {again} |" for field, again in sorted(otherwise.items()))
        yield ""


_ROOTS = ("Query", "Mutation", "Subscription")


def _rows(listed: Sequence[Cell]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Field, object and answers of each row of a type, in the order in which they are declared."""
    size = len(Who)
    for start in range(0, len(listed), size):
        row = listed[start : start + size]
        yield row[0].field, row[0].place, tuple(str(cell.answer) for cell in row)


def main() -> int:
    """Writes docs/authorization.md; with `--check` answers 1 if it is not up to date."""
    text = render()
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text:
            print("docs/authorization.md is not what the subgraphs declare: run python -m shared.printing.access")
            return 1
        return 0
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
