"""Development secrets: made at the first start, kept in the state folder, readable by its owner only."""

import json
import os
import secrets
from pathlib import Path

from deploy.keys import encryption_key, public_key, signing_key
from deploy.local.layout import SUBGRAPHS, Instance


def write_private(path: Path, text: str) -> None:
    """Writes a file that nobody but its owner can read at any moment."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


def ensure(instance: Instance) -> None:
    """Makes passwords and keys that do not exist yet."""
    passwords = instance.state / "secrets.env"
    known = _read_env(passwords)
    wanted = ["POSTGRES_PASSWORD", "DEMO_PASSWORD", *(_variable(name) for name in SUBGRAPHS)]
    if missing := [name for name in wanted if name not in known]:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        write_private(passwords, "".join(f"{name}={value}\n" for name, value in known.items()))
    if not signing_keys(instance).exists():
        rotate_signing_key(instance)
    if not encryption_keys(instance).exists():
        write_private(encryption_keys(instance), json.dumps({"keys": [encryption_key()]}, indent=1))


def postgres_password(instance: Instance) -> str:
    return _read_env(instance.state / "secrets.env")["POSTGRES_PASSWORD"]


def demo_password(instance: Instance) -> str:
    """The password of the demo accounts."""
    return _read_env(instance.state / "secrets.env")["DEMO_PASSWORD"]


def database_password(instance: Instance, subgraph: str) -> str:
    return _read_env(instance.state / "secrets.env")[_variable(subgraph)]


def signing_keys(instance: Instance) -> Path:
    """Private JWKS: the first key signs, the others only verify until their tokens have expired."""
    return instance.state / "keys" / "signing.json"


def encryption_keys(instance: Instance) -> Path:
    """Keys of what `users` stores encrypted: the first encrypts, each decrypts."""
    return instance.state / "keys" / "encryption.json"


def jwks(instance: Instance) -> Path:
    """Public JWKS, read by every subgraph and the router."""
    return instance.state / "keys" / "jwks.json"


def rotate_signing_key(instance: Instance) -> str:
    """Puts a new key first and keeps the one that signed until now. Returns the new key's id."""
    try:
        previous: list[dict[str, str]] = json.loads(signing_keys(instance).read_text())["keys"][:1]
    except FileNotFoundError:
        previous = []
    keys = [signing_key(), *previous]
    public = [public_key(key) for key in keys]
    # The public file first: nobody may sign with a key that the others do not know.
    write_private(jwks(instance), json.dumps({"keys": public}, indent=1))
    write_private(signing_keys(instance), json.dumps({"keys": keys}, indent=1))
    return keys[0]["kid"]


def _variable(subgraph: str) -> str:
    return f"{subgraph.upper()}_DATABASE_PASSWORD"


def _read_env(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)
