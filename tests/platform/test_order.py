"""How the suite runs its `timing` tests (tests/support/order.py), and what it says of its time (report.py)."""

import json
from pathlib import Path

import pytest

pytest_plugins = ("pytester",)

# Two files that keep a worker busy beside one with tests of both kinds.
_BUSY = """
import time

import pytest

@pytest.mark.parametrize("number", range(4))
def test_ordinary(number, note):
    time.sleep(0.1)
"""
_MIXED = """
import pytest

@pytest.mark.timing
@pytest.mark.parametrize("number", range(3))
def test_bound(number, note):
    pass

def test_ordinary(note):
    pass
"""
_CONFTEST = """
import json, os, time
import pytest

@pytest.fixture(scope="session")
def of_the_session():
    yield
    time.sleep(0.5)
    log("end of the session")

@pytest.fixture
def note(request, of_the_session):
    log(f"begin {request.node.name}")
    yield
    log(f"end {request.node.name}")

def log(what):
    with open("log", "a") as file:
        file.write(json.dumps([what, os.environ.get("PYTEST_XDIST_WORKER")]) + "\\n")
"""
_ATTEMPTS = """
from pathlib import Path
import pytest

def attempt(name):
    log = Path(name)
    log.write_text(log.read_text() + "." if log.exists() else ".")
    return len(log.read_text())

@pytest.mark.timing
def test_holds_the_third_time():
    assert 0.5 / attempt("third") < 0.2, "took too long"

@pytest.mark.timing
def test_never_holds():
    attempt("never")
    raise TimeoutError

@pytest.mark.timing
def test_breaks():
    attempt("breaks")
    raise KeyError("other")

def test_ordinary():
    attempt("ordinary")
    assert False
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    # Most of a start is what plugins import that have no part in this.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("xdist", "pytest_rerunfailures", "pytest_timeout", "tests.support.order", "tests.support.report")
    options = " ".join(f"-p {name}" for name in plugins)
    pytester.makeini(f"[pytest]\nmarkers = timing\naddopts = --strict-markers {options}")
    return pytester


def log(folder: Path) -> list[tuple[str, str]]:
    return [tuple(json.loads(line)) for line in (folder / "log").read_text().splitlines()]


@pytest.mark.parametrize("files", [("test_a", "test_b"), ("test_a",), ()])
def test_timing_tests_run_alone_after_all_others(run: pytest.Pytester, files: tuple[str, ...]) -> None:
    run.makeconftest(_CONFTEST)
    run.makepyfile(test_0=_MIXED, **dict.fromkeys(files, _BUSY))
    answer = run.runpytest_subprocess("-n", "2", "--dist", "loadscope")
    answer.assert_outcomes(passed=4 + 4 * len(files))
    done = log(run.path)
    first = next(number for number, (what, _) in enumerate(done) if "bound" in what)
    worker = done[first][1]
    assert {by for _, by in done[first:]} == {worker}
    assert [what for what, _ in done[first:-1]] == [
        f"{moment} test_bound[{number}]" for number in range(3) for moment in ("begin", "end")
    ]
    # What the other worker had running for all of its tests is gone.
    others = {by for _, by in done} - {worker}
    assert [by for what, by in done[:first] if what == "end of the session"] == list(others)


def test_timing_tests_run_last_in_one_process_too(run: pytest.Pytester) -> None:
    run.makeconftest(_CONFTEST)
    run.makepyfile(test_0=_MIXED, test_a=_BUSY)
    run.runpytest_subprocess().assert_outcomes(passed=8)
    begun = [what for what, _ in log(run.path) if what.startswith("begin")]
    assert begun[-3:] == [f"begin test_bound[{number}]" for number in range(3)]


@pytest.mark.parametrize("workers", [0, 2])
def test_only_a_bound_is_tried_again(run: pytest.Pytester, workers: int) -> None:
    run.makepyfile(_ATTEMPTS)
    answer = run.runpytest_subprocess("-n", str(workers))
    assert {name: len((run.path / name).read_text()) for name in ("third", "never", "breaks", "ordinary")} == {
        "third": 3,
        "never": 3,
        "breaks": 1,
        "ordinary": 1,
    }
    answer.stdout.fnmatch_lines(
        [
            "*timing tests that needed another attempt*",
            "*::test_holds_the_third_time: AssertionError: took too long",
            "*::test_holds_the_third_time: AssertionError: took too long",
            "*::test_never_holds: TimeoutError",
            "*::test_never_holds: TimeoutError",
        ]
    )
    answer.stdout.re_match_lines([r"=* 3 failed, 1 passed, 4 rerun in .*"])


def test_a_run_of_several_folders_ends_with_its_slowest_tests_and_their_time(run: pytest.Pytester) -> None:
    for folder in ("one", "two"):
        for number in range(6):
            file = run.mkpydir(folder) if number == 0 else run.path / folder
            (file / f"test_{number}.py").write_text(
                f"import time\ndef test_it(): time.sleep({0.3 if (folder, number) == ('two', 3) else 0})"
            )
    lines = run.runpytest_subprocess("-n", "2").outlines
    begin = next(number for number, line in enumerate(lines) if " 10 slowest tests " in line)
    assert lines[begin + 1].endswith(" s  two/test_3.py::test_it")
    assert " folders " in lines[begin + 11]
    assert [line.split()[2:] for line in lines[begin + 12 : -1]] == [["6", "tests", "two"], ["6", "tests", "one"]]
    assert "12 passed" in lines[-1]
    assert " slowest tests " not in run.runpytest_subprocess("one").stdout.str()
