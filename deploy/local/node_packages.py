"""npm packages of the folders that have a lock file, and the bundle of the admins' console."""

import shutil
from pathlib import Path

from deploy.local import commands, stamps
from deploy.local.layout import CACHE, REPOSITORY
from deploy.local.processes import StartFailed

CONSOLE = REPOSITORY / "edge" / "console"
COMPOSER = REPOSITORY / "supergraph" / "composer"


async def install(folder: Path) -> bool:
    """`npm ci` where the lock file is not the one that is installed. Returns whether it ran."""
    lock = folder / "package-lock.json"
    if not lock.exists():
        return False
    async with commands.only_one(_lock(folder)):
        stamp, value = folder / "node_modules" / ".installed", stamps.digest([lock])
        if stamps.is_current(stamp, value):
            return False
        await _npm(folder, "ci", "--no-audit", "--no-fund", "--loglevel=error")
        stamps.set_current(stamp, value)
        return True


async def build_console() -> bool:
    """Bundles the console where its sources have changed. Returns whether it ran."""
    if not (CONSOLE / "package.json").exists():
        return False
    installed = await install(CONSOLE)
    async with commands.only_one(_lock(CONSOLE)):
        stamp, value = CONSOLE / "dist" / ".built", stamps.digest([CONSOLE])
        if stamps.is_current(stamp, value) and not installed:
            return False
        await _npm(CONSOLE, "run", "--silent", "build")
        stamps.set_current(stamp, value)
        return True


def _lock(folder: Path) -> Path:
    return CACHE / f"npm-{'-'.join(folder.relative_to(REPOSITORY).parts)}.lock"


async def _npm(folder: Path, *arguments: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise StartFailed("npm is not on PATH. `make up` installs it.")
    await commands.run((npm, *arguments), f"npm {arguments[0]} failed in {folder.relative_to(REPOSITORY)}", folder)
