"""What a run says about its time, before pytest's closing line: its ten slowest tests and each folder."""

from collections import Counter
from pathlib import PurePosixPath

import pytest

_SLOWEST = 10


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With set-up and tear-down, which the first of those that share something bear for all, and with every attempt."""
    tests: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                tests[report.nodeid] += report.duration
    folders: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for nodeid, seconds in tests.items():
        folder = str(PurePosixPath(nodeid.partition("::")[0]).parent)
        folders[folder] += seconds
        numbers[folder] += 1
    if len(folders) < 2:
        return
    terminalreporter.section(f"{_SLOWEST} slowest tests")
    for nodeid, seconds in tests.most_common(_SLOWEST):
        terminalreporter.write_line(f"{seconds:8.1f} s  {nodeid}")
    terminalreporter.section("folders")
    for folder, seconds in folders.most_common():
        terminalreporter.write_line(f"{seconds:8.1f} s  {numbers[folder]:6} tests  {folder}")
