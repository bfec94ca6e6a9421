"""More processes of the whole system's subgraphs, beside those that it runs."""

import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import subgraph_server
from deploy.local.stack import Stack
from tests.supergraph.conftest import Process


def replica(stack: Stack, name: str, port: int, folder: Path, environment: Mapping[str, str]) -> Process:
    """One more process of a subgraph on the same databases, with other settings."""
    return Process(
        [sys.executable, "-m", "shared.process.serve", f"subgraphs.{name}.app:app", "--port", str(port)],
        f"http://127.0.0.1:{port}/readyz",
        folder / f"{name}.log",
        {**subgraph_server.environment(stack.instance, name), **environment},
        start_seconds=90,
    )
