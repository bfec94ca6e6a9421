"""Composition of the sample graph in a repository of its own, and of the real one."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from graphql import build_schema

from supergraph import compose
from supergraph.router import command
from tests.supergraph.conftest import REPOSITORY


@dataclass
class Outcome:
    """What a run of the command line printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Outcome:
        code = compose.main(["--root", str(root), *arguments])
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


@pytest.fixture
def root(graph: Path, tmp_path: Path) -> Path:
    """A repository with the sample graph, composed and committed."""
    copy = tmp_path / "repository"
    shutil.copytree(graph, copy, ignore=shutil.ignore_patterns("__pycache__", "*.log", "*.yaml.*", "hive-router-*"))
    git(copy, "init", "-q")
    commit(copy)
    return copy


def git(root: Path, *arguments: str) -> None:
    author = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", "-C", str(root), *author, *arguments], check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-qm", "state")


def edit(root: Path, before: str, after: str) -> None:
    source = root / "sample" / "tasks.py"
    text = source.read_text()
    assert before in text
    source.write_text(text.replace(before, after))


TITLE = 'title: str = strawberry.field(description="What is to be done.")'


def test_composition_writes_all_files_and_the_same_each_time(root: Path, run: Run) -> None:
    api = (root / compose.API).read_text()

    assert run("--check").code == 0
    assert run().stdout == ""
    assert '"""What is to be done."""\n  title: String!' in api
    assert '@deprecated(reason: "Use title.")' in api
    assert not [name for name in build_schema(api).type_map if "join__" in name or "link__" in name or name == "_Any"]
    assert api.index("type BidEvent") < api.index("type Query") < api.index("type Task")
    assert '@join__graph(name: "bids", url: "http://127.0.0.1:8012/graphql")' in (root / compose.SUPERGRAPH).read_text()


def test_check_fails_on_drift_and_writes_nothing(root: Path, run: Run) -> None:
    before = {path: path.read_text() for path in (root / "sample" / "tasks.graphql", root / compose.API)}
    edit(root, TITLE, TITLE + '\n    notes: str | None = strawberry.field(default=None, description="Notes.")')

    checked = run("--check")

    assert checked.code == 1
    assert "+  notes: String" in checked.stderr
    assert "Breaking" not in checked.stderr
    assert {path: path.read_text() for path in before} == before
    assert run().stdout.split() == [
        "wrote", "sample/tasks.graphql", "wrote", "supergraph/supergraph.graphql", "wrote", "schema.graphql",
    ]  # fmt: skip
    assert run("--check").code == 0


def test_check_fails_on_a_breaking_change_even_when_the_files_are_written(root: Path, run: Run) -> None:
    edit(root, TITLE, TITLE.replace("title", "heading"))
    edit(root, "title=f", "heading=f")
    written = run()
    assert "Task.title was removed." in written.stderr

    checked = run("--check")
    assert checked.code == 1
    assert "Task.title was removed." in checked.stderr

    commit(root)
    assert run("--check").code == 0
    assert run("--check", "--against", "HEAD~1").code == 1


def test_subgraphs_that_do_not_fit_together_are_refused_with_the_reason(root: Path, run: Run) -> None:
    source = root / "sample" / "bids.py"
    source.write_text(source.read_text().replace("def bid_count(self) -> int", "def title(self) -> int"))

    refused = run()

    assert refused.code == 1
    assert "The subgraphs do not compose" in refused.stderr
    assert "title" in refused.stderr


def test_a_subgraph_that_cannot_be_printed_is_named(root: Path, run: Run) -> None:
    edit(root, "schema = strawberry", "schema = nothing.strawberry")

    refused = run()

    assert refused.code == 1
    assert "The schema of tasks cannot be printed" in refused.stderr


def test_files_are_rewritten_in_place(root: Path, run: Run) -> None:
    """What watches a file or has it mounted into a container does not see one that takes its place."""
    supergraph = root / compose.SUPERGRAPH
    inode, long = supergraph.stat().st_ino, supergraph.read_text() + "# longer\n" * 100
    supergraph.write_text(long)

    run()

    assert supergraph.stat().st_ino == inode
    assert len(supergraph.read_text()) < len(long)


def test_the_real_graph_is_composed_and_committed() -> None:
    assert compose.drift(REPOSITORY, compose.compose()) == []


def test_each_subgraph_has_an_address_that_a_deployment_can_set() -> None:
    configured = yaml.safe_load(command.CONFIGURATION.read_text())["override_subgraph_urls"]["subgraphs"]

    assert configured == {
        subgraph.name: {"url": {"from_env": f"SUBGRAPH_URL_{subgraph.name.upper()}", "default": subgraph.url}}
        for subgraph in compose.subgraphs(REPOSITORY)
    }
