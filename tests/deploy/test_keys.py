"""Keys are replaced without a moment in which something that was good is not."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy import keys
from deploy.docker import secret_files as docker_secrets
from deploy.local import cli, secret_files
from deploy.local.layout import Instance
from shared.identity.cipher import Cipher
from subgraphs.users.rules import sessions
from subgraphs.users.tokens import SigningKeys


class Clock:
    """The time as `time.time` tells it."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    instance = Instance(tmp_path / "state", 9000)
    instance.create()
    secret_files.ensure(instance)
    return instance


@pytest.fixture
def files(instance: Instance) -> keys.KeyFiles:
    return secret_files.keys(instance)


def kids(path: Path) -> list[object]:
    return [key["kid"] for key in keys.read(path)]


def signer(files: keys.KeyFiles) -> str:
    """The key that `users` signs with now."""
    header = SigningKeys(files.signing).sign({}).split(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=="))["kid"])


def test_a_new_key_is_known_before_it_signs_and_the_old_one_until_its_last_token_has_expired(
    files: keys.KeyFiles, clock: Clock
) -> None:
    old = signer(files)

    new = files.rotate_signing()
    assert kids(files.signing) == kids(files.public) == [new, old]
    assert not any("d" in key for key in keys.read(files.public))
    assert signer(files) == old
    clock.now += keys.SETTLING_SECONDS + 1
    assert signer(files) == new

    last_token_expires = clock.now + sessions.ACCESS_TOKEN_LIFETIME.total_seconds()
    assert float(keys.read(files.public)[1]["exp"]) >= last_token_expires + 30
    clock.now = last_token_expires
    third = files.rotate_signing()
    assert kids(files.signing) == [third, new, old]
    clock.now += 120
    fourth = files.rotate_signing()
    assert kids(files.signing) == kids(files.public) == [fourth, third, new]


def test_rotating_at_once_again_keeps_every_key_that_may_have_signed(files: keys.KeyFiles, clock: Clock) -> None:
    first = signer(files)
    second, third = files.rotate_signing(), files.rotate_signing()

    assert kids(files.public) == [third, second, first]
    assert signer(files) == first
    assert {key["kid"]: key.get("exp") for key in keys.read(files.public)}[third] is None


def test_tokens_live_as_long_as_the_keys_assume() -> None:
    assert sessions.ACCESS_TOKEN_LIFETIME.total_seconds() == keys.TOKEN_SECONDS


def test_many_at_once_lose_no_key(files: keys.KeyFiles) -> None:
    first = signer(files)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: files.rotate_signing(), range(16)))

    assert sorted(map(str, kids(files.signing))) == sorted([first, *made])
    assert kids(files.public) == kids(files.signing)


def test_a_reader_never_sees_half_a_file(files: keys.KeyFiles) -> None:
    with ThreadPoolExecutor(2) as pool:
        rotating = pool.submit(lambda: [files.rotate_signing() for _ in range(30)])
        while not rotating.done():
            assert kids(files.signing)
            assert kids(files.public)


def test_a_key_that_leaked_is_removed_once_another_one_signs(files: keys.KeyFiles, clock: Clock) -> None:
    old = signer(files)
    with pytest.raises(keys.KeyRefused, match="only key that signs"):
        files.remove_signing(old)
    new = files.rotate_signing()
    with pytest.raises(keys.KeyRefused, match="only key that signs"):
        files.remove_signing(old)
    with pytest.raises(keys.KeyRefused, match="no signing key"):
        files.remove_signing("another")
    assert kids(files.public) == [new, old]

    clock.now += keys.SETTLING_SECONDS + 1
    files.remove_signing(old)
    assert kids(files.signing) == kids(files.public) == [new]


def test_values_stay_readable_over_a_new_encryption_key(files: keys.KeyFiles, clock: Clock) -> None:
    cipher = Cipher(files.encryption)
    value = cipher.encrypt("AB123456", purpose="document")

    files.rotate_encryption()
    another = cipher.encrypt("AB123456", purpose="document")
    assert cipher.is_current(value)
    assert cipher.is_current(another)
    clock.now += keys.SETTLING_SECONDS + 1
    new = cipher.encrypt("AB123456", purpose="document")

    assert [cipher.is_current(each) for each in (value, another, new)] == [False, False, True]
    assert {cipher.decrypt(each, purpose="document") for each in (value, another, new)} == {"AB123456"}


def test_the_command_rotates_lists_and_removes(instance: Instance, files: keys.KeyFiles, clock: Clock) -> None:
    old, encrypting = signer(files), kids(files.encryption)[0]

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli.app, ["keys", *arguments, "--state", str(instance.state)])
        assert result.exit_code == 0, result.output
        return result.output

    run("rotate", "--after", "2")
    run("rotate", "--encryption")
    new = kids(files.signing)[0]
    listed = dict(line.split(maxsplit=1) for line in run("list").splitlines()[1:])
    assert listed[str(new)].startswith("access tokens  signs from ")
    assert listed[old].split() == ["access", "tokens", "signs"]
    assert listed[str(encrypting)].split() == ["stored", "values", "encrypts"]

    clock.now += 10
    listed = dict(line.split(maxsplit=1) for line in run("list").splitlines()[1:])
    assert listed[str(new)].split()[-1] == "signs"
    assert listed[old].startswith("access tokens  verifies until ")
    assert listed[str(encrypting)].split()[-1] == "decrypts"
    run("remove", old)
    assert kids(files.signing) == [new]
    refused = CliRunner().invoke(cli.app, ["keys", "remove", str(new), "--state", str(instance.state)])
    assert refused.exit_code == 1
    assert "rotate first" in refused.output


def test_keys_of_containers_rotate_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("postgres", "public", "users", "tasks", "payments", "sandbox"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(docker_secrets, "SECRETS", tmp_path)
    monkeypatch.setenv("SUBGRAPHS", "users")
    docker_secrets.main()
    files = docker_secrets.key_files()
    old = signer(files)

    docker_secrets.main(["rotate"])
    docker_secrets.main(["rotate", "--encryption"])
    clock.now += keys.SETTLING_SECONDS + 1
    docker_secrets.main(["list"])
    new = signer(files)
    assert f"{new} signs\n{old} verifies until" in capsys.readouterr().out
    docker_secrets.main(["remove", old])

    assert kids(files.public) == [new]
    assert len(kids(files.encryption)) == 2
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (files.signing, files.encryption, files.public)}
    assert modes == {"signing.json": "0o400", "encryption.json": "0o400", "jwks.json": "0o444"}
    with pytest.raises(keys.KeyRefused, match="There are: rotate"):
        docker_secrets.main(["rotat"])
