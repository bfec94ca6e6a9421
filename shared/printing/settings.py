"""Prints docs/configuration.md: `python -m shared.printing.settings > docs/configuration.md`."""

import sys
import types
from enum import Enum
from pathlib import Path
from typing import Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from shared.config import Settings

_INTRODUCTION = """# Configuration

What a subgraph process reads from its environment. Every subgraph takes the same variables, each with
its own values. A process does not start when a required one is missing or one does not fit its type.

This page is printed from `shared/config.py`; to change it, change that and run
`python -m shared.printing.settings > docs/configuration.md`.

| variable | type | default | meaning |
| --- | --- | --- | --- |
"""

_TYPE_NAMES: dict[object, str] = {
    bool: "true or false",
    float: "number",
    int: "whole number",
    Path: "path",
    SecretStr: "secret",
    dict[str, int]: "JSON",
    str: "text",
}


def markdown() -> str:
    """docs/configuration.md: every setting with its type, default and meaning."""
    prefix = Settings.model_config["env_prefix"]
    rows = [_row(f"{prefix}{name.upper()}", field) for name, field in Settings.model_fields.items()]
    return _INTRODUCTION + "\n".join(rows) + "\n"


def _row(variable: str, field: FieldInfo) -> str:
    kind = _type_name(field.annotation) + _bounds(field)
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{variable}` | {kind} | {_default(field)} | {meaning} |"


def _type_name(annotation: object) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (Union, types.UnionType):
        return ", ".join(_type_name(each) for each in get_args(annotation) if each is not type(None))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return _TYPE_NAMES[annotation]


def _bounds(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {getattr(constraint, name)}"
        for constraint in field.metadata
        for name, sign in signs.items()
        if getattr(constraint, name, None) is not None
    ]
    return f" {', '.join(bounds)}" if bounds else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default in (None, ""):
        return "none"
    return f"`{field.default}`"


if __name__ == "__main__":
    sys.stdout.write(markdown())
