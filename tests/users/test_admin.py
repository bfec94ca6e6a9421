"""The operator's command: giving roles, telling again who was erased."""

import asyncio
import os
import sys
from functools import partial

import pytest

from shared.config import Settings
from shared.errors import NotFound
from shared.identity.actor import Role
from subgraphs.users import admin
from tests.conftest import SettingsFor
from tests.users.conftest import PASSWORD, Users
from tests.users.test_erase_my_account import erase


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
    run = partial(command, settings_for("users"))

    granted = await run("grant", "somchai@example.com", "SUPPORT")

    assert granted == (0, f"{session['user']['id']} has the role SUPPORT\n")


async def command(settings: Settings, *arguments: str) -> tuple[int | None, str]:
    """The exit code and what was printed."""
    environment = os.environ | {
        "EXCHANGE_DATABASE_URL": settings.database_url.get_secret_value(),
        "EXCHANGE_REDIS_URL": settings.redis_url.get_secret_value(),
        "EXCHANGE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "EXCHANGE_JWKS_FILE": str(settings.jwks_file),
    }

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subgraphs.users.admin", *arguments),
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_who_was_erased_since_a_backup_is_told_again_with_ids_only(
    users: Users, settings_for: SettingsFor
) -> None:
    before, after = await users.sign_up(), await users.sign_up()
    await users.sign_up()
    await erase(users, before, password=PASSWORD)
    ((backup,),) = await users.rows("SELECT updated_at + interval '1 microsecond' FROM users WHERE status = 'ERASED'")
    await erase(users, after, password=PASSWORD)
    told = await users.bodies("users.user.erased")
    user_id = after["user"]["id"]

    for _ in range(2):
        code, printed = await command(settings_for("users"), "erasures", "--since", backup.isoformat())
        assert code == 0
        assert printed == f"{user_id}\n1 erased since {backup.isoformat()}: published again\n"

    again = {"user_id": user_id, "by": None, "reason": None}
    assert await users.bodies("users.user.erased") == [*told, again, again]


async def test_a_time_without_its_zone_is_refused(users: Users, settings_for: SettingsFor) -> None:
    code, _ = await command(settings_for("users"), "erasures", "--since", "2026-11-01T00:00")
    assert code == 2
