"""What is stored encrypted: all of it is known, bound to its row, and encrypted anew after a rotation."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, text

from deploy.local import secret_files
from shared.identity.cipher import CannotDecrypt, Cipher
from subgraphs.users import models
from subgraphs.users.revocations import RevocationKeeper
from subgraphs.users.secrets_at_rest import ENCRYPTED, EncryptedColumn
from tests.support import infrastructure
from tests.users.conftest import Serve, Users
from tests.users.second_factors import Factor, challenge, complete, enable, is_session
from tests.users.test_export_my_data import export, read
from tests.users.test_verification import submit

# Of what only has to be compared, and of what a sender sealed.
NOT_ENCRYPTED = {
    "identity_verifications.fingerprint",
    "mailed_codes.code_hash",
    "openid_sign_ins.handle_hash",
    "openid_sign_ins.salt",
    "recovery_codes.code_hash",
    "refresh_tokens.successor_salt",
    "refresh_tokens.token_hash",
    "second_factor_challenges.challenge_hash",
    "second_factor_challenges.password_digest",
    "export_parts.sealed",
}


async def fill(users: Users) -> Factor:
    """A person of whom each encrypted column holds something; their mail waits since nobody takes it."""
    factor = await enable(users)
    await submit(users, factor.token)
    await export(users, factor.session, code=factor.recovery_codes.pop())
    return factor


async def values(users: Users, where: EncryptedColumn) -> list[tuple[str, bytes]]:
    """Owner and value of each row."""
    table = where.model.__tablename__
    return [(row[0], row[1]) for row in await users.rows(f"SELECT {where.owner}, {where.column} FROM {table}")]


def test_every_column_of_bytes_is_encrypted_or_known_not_to_be() -> None:
    of_bytes = {
        f"{table.name}.{column.key}"
        for table in models.Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    encrypted = {f"{where.model.__tablename__}.{where.column}" for where in ENCRYPTED}
    assert of_bytes == encrypted | NOT_ENCRYPTED


async def test_all_of_it_is_encrypted_anew_after_a_rotation(serve_users: Serve, tmp_path: Path) -> None:
    old = json.loads(secret_files.encryption_keys(infrastructure.INSTANCE).read_text())["keys"]
    new = {"kty": "oct", "kid": "new", "k": "A" * 43}
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": old}))
    async with serve_users(encryption_keys_file=file) as users:
        factor = await fill(users)
        file.write_text(json.dumps({"keys": [new, *old]}))

        await RevocationKeeper(users.services)._tidy()

        # The old key can go.
        file.write_text(json.dumps({"keys": [new]}))
        cipher = Cipher(file)
        for where in ENCRYPTED:
            found = await values(users, where)
            assert found, where
            for owner, value in found:
                assert cipher.decrypt(value, purpose=f"{where.purpose}:{owner}"), where
        ((fingerprint,),) = await users.rows("SELECT fingerprint FROM identity_verifications")
        assert fingerprint.startswith(cipher.current_prefix)
        assert is_session(await complete(users, await challenge(users, factor.email), factor.code()))
        ((export_id,),) = await users.rows("SELECT id FROM data_exports")
        assert await read(users, factor.session, export_id)


@pytest.mark.parametrize("where", ENCRYPTED, ids=lambda where: f"{where.model.__tablename__}.{where.column}")
async def test_what_is_copied_to_another_row_cannot_be_read_there(users: Users, where: EncryptedColumn) -> None:
    await fill(users)
    await fill(users)
    file = users.services.settings.encryption_keys_file
    assert file is not None
    cipher = Cipher(file)
    (owner, value), *others = await values(users, where)
    other_owner = next(each for each, _ in others if each != owner)
    assert cipher.decrypt(value, purpose=f"{where.purpose}:{owner}")
    with pytest.raises(CannotDecrypt):
        cipher.decrypt(value, purpose=f"{where.purpose}:{other_owner}")


async def test_what_somebody_changes_meanwhile_is_left_to_them(serve_users: Serve, tmp_path: Path) -> None:
    old = json.loads(secret_files.encryption_keys(infrastructure.INSTANCE).read_text())["keys"]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": old}))
    async with serve_users(encryption_keys_file=file) as users:
        await enable(users)
        file.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "new", "k": "A" * 43}, *old]}))
        async with users.services.database.transaction() as session:
            await session.execute(text("UPDATE second_factors SET secret = 'another'"))
            async with asyncio.timeout(30):
                await RevocationKeeper(users.services)._encrypt_anew()
        assert await users.rows("SELECT secret FROM second_factors") == [(b"another",)]
