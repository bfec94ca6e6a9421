"""Access tokens, the keys that sign them, and the public list of those."""

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from deploy.local import secret_files
from shared.config import Settings
from subgraphs.users import app, tokens
from subgraphs.users.tokens import SigningKeys
from tests.conftest import SettingsFor
from tests.support import infrastructure
from tests.users.conftest import Users


def new_key() -> dict[str, str]:
    """A private key as the file holds it."""
    document: dict[str, str] = OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    return document | {"alg": "EdDSA", "use": "sig", "kid": uuid.uuid4().hex}


def write_keys(file: Path, *keys: dict[str, str], age: float = 60) -> None:
    file.write_text(json.dumps({"keys": keys}))
    moment = time.time() - age
    os.utime(file, (moment, moment))


def kid_of(keys: SigningKeys) -> str:
    kid: str = jwt.get_unverified_header(keys.sign({"sub": "x"}))["kid"]
    return kid


async def test_a_token_says_who_and_what_for_how_long(users: Users) -> None:
    session = await users.sign_up(roles=["POSTER"])
    header = jwt.get_unverified_header(session["accessToken"])
    claims: dict[str, Any] = jwt.decode(session["accessToken"], options={"verify_signature": False})

    assert header == {"alg": "EdDSA", "typ": "JWT", "kid": infrastructure.signing_key()["kid"]}
    assert claims == {
        "iss": "service-exchange",
        "aud": "service-exchange",
        "sub": session["user"]["id"],
        "sid": claims["sid"],
        "roles": ["POSTER"],
        "scope": "marketplace",
        "iat": claims["iat"],
        "exp": claims["iat"] + 900,
    }
    assert claims["sid"].startswith("session_")


async def test_the_public_keys_are_served_without_their_private_part(users: Users) -> None:
    response = await users.served.client.get("/.well-known/jwks.json")

    (key,) = response.json()["keys"]
    assert response.status_code == 200
    assert set(key) == {"kty", "crv", "alg", "use", "kid", "x"}
    assert response.headers["cache-control"] == "public, max-age=60"
    assert response.json() == json.loads(secret_files.jwks(infrastructure.INSTANCE).read_bytes())


def test_the_first_key_signs_once_everybody_knows_it(tmp_path: Path) -> None:
    file = tmp_path / "signing.json"
    old, new = new_key(), new_key()
    write_keys(file, old)
    keys = SigningKeys(file)
    assert kid_of(keys) == old["kid"]

    write_keys(file, new, old, age=0)
    assert kid_of(keys) == old["kid"]
    assert [key["kid"] for key in keys.public()["keys"]] == [new["kid"], old["kid"]]

    write_keys(file, new, old, age=4)
    assert kid_of(keys) == new["kid"]


def test_a_key_signs_from_its_own_time_on(tmp_path: Path) -> None:
    file = tmp_path / "signing.json"
    old, older, new = new_key(), new_key(), new_key()

    write_keys(file, {**new, "nbf": int(time.time()) + 60}, old, older, age=10)
    assert kid_of(SigningKeys(file)) == old["kid"]
    write_keys(file, {**new, "nbf": int(time.time())}, old, older, age=0)
    assert kid_of(SigningKeys(file)) == new["kid"]


def test_a_broken_file_stops_nobody(tmp_path: Path) -> None:
    file = tmp_path / "signing.json"
    key = new_key()
    write_keys(file, key)
    keys = SigningKeys(file)
    assert kid_of(keys) == key["kid"]
    public = {name: value for name, value in key.items() if name != "d"}

    for content in ("", "{}", '{"keys": []}', '{"keys": [1]}', json.dumps({"keys": [public]})):
        file.write_text(content)
        assert kid_of(keys) == key["kid"]
    file.unlink()
    assert kid_of(keys) == key["kid"]


async def test_without_keys_the_subgraph_does_not_start(settings_for: SettingsFor, tmp_path: Path) -> None:
    for file in (None, tmp_path / "missing.json"):
        application = app.build(settings_for("users", signing_keys_file=file))
        with pytest.raises((RuntimeError, OSError)):
            async with application.router.lifespan_context(application):
                pass


def test_a_successor_needs_both_halves(settings_for: SettingsFor) -> None:
    token, salt = tokens.new_refresh_token(), tokens.new_salt()
    assert tokens.successor(token, salt) == tokens.successor(token, salt)
    assert tokens.successor(token, tokens.new_salt()) != tokens.successor(token, salt)
    assert tokens.successor(tokens.new_refresh_token(), salt) != tokens.successor(token, salt)
    assert len(token) == len(tokens.successor(token, salt)) == 43


def test_settings_need_a_file_of_keys(settings_for: SettingsFor) -> None:
    settings: Settings = settings_for("users", signing_keys_file=None)
    with pytest.raises(RuntimeError, match="EXCHANGE_SIGNING_KEYS_FILE"):
        tokens.signing_keys(settings)
