"""What a subgraph's container runs: `python -m deploy.docker.serve bids`; and that of the sandbox, by its name.

Takes secrets from the container's volume into the environment, brings the database to the newest
migration (replicas wait for each other by a lock in the database) and becomes the server.
"""

import os
import subprocess
import sys
from pathlib import Path


def main() -> None:
    name = sys.argv[1]
    secret_variables = Path("/secrets") / name / "env"
    if secret_variables.exists():
        for line in secret_variables.read_text().splitlines():
            variable, _, value = line.partition("=")
            os.environ[variable] = value
    host = "0.0.0.0"  # noqa: S104, it is the container's own address
    if name == "sandbox":
        server = [sys.executable, "-m", "sandbox", "--host", host, "--port", "8000", *sys.argv[2:]]
        os.execv(sys.executable, server)  # noqa: S606, every part of it is ours
    subprocess.run([sys.executable, "-m", "shared.database.migrate", f"subgraphs.{name}"], check=True)
    app = f"subgraphs.{name}.app:app"
    server = [sys.executable, "-m", "shared.process.serve", app, "--host", host, "--port", "8000"]
    os.execv(sys.executable, server)  # noqa: S606, every part of it is ours


if __name__ == "__main__":
    main()
