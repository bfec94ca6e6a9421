"""Development secrets: made at the first start, kept in the state folder, readable by its owner only."""

import os
import secrets
from pathlib import Path

from deploy.keys import KeyFiles
from deploy.local.layout import SUBGRAPHS, WITH_FILES, Instance


def write_private(path: Path, text: str) -> None:
    """Writes a file that nobody but its owner can read at any moment."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)


def ensure(instance: Instance) -> None:
    """Makes passwords and keys that do not exist yet."""
    passwords = instance.state / "secrets.env"
    known = _read_env(passwords)
    wanted = ["POSTGRES_PASSWORD", "DEMO_PASSWORD", "SANDBOX_API_KEY", "SANDBOX_WEBHOOK_SECRET"]
    wanted += [_variable(name) for name in SUBGRAPHS]
    if missing := [name for name in wanted if name not in known]:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        write_private(passwords, "".join(f"{name}={value}\n" for name, value in known.items()))
    keys(instance).ensure()


def postgres_password(instance: Instance) -> str:
    return _read_env(instance.state / "secrets.env")["POSTGRES_PASSWORD"]


def demo_password(instance: Instance) -> str:
    """The password of the demo accounts."""
    return _read_env(instance.state / "secrets.env")["DEMO_PASSWORD"]


def database_password(instance: Instance, subgraph: str) -> str:
    return _read_env(instance.state / "secrets.env")[_variable(subgraph)]


def sandbox_api_key(instance: Instance) -> str:
    """What `payments` shows the sandbox at each call."""
    return _read_env(instance.state / "secrets.env")["SANDBOX_API_KEY"]


def sandbox_webhook_secret(instance: Instance) -> str:
    """What the sandbox signs its webhooks with."""
    return _read_env(instance.state / "secrets.env")["SANDBOX_WEBHOOK_SECRET"]


def signing_keys(instance: Instance) -> Path:
    """Private JWKS: the first key signs, the others only verify until their tokens have expired."""
    return instance.state / "keys" / "signing.json"


def encryption_keys(instance: Instance) -> Path:
    """Keys of what `users` stores encrypted: the first encrypts, each decrypts."""
    return instance.state / "keys" / "encryption.json"


def link_keys(instance: Instance, subgraph: str) -> Path:
    """Keys that a subgraph signs links to its files with."""
    return instance.state / "keys" / f"links-{subgraph}.json"


def jwks(instance: Instance) -> Path:
    """Public JWKS, read by every subgraph and the router."""
    return instance.state / "keys" / "jwks.json"


def keys(instance: Instance) -> KeyFiles:
    """All key files."""
    links = [link_keys(instance, subgraph) for subgraph in WITH_FILES]
    return KeyFiles(signing_keys(instance), jwks(instance), encryption_keys(instance), links, write_private)


def _variable(subgraph: str) -> str:
    return f"{subgraph.upper()}_DATABASE_PASSWORD"


def _read_env(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)
