"""What a change of the public keys does to tokens that were good."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from deploy.keys import Key, public_key, signing_key
from shared.errors import Unauthenticated
from shared.identity.auth import TokenVerifier
from tests.conftest import SettingsFor

KEY, OTHER = signing_key(), signing_key()
HOUR = 3600


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Path]:
    """Writes the public keys."""
    file, changes = tmp_path / "jwks.json", iter(range(1, 100))

    def write(*keys: Key) -> Path:
        file.write_text(json.dumps({"keys": [public_key(key) for key in keys]}))
        os.utime(file, (next(changes),) * 2)
        return file

    return write


@pytest.fixture
def verifier(settings_for: SettingsFor, publish: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> TokenVerifier:
    """One that looks at the file at each use."""
    made = TokenVerifier(settings_for("platform", jwks_file=publish(KEY, OTHER)))
    moments = iter(range(0, 100_000, 10))
    monkeypatch.setattr("shared.identity.auth.time.monotonic", lambda: next(moments))
    return made


def token(key: Key, lives: float = HOUR) -> str:
    claims = {
        "iss": "service-exchange", "aud": "service-exchange", "sub": "user_1", "sid": "session_1",
        "iat": int(time.time()), "exp": int(time.time() + lives),
    }  # fmt: skip
    return jwt.encode(claims, jwt.PyJWK(key), algorithm="EdDSA", headers={"kid": str(key["kid"])})


def test_a_removed_key_takes_its_tokens_along(verifier: TokenVerifier, publish: Callable[..., Path]) -> None:
    removed, kept = verifier.verify(token(KEY)), verifier.verify(token(OTHER))
    publish(OTHER)

    with pytest.raises(Unauthenticated):
        verifier.verify(token(KEY))
    with pytest.raises(Unauthenticated):
        verifier.check(removed)
    verifier.check(kept)
    assert verifier.verify(token(OTHER)).id == "user_1"


def test_no_token_outlives_its_key(verifier: TokenVerifier, publish: Callable[..., Path]) -> None:
    """Whoever has an old private key cannot make tokens that last."""
    ends = int(time.time() + 60)
    publish({**KEY, "exp": ends}, OTHER)
    assert verifier.verify(token(KEY, 10 * HOUR)).expires_at.timestamp() == ends
    assert verifier.verify(token(OTHER)).expires_at.timestamp() > ends

    publish({**KEY, "exp": int(time.time() - 60)}, OTHER)
    with pytest.raises(Unauthenticated, match="expired"):
        verifier.verify(token(KEY, 10 * HOUR))


@pytest.mark.parametrize("exp", ["soon", None, [1]])
def test_keys_that_cannot_be_read_leave_the_known_ones(
    verifier: TokenVerifier, publish: Callable[..., Path], exp: object
) -> None:
    verifier.verify(token(KEY))
    publish({**OTHER, "exp": exp})  # type: ignore[dict-item]  # what a file can hold

    assert verifier.verify(token(KEY)).id == "user_1"
