"""Makes the secrets of a compose project once: `python -m deploy.docker.secret_files`, run by its `secrets` job.

`docker compose run --rm secrets rotate` adds a signing key, `rotate --encryption` an encryption key, `list` lists them,
`remove <id>` takes a signing key away at once.

Each container mounts only the volume with its own: passwords of its database for a subgraph, the signing
keys for `users`, the public keys for everybody. What exists is kept, so the job can run at every start.
"""

import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.keys import KeyFiles, KeyRefused, read, state

SECRETS = Path("/secrets")

# What the operator tells the job, for one subgraph alone.
_PASSED_ON = {
    "users": ("EXCHANGE_SMTP_PASSWORD",),
    "tasks": ("EXCHANGE_S3_SECRET_ACCESS_KEY",),
    "payments": ("EXCHANGE_STRIPE_SECRET_KEY", "EXCHANGE_STRIPE_WEBHOOK_SECRETS"),
}


def main(arguments: Sequence[str] = ()) -> None:
    """Writes what is missing of passwords and keys, then does what the arguments say with the keys."""
    superuser = SECRETS / "postgres" / "superuser"
    if not superuser.exists():
        # Its volume belongs to the database server alone, which runs as another user.
        _write(superuser, secrets.token_urlsafe(24), 0o444)
    sandbox = SECRETS / "sandbox" / "env"
    if not sandbox.exists():
        _write(
            sandbox,
            f"EXCHANGE_SANDBOX_API_KEY={secrets.token_urlsafe(24)}\n"
            f"EXCHANGE_SANDBOX_WEBHOOK_SECRET={secrets.token_urlsafe(24)}\n",
            0o400,
        )
    subgraphs = os.environ["SUBGRAPHS"].split()
    for name in subgraphs:
        password = SECRETS / "postgres" / name
        if not password.exists():
            _write(password, secrets.token_urlsafe(24), 0o444)
        url = f"postgresql+asyncpg://{name}:{password.read_text()}@postgres:5432/{name}"
        variables = f"EXCHANGE_DATABASE_URL={url}\n"
        for variable in _PASSED_ON.get(name, ()):
            if value := os.environ.get(variable):
                variables += f"{variable}={value}\n"
        if name == "payments":
            variables += sandbox.read_text()
        _write(SECRETS / name / "env", variables, 0o400)
    files = key_files()
    files.ensure()
    match arguments:
        case []:
            pass
        case ["rotate"]:
            print(f"New signing key: {files.rotate_signing()}")
        case ["rotate", "--encryption"]:
            print(f"New encryption key: {files.rotate_encryption()}")
        case ["remove", kid]:
            files.remove_signing(kid)
        case ["list"]:
            for keys in (read(files.signing), read(files.encryption)):
                for key in keys:
                    print(key["kid"], state(key, keys))
        case _:
            raise KeyRefused("There are: rotate, rotate --encryption, remove <id>, list.")


def key_files() -> KeyFiles:
    """The keys in the volumes: those of a subgraph for it alone, the public ones for everybody."""
    users, public = SECRETS / "users", SECRETS / "public" / "jwks.json"

    def write(path: Path, text: str) -> None:
        _write(path, text, 0o444 if path == public else 0o400)

    links = [SECRETS / name / "links.json" for name in ("tasks", "payments")]
    return KeyFiles(users / "signing.json", public, users / "encryption.json", links, write)


def _write(path: Path, text: str, mode: int) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyRefused as refused:
        sys.exit(str(refused))
