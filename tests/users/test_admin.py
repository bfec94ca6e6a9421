"""The operator's command that gives roles."""

import asyncio
import os
import sys

import pytest

from shared.actor import Role
from shared.errors import NotFound
from subgraphs.users import admin
from tests.conftest import SettingsFor
from tests.users.conftest import Users


async def test_a_role_is_given_once_and_shows_in_the_next_token(users: Users) -> None:
    session = await users.sign_up(email="somchai@example.com", roles=["POSTER"])
    user_id = session["user"]["id"]

    for _ in range(2):
        assert await admin.grant(users.services.database, "Somchai@example.com", Role.ADMIN) == user_id

    assert await users.bodies("users.user.role_granted") == [
        {"user_id": user_id, "role": "ADMIN", "roles": ["POSTER", "ADMIN"], "by": None}
    ]
    token = (await users.refresh(session["refreshToken"]))["session"]["accessToken"]
    actor = users.services.verifier.verify(token)
    assert set(actor.roles) == {Role.POSTER, Role.ADMIN}
    assert set(actor.scopes) == {"marketplace", "admin"}


async def test_an_unknown_address_is_told_so(users: Users) -> None:
    with pytest.raises(NotFound):
        await admin.grant(users.services.database, "nobody@example.com", Role.ADMIN)
    assert await users.log() == []


async def test_the_command_reads_the_environment(users: Users, settings_for: SettingsFor) -> None:
    session = await users.sign_up(email="somchai@example.com")
    settings = settings_for("users")
    environment = os.environ | {
        "EXCHANGE_DATABASE_URL": settings.database_url.get_secret_value(),
        "EXCHANGE_REDIS_URL": settings.redis_url.get_secret_value(),
        "EXCHANGE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "EXCHANGE_JWKS_FILE": str(settings.jwks_file),
    }

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subgraphs.users.admin", "grant", "somchai@example.com", "SUPPORT"),
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()

    assert (process.returncode, output.decode()) == (0, f"{session['user']['id']} has the role SUPPORT\n")
