"""The statuses in each subgraph's README are those of its rules."""

import importlib

import pytest

from shared.transitions import markdown
from tests.platform.test_boundaries import ROOT, SUBGRAPHS


def documented() -> list[str]:
    """The subgraphs that have a table of transitions."""
    names = [path.name for path in SUBGRAPHS]
    return [name for name in names if hasattr(importlib.import_module(f"subgraphs.{name}.rules"), "TRANSITIONS")]


def test_there_is_something_to_look_at() -> None:
    assert {"bids", "tasks", "users"} <= set(documented())


@pytest.mark.parametrize("name", documented())
def test_the_readme_has_the_table_of_the_rules(name: str) -> None:
    rules = importlib.import_module(f"subgraphs.{name}.rules")
    lines = (ROOT / "subgraphs" / name / "README.md").read_text().splitlines()
    head, *_ = expected = markdown(rules.TRANSITIONS).splitlines()
    start = lines.index(head)
    assert lines[start : start + len(expected) + 1] == [*expected, ""]
