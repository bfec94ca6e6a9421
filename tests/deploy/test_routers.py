"""Which Hive Router is taken, and how ours is built, with a cargo that compiles nothing."""

import lzma
import os
from pathlib import Path

import pytest
import yaml

from deploy.local import routers
from deploy.local.processes import StartFailed
from supergraph.router import command

PLUGINS = " ".join(yaml.safe_load(command.CONFIGURATION.read_text())["plugins"])
VERSION = "0.3.10"
# Like cargo as far as build.sh can tell: `info` brings the crate, `build` needs its lock file and our sources.
CARGO = f"""#!/bin/sh
set -eu
echo "$@" >>"$CARGO_HOME/calls"
case $1 in
info)
    mkdir -p "$CARGO_HOME/registry/src/index/hive-router-{VERSION}"
    echo pinned >"$CARGO_HOME/registry/src/index/hive-router-{VERSION}/Cargo.lock"
    ;;
build)
    grep -q pinned Cargo.lock
    [ -e src/main.rs ]
    [ -e Cargo.toml ]
    echo extended >>Cargo.lock
    mkdir -p "target/$3"
    printf '#!/bin/sh\\necho {PLUGINS}\\n' >"target/$3/hive_router"
    chmod +x "target/$3/hive_router"
    ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home without any Hive Router; `bin` in it is on PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    monkeypatch.delenv("HIVE_ROUTER", raising=False)
    return tmp_path


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_without_one_the_embedded_router_serves(machine: Path) -> None:
    assert routers.hive_router_binary() is None
    assert routers.installed() == (routers.EMBEDDED,)


@pytest.mark.parametrize(
    "text",
    ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho max_fields\n", "no program at all"],
    ids=["as released", "older than the configuration", "broken"],
)
def test_one_without_our_plugins_is_refused_with_what_to_do(
    machine: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    named = program(machine / "hive", text)
    monkeypatch.setenv("HIVE_ROUTER", str(named))

    with pytest.raises(StartFailed, match=r"hive is a Hive Router without our plugins .*`exchange router install`"):
        routers.hive_router_binary()
    with pytest.raises(command.UnfitRouter, match="client_address"):
        command.command("hive-router", port=1, metrics_port=2, subgraph_urls={}, run_directory=machine)


def test_one_on_the_path_is_taken(machine: Path) -> None:
    found = program(machine / "bin" / "hive_router", f"#!/bin/sh\necho {PLUGINS}\n")

    assert routers.hive_router_binary() == found
    assert routers.installed() == (routers.HIVE_ROUTER, routers.EMBEDDED)


async def test_it_is_built_once_from_the_pinned_crates_and_again_when_the_sources_change(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(machine / "bin" / "cargo", CARGO)

    built = await routers.install_hive_router(quick=True)
    await routers.install_hive_router(quick=True)
    assert routers.hive_router_binary() == built
    await routers.install_hive_router()
    assert routers.hive_router_binary() == built
    assert calls(machine) == ["info hive-router@0.3.10", "build quick", "build release"]

    with monkeypatch.context() as changed:
        changed.setattr(command, "HIVE_ROUTER_SOURCES", command.HIVE_ROUTER_SOURCES.parent / "embedded")
        assert routers.hive_router_binary() is None


async def test_a_build_that_fails_leaves_none_behind(machine: Path) -> None:
    program(machine / "bin" / "cargo", CARGO.replace("grep -q pinned", "grep -q other"))

    with pytest.raises(StartFailed, match="could not be built"):
        await routers.install_hive_router()

    assert routers.hive_router_binary() is None


async def test_without_cargo_the_install_says_what_is_missing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine / "bin"))

    with pytest.raises(StartFailed, match="cargo is not on PATH"):
        await routers.install_hive_router()


def packed(folder: Path, built_from: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "hive_router.xz").write_bytes(lzma.compress(text.encode()))
    (folder / "hive_router.built-from").write_text(built_from.read_text())
    return folder


async def test_one_that_was_built_elsewhere_of_the_same_sources_is_taken(machine: Path) -> None:
    program(machine / "bin" / "cargo", CARGO)
    built = await routers.install_hive_router()
    stamp = built.parent / "built-from"
    folder = packed(machine / "tools", stamp, f"#!/bin/sh\necho {PLUGINS} elsewhere\n")
    stamp.unlink()
    assert routers.hive_router_binary() is None

    assert routers.take_hive_router(folder) == routers.hive_router_binary() == built
    assert "elsewhere" in built.read_text()


async def test_one_that_was_built_of_other_sources_or_does_not_run_here_is_not_taken(machine: Path) -> None:
    program(machine / "bin" / "cargo", CARGO)
    stamp = (await routers.install_hive_router()).parent / "built-from"
    broken = packed(machine / "broken", stamp, "no program at all")
    other = packed(machine / "other", stamp, f"#!/bin/sh\necho {PLUGINS}\n")
    (other / "hive_router.built-from").write_text("release of other sources")
    stamp.unlink()

    for folder, reason in ((broken, "without our plugins"), (other, "no Hive Router"), (machine, "no Hive Router")):
        with pytest.raises(StartFailed, match=reason):
            routers.take_hive_router(folder)
        assert routers.hive_router_binary() is None


def calls(machine: Path) -> list[str]:
    lines = (machine / "calls").read_text().splitlines()
    return [line.replace("--quiet ", "").replace("--profile ", "").split(" --")[0] for line in lines]
