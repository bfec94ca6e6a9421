"""Running a command of the set-up to its end, and keeping two set-ups out of each other's way."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from deploy.local.processes import StartFailed, kill_group


async def run(
    command: Sequence[str | Path],
    failure: str,
    cwd: Path = Path("/"),
    env: Mapping[str, str] | None = None,
    quiet: bool = True,
) -> str:
    """Runs a command that ends with the caller and returns what it printed; not `quiet`: it prints itself.

    Raises StartFailed with the end of what it printed.
    """
    setpriv = shutil.which("setpriv") or "/usr/bin/setpriv"
    process = await asyncio.create_subprocess_exec(
        setpriv, "--pdeathsig", "KILL", *command, cwd=cwd, env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None, start_new_session=True,
    )  # fmt: skip
    try:
        output = ((await process.communicate())[0] or b"").decode(errors="replace")
    except asyncio.CancelledError:
        kill_group(process.pid)
        raise
    if process.returncode:
        raise StartFailed(f"{failure}:\n{output[-3000:].strip()}")
    return output


@contextlib.asynccontextmanager
async def only_one(lock: Path) -> AsyncIterator[None]:
    """Waits until no other process is in the block that this lock file guards."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.2)
        yield
