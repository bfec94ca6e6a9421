"""Composes the subgraphs: `python -m supergraph.compose [--check] [--against REVISION]`.

Prints each subgraph's SDL, composes the supergraph out of them and prints the public API schema.
"""

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml
from graphql import build_schema, lexicographic_sort_schema, print_schema

from supergraph.breaking import breaking_changes

REPOSITORY = Path(__file__).resolve().parents[1]
COMPOSER = REPOSITORY / "supergraph" / "composer"
CONFIGURATION = Path("supergraph/supergraph.yaml")
SUPERGRAPH = Path("supergraph/supergraph.graphql")
API = Path("schema.graphql")
GENERATED = "# Written by `make compose`; do not edit.\n\n"


class CompositionError(Exception):
    """The graph cannot be composed; the message says of each reason what to change."""


@dataclass(frozen=True)
class Subgraph:
    """One entry of supergraph.yaml. `schema` is relative to the repository, `url` the local default."""

    name: str
    module: str
    schema: Path
    url: str


def subgraphs(root: Path) -> list[Subgraph]:
    """The subgraphs of the repository at `root`, by name, so that what is composed has one order."""
    entries: dict[str, dict[str, str]] = yaml.safe_load((root / CONFIGURATION).read_text())["subgraphs"]
    return [
        Subgraph(name, entry["module"], Path(entry["schema"]), entry["url"]) for name, entry in sorted(entries.items())
    ]


def compose(root: Path = REPOSITORY) -> dict[Path, str]:
    """All generated files of the graph by their path below `root`. Writes nothing.

    Raises CompositionError where a subgraph cannot be printed or the subgraphs do not fit together.
    """
    graph = subgraphs(root)
    # Each in a process of its own: subgraphs never share one, and their types' names may clash.
    with ThreadPoolExecutor(max_workers=2) as pool:
        printed = dict(zip(graph, pool.map(lambda subgraph: _print_sdl(root, subgraph), graph), strict=True))
    supergraph, api = _compose_sdl(printed)
    sorted_api = print_schema(lexicographic_sort_schema(build_schema(api)))
    files = {subgraph.schema: GENERATED + sdl for subgraph, sdl in printed.items()}
    return files | {
        SUPERGRAPH: GENERATED + supergraph.rstrip() + "\n",
        API: GENERATED + sorted_api.rstrip() + "\n",
    }


def drift(root: Path, files: dict[Path, str]) -> list[str]:
    """A unified diff for each file that is not what composition gives."""
    diffs = []
    for path, text in files.items():
        committed = (root / path).read_text() if (root / path).exists() else ""
        if committed != text:
            lines = difflib.unified_diff(
                committed.splitlines(), text.splitlines(), f"{path} (committed)", f"{path} (composed)", lineterm=""
            )
            diffs.append("\n".join(lines))
    return diffs


def write(root: Path, files: dict[Path, str]) -> list[Path]:
    """Writes the files that changed, and returns their paths.

    In place, because what watches a file or has it mounted into a container misses an atomic rename; and
    longer than before first, shorter last, so that a reader sees no file that was cut to nothing.
    """
    changed = []
    for path, text in files.items():
        target = root / path
        content = text.encode()
        if target.exists() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
        finally:
            os.close(descriptor)
        changed.append(path)
    return changed


def committed_api(root: Path, revision: str) -> str | None:
    """The public schema at a revision of the repository, None where there was none."""
    shown = subprocess.run(
        ["git", "-C", str(root), "show", f"{revision}:./{API}"], capture_output=True, text=True, check=False
    )
    return shown.stdout if shown.returncode == 0 else None


def _print_sdl(root: Path, subgraph: Subgraph) -> str:
    search_path = os.pathsep.join([str(root), str(REPOSITORY)])
    printed = subprocess.run(
        [sys.executable, "-m", "shared.printing.schema", f"{subgraph.module}:schema"],
        cwd=root, env={**os.environ, "PYTHONPATH": search_path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if printed.returncode:
        raise CompositionError(f"The schema of {subgraph.name} cannot be printed:\n{printed.stderr.strip()}")
    return printed.stdout.strip() + "\n"


def _compose_sdl(printed: dict[Subgraph, str]) -> tuple[str, str]:
    """The supergraph and the public API schema."""
    _install_composer()
    services = [{"name": subgraph.name, "url": subgraph.url, "typeDefs": sdl} for subgraph, sdl in printed.items()]
    composed = subprocess.run(
        [_tool("node"), "compose.mjs"], cwd=COMPOSER, input=json.dumps(services), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if composed.returncode:
        raise CompositionError(f"The composer failed:\n{composed.stderr.strip()}")
    result = json.loads(composed.stdout)
    if "errors" in result:
        raise CompositionError("The subgraphs do not compose:\n" + "\n".join(f"- {e}" for e in result["errors"]))
    return result["supergraph"], result["api"]


def _install_composer() -> None:
    """`npm ci` where the lock file is newer than what is installed."""
    lock, installed = COMPOSER / "package-lock.json", COMPOSER / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    npm = subprocess.run(
        [_tool("npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=COMPOSER, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if npm.returncode:
        raise CompositionError(f"The composer cannot be installed:\n{npm.stderr.strip()}")


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CompositionError(f"{name} is not on PATH; `make up` installs it.")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on drift and breaking changes")
    parser.add_argument("--against", default="HEAD", metavar="REVISION", help="compare the API with this revision's")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root: Path = options.root.resolve()

    try:
        files = compose(root)
    except CompositionError as error:
        print(error, file=sys.stderr)
        return 1
    before = committed_api(root, options.against)
    breaking = breaking_changes(before, files[API]) if before else []
    if breaking:
        print(f"Breaking changes of the API since {options.against}:", *breaking, sep="\n- ", file=sys.stderr)
    if not options.check:
        for path in write(root, files):
            print(f"wrote {path}")
        return 0
    diffs = drift(root, files)
    if diffs:
        print(*diffs, "Run `make compose` and commit what it writes.", sep="\n", file=sys.stderr)
    return 1 if breaking or diffs else 0


if __name__ == "__main__":
    sys.exit(main())
