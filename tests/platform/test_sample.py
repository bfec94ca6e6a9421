"""Which rows of large tables a run takes (tests/support/sample.py)."""

import re

import pytest

pytest_plugins = ("pytester",)

_TABLES = """
import pytest

ROWS = [(who, number) for who in ("Ana", "Ben", "Cem") for number in range(100)]

@pytest.mark.table(share=1 / 10, kinds=lambda who, number: (who, "even" if number % 2 == 0 else "odd", number == 99))
@pytest.mark.parametrize(("who", "number"), ROWS)
def test_large(who, number):
    assert True

@pytest.mark.table(share=1 / 10, kinds=lambda who, number: (who, number))
@pytest.mark.parametrize(("who", "number"), ROWS)
class TestGroup:
    def test_of_many_kinds(self, who, number):
        pass

@pytest.mark.parametrize("number", range(100))
def test_without_a_sample(number):
    pass
"""

_FAILING = """
import pytest

@pytest.mark.table(share=0, kinds=lambda number: [number == 1])
@pytest.mark.parametrize("number", range(10))
def test_fails(number):
    assert number != 1
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    # Most of a start is what plugins import that have no part in this.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\nmarkers = table\naddopts = --strict-markers -p xdist -p tests.support.sample -v")
    pytester.makepyfile(test_it=_TABLES)
    return pytester


def passed(answer: pytest.RunResult, test: str) -> set[str]:
    return set(re.findall(rf"{test}(\[.+\]) PASSED", answer.stdout.str())) | set(
        re.findall(rf"PASSED .*{test}(\[.+\])", answer.stdout.str())
    )


def test_every_row_runs_unless_a_sample_is_asked_for(run: pytest.Pytester) -> None:
    run.runpytest_subprocess().assert_outcomes(passed=700)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sample_has_its_share_and_every_kind(run: pytest.Pytester, workers: int) -> None:
    answer = run.runpytest_subprocess("-n", str(workers), "--sample=7")
    large = passed(answer, "test_large")
    assert len(large) == 30
    assert {row.partition("-")[0] for row in large} == {"[Ana", "[Ben", "[Cem"}
    assert {int(row[:-1].partition("-")[2]) % 2 for row in large} == {0, 1}
    assert any(row.endswith("-99]") for row in large)
    many = passed(answer, "test_of_many_kinds")
    assert {int(row[:-1].partition("-")[2]) for row in many} == set(range(100))
    assert 100 <= len(many) <= 103
    assert passed(answer, "test_without_a_sample") == {f"[{number}]" for number in range(100)}
    answer.stdout.fnmatch_lines(["*`make test SEED=7` takes the same rows of tables again*"])


def test_all_workers_have_one_new_sample_that_its_seed_repeats(run: pytest.Pytester) -> None:
    # Workers that had collected differently would have refused to begin.
    first, second = (run.runpytest_subprocess("-n", "2", "--sample=new") for _ in range(2))
    sample = passed(first, "test_large")
    assert passed(second, "test_large") != sample
    seed = re.search(r"SEED=(\d+)", first.stdout.str())
    assert seed is not None
    assert passed(run.runpytest_subprocess(f"--sample={seed[1]}"), "test_large") == sample


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failure_says_how_to_have_it_again(run: pytest.Pytester, workers: int) -> None:
    run.makepyfile(test_it=_FAILING)
    answer = run.runpytest_subprocess("-n", str(workers), "--sample=7")
    answer.assert_outcomes(passed=1, failed=1)
    answer.stdout.fnmatch_lines(["*make test SEED=7*pytest 'test_it.py::test_fails[[]1[]]'` runs this test alone"])


def test_a_row_that_is_asked_for_by_its_name_runs(run: pytest.Pytester) -> None:
    for number in (0, 2):
        run.runpytest_subprocess(f"test_it.py::test_large[Ana-{number}]", "--sample=7").assert_outcomes(passed=1)
