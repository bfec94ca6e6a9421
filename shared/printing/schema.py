"""Prints a subgraph's SDL: `python -m shared.printing.schema subgraphs.bids.schema:schema`."""

import importlib
import sys

from strawberry.federation import Schema


def sdl(target: str) -> str:
    """The SDL of the schema at `module:attribute`, federation directives included."""
    module, _, attribute = target.partition(":")
    schema: Schema = getattr(importlib.import_module(module), attribute or "schema")
    return schema.as_str() + "\n"


if __name__ == "__main__":
    sys.stdout.write(sdl(sys.argv[1]))
