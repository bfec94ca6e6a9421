"""In which order tests run, on which worker, and how often: `timing` tests last, alone, three times at most."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

# What runs on the whole system.
WHOLE_SYSTEM: Final = tuple(Path(__file__).parents[1] / name for name in ("abuse", "e2e", "fuzz"))

_TIMING: Final = "timing"

# A pause adds to what is measured and never takes away, so one attempt within the bound shows that it is kept.
# What other exceptions say is no matter of time.
_ATTEMPTS: Final = pytest.mark.flaky(reruns=2, only_rerun=[AssertionError, "Timeout"])

# Where workers say which tests are `timing`: xdist brings the ids of tests to the scheduler and nothing else.
_timing_tests = pytest.StashKey[Path]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Puts `timing` tests last, among them last those on the whole system, which stays once it is started.

    Keeps folders in their order, and files of tests on the whole system: pytest would run all asynchronous tests first,
    for they share a loop. Within a folder it brings together what shares a process, such as a router.

    Gives the tests that share the whole system the time that its start takes the first of them.
    """
    places = {place: number for number, place in enumerate(dict.fromkeys(map(_place, items)))}
    yield

    def key(item: pytest.Item) -> tuple[bool, bool, int]:
        is_timing = _is_timing(item)
        return is_timing, is_timing and _is_on_whole_system(item), places[_place(item)]

    items.sort(key=key)
    for item in items:
        if _is_timing(item):
            item.add_marker(_ATTEMPTS)
        if _is_on_whole_system(item) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(400))


def _place(item: pytest.Item) -> Path:
    return item.path if _is_on_whole_system(item) else item.path.parent


def _is_on_whole_system(item: pytest.Item) -> bool:
    return not set(WHOLE_SYSTEM).isdisjoint(item.path.parents)


def _is_timing(item: pytest.Item) -> bool:
    return item.get_closest_marker(_TIMING) is not None


class _Scheduler(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Sends everything that shares the whole system to one worker, where it runs one after the other.

    xdist's own groups do the same by way of a private attribute that pytest 9.2 no longer has.

    The `timing` tests wait until one worker is left. It still has its last other test then, for a worker begins a test
    when it knows the next one.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid in self._timing:
            return _TIMING
        return "e2e" if nodeid.startswith(tuple(f"tests/{folder.name}/" for folder in WHOLE_SYSTEM)) else nodeid

    def schedule(self) -> None:
        self._timing = frozenset(self.config.stash[_timing_tests].read_text().splitlines())
        super().schedule()

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Forgets a scope that is complete, or each later test would have all of them counted again."""
        super().mark_test_complete(node, item_index, duration)
        scopes = self.assigned_work[node]
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(scopes[scope].values()):
            del scopes[scope]

    def remove_node(self, node: Any) -> str | None:
        crashed: str | None = super().remove_node(node)
        for left in self.nodes:
            self._reschedule(left)
        return crashed

    def _assign_work_unit(self, node: Any) -> None:
        if _TIMING in self.workqueue:
            self.workqueue.move_to_end(_TIMING)
        if not self._only_timing_is_left():
            super()._assign_work_unit(node)
        elif len(self.nodes) == 1:
            super()._assign_work_unit(node)
            node.shutdown()

    def _reschedule(self, node: Any) -> None:
        if not self._only_timing_is_left() or len(self.nodes) == 1:
            super()._reschedule(node)
        elif self._pending_of(self.assigned_work[node]) <= 2 and not self._is_last(node):
            node.shutdown()

    def _only_timing_is_left(self) -> bool:
        return list(self.workqueue) == [_TIMING]

    def _is_last(self, node: Any) -> bool:
        return all(other.shutting_down for other in self.nodes if other is not node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Replaces xdist's scheduler."""
    return _Scheduler(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="timing-tests-")
        config.add_cleanup(folder.cleanup)
        config.stash[_timing_tests] = Path(folder.name) / "ids"


def pytest_configure_node(node: Any) -> None:
    node.workerinput[_TIMING] = str(node.config.stash[_timing_tests])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    if given := getattr(session.config, "workerinput", {}).get(_TIMING):
        Path(given).write_text("\n".join(item.nodeid for item in session.items if _is_timing(item)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names each test that needed more than one attempt, and what failed in the others."""
    if failed := terminalreporter.stats.get("rerun"):
        terminalreporter.section("timing tests that needed another attempt")
        for report in failed:
            terminalreporter.write_line(f"{report.nodeid}: {_reason(report)}")


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return (crash.message if crash else str(report.longrepr)).partition("\n")[0]
