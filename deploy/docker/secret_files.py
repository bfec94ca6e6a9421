"""Makes the secrets of a compose project once: `python -m deploy.docker.secret_files`, run by its `secrets` job.

Each container mounts only the volume with its own: passwords of its database for a subgraph, the signing
keys for `users`, the public keys for everybody. What exists is kept, so the job can run at every start.
"""

import json
import os
import secrets
from pathlib import Path

from deploy.keys import encryption_key, public_key, signing_key

SECRETS = Path("/secrets")


def main() -> None:
    """Writes what is missing of passwords and keys."""
    superuser = SECRETS / "postgres" / "superuser"
    if not superuser.exists():
        # Its volume belongs to the database server alone, which runs as another user.
        _write(superuser, secrets.token_urlsafe(24), 0o444)
    subgraphs = os.environ["SUBGRAPHS"].split()
    for name in subgraphs:
        password = SECRETS / "postgres" / name
        if not password.exists():
            _write(password, secrets.token_urlsafe(24), 0o444)
        url = f"postgresql+asyncpg://{name}:{password.read_text()}@postgres:5432/{name}"
        variables = f"EXCHANGE_DATABASE_URL={url}\n"
        if name == "users" and (smtp_password := os.environ.get("EXCHANGE_SMTP_PASSWORD")):
            variables += f"EXCHANGE_SMTP_PASSWORD={smtp_password}\n"
        _write(SECRETS / name / "env", variables, 0o400)
    signing = SECRETS / "users" / "signing.json"
    if not signing.exists():
        _write(signing, json.dumps({"keys": [signing_key()]}), 0o400)
    encryption = SECRETS / "users" / "encryption.json"
    if not encryption.exists():
        _write(encryption, json.dumps({"keys": [encryption_key()]}), 0o400)
    keys = json.loads(signing.read_text())["keys"]
    _write(SECRETS / "public" / "jwks.json", json.dumps({"keys": [public_key(key) for key in keys]}), 0o444)


def _write(path: Path, text: str, mode: int) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    temporary.replace(path)


if __name__ == "__main__":
    main()
