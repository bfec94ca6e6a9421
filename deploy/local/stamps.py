"""Skipping what was already done: a step is done again only when one of its inputs has changed."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from deploy.local.layout import REPOSITORY

_IGNORED = {"node_modules", "__pycache__", "dist"}


def digest(paths: Iterable[Path]) -> str:
    """A hash of the names and contents of files and of everything in folders."""
    result = hashlib.sha256()
    for path in sorted(_files(paths)):
        result.update(f"{path.relative_to(REPOSITORY)}\0".encode())
        result.update(hashlib.sha256(path.read_bytes()).digest())
    return result.hexdigest()


def is_current(stamp: Path, value: str) -> bool:
    try:
        return stamp.read_text() == value
    except FileNotFoundError:
        return False


def set_current(stamp: Path, value: str) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from _files(child for child in path.iterdir() if child.name not in _IGNORED)
        elif path.exists():
            yield path
