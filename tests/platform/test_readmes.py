"""The statuses in each subgraph's README are those of its rules."""

import importlib
import pkgutil
from types import ModuleType

import pytest

from shared.transitions import markdown
from tests.platform.test_boundaries import ROOT, SUBGRAPHS


def rules_of(name: str) -> list[ModuleType]:
    """The subgraph's rules: one module, or a package with one for each noun."""
    rules = importlib.import_module(f"subgraphs.{name}.rules")
    inside = pkgutil.iter_modules(getattr(rules, "__path__", []), f"{rules.__name__}.")
    return [rules, *(importlib.import_module(module.name) for module in inside)]


def documented() -> list[tuple[str, str]]:
    """Each module of rules that has a table of transitions, with its subgraph."""
    return [
        (path.name, module.__name__)
        for path in SUBGRAPHS
        for module in rules_of(path.name)
        if hasattr(module, "TRANSITIONS")
    ]


def test_there_is_something_to_look_at() -> None:
    assert {"bids", "tasks", "users"} <= {subgraph for subgraph, _ in documented()}


@pytest.mark.parametrize(("subgraph", "module"), documented())
def test_the_readme_has_the_table_of_the_rules(subgraph: str, module: str) -> None:
    expected = markdown(importlib.import_module(module).TRANSITIONS)
    readme = (ROOT / "subgraphs" / subgraph / "README.md").read_text()
    assert f"\n{expected.strip()}\n\n" in readme
