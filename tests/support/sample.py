"""Which rows of large tables a run takes: with `--sample` some of each, drawn anew for each run; without it all.

`@pytest.mark.table(share=…, kinds=…)` stands beside the parameters of such a test. `kinds` is given the parameters of a
row and answers of what kinds it is; at least one row of each kind is taken, and of the whole table at least `share`.
"""

import random
import shlex
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from math import ceil
from typing import Any, Final

import pytest

_TABLE: Final = "table"
_NEW: Final = "new"
_SEED: Final = "sample"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sample",
        metavar="SEED",
        type=lambda seed: seed if seed == _NEW else int(seed),
        help=f"take a sample of each table instead of all of its rows; `--sample={_NEW}` draws a new one",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.option.sample == _NEW:
        drawn = random.SystemRandom().randrange(1_000_000)
        config.option.sample = getattr(config, "workerinput", {}).get(_SEED, drawn)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Has all workers take what was drawn here: xdist gives them the command line as it was."""
    node.workerinput[_SEED] = node.config.option.sample


def pytest_report_header(config: pytest.Config) -> str | None:
    return None if config.option.sample is None else f"sample: {_hint(config)}"


def _hint(config: pytest.Config) -> str:
    return f"`make test SEED={config.option.sample}` takes the same rows of tables again, `make test-all` takes all"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.sample is None:
        return
    tables: dict[str, list[pytest.Function]] = {}
    for item in items:
        if item.get_closest_marker(_TABLE) and isinstance(item, pytest.Function):
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = {row for name, rows in tables.items() for row in _left_out(rows, f"{config.option.sample} {name}")}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _left_out(rows: Sequence[pytest.Function], seed: str) -> list[pytest.Function]:
    marker = next(rows[0].iter_markers(_TABLE))
    kinds: Callable[..., Iterable[Hashable]] = marker.kwargs["kinds"]
    seen: set[Hashable] = set()
    rest = []
    for row in random.Random(seed).sample(rows, len(rows)):
        # pytest-asyncio has a parameter of its own.
        parameters = {name: value for name, value in row.callspec.params.items() if not name.startswith("_")}
        new = set(kinds(**parameters)) - seen
        seen |= new
        if not new:
            rest.append(row)
    taken = len(rows) - len(rest)
    return rest[max(0, ceil(marker.kwargs["share"] * len(rows)) - taken) :]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Says with each failure how the run is had again, and the test alone."""
    report = yield
    if report.failed and item.config.option.sample is not None:
        alone = f"`.venv/bin/python -m pytest {shlex.quote(item.nodeid)}` runs this test alone"
        report.sections.append(("sample", f"{_hint(item.config)}; {alone}"))
    return report
