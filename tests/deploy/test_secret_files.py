import pytest

from deploy.docker import secret_files as docker_secrets
from deploy.local import secret_files
from deploy.local.layout import Instance


@pytest.fixture
def instance(tmp_path):
    instance = Instance(tmp_path / "state", 9000)
    instance.create()
    secret_files.ensure(instance)
    return instance


def test_secrets_are_readable_by_their_owner_alone(instance):
    files = [instance.state / "secrets.env", secret_files.signing_keys(instance), secret_files.jwks(instance)]
    assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 3


def test_secrets_are_made_once(instance):
    before = [secret_files.database_password(instance, "bids"), secret_files.jwks(instance).read_text()]
    secret_files.ensure(instance)
    assert [secret_files.database_password(instance, "bids"), secret_files.jwks(instance).read_text()] == before


def test_each_database_has_a_password_of_its_own(instance):
    passwords = {secret_files.database_password(instance, name) for name in ("users", "tasks", "bids")}
    assert len(passwords | {secret_files.postgres_password(instance)}) == 4


def test_port_base_is_remembered(instance):
    assert Instance.at(instance.state).base == 9000
    assert Instance.at(instance.state, 9100).base == 9100


def test_containers_get_only_their_own_secrets(tmp_path, monkeypatch):
    for name in ("postgres", "public", "users", "bids", "tasks", "payments", "sandbox"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(docker_secrets, "SECRETS", tmp_path)
    monkeypatch.setenv("SUBGRAPHS", "users bids payments")
    monkeypatch.setenv("EXCHANGE_STRIPE_SECRET_KEY", "sk_test")
    docker_secrets.main()
    first = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    docker_secrets.main()
    assert {path: path.read_text() for path in first} == first
    password = first[tmp_path / "postgres" / "bids"]
    assert first[tmp_path / "bids" / "env"] == (
        f"EXCHANGE_DATABASE_URL=postgresql+asyncpg://bids:{password}@postgres:5432/bids\n"
    )
    assert sorted(str(path.relative_to(tmp_path)) for path in first) == [
        "bids/env", "payments/env", "payments/links.json", "postgres/bids", "postgres/payments",
        "postgres/superuser", "postgres/users", "public/jwks.json", "sandbox/env", "tasks/links.json",
        "users/encryption.json", "users/env", "users/keys.lock", "users/signing.json",
    ]  # fmt: skip
    sandbox = first[tmp_path / "sandbox" / "env"]
    told = first[tmp_path / "payments" / "env"].partition("\n")[2]
    assert told == f"EXCHANGE_STRIPE_SECRET_KEY=sk_test\n{sandbox}"
    assert '"d"' not in first[tmp_path / "public" / "jwks.json"]
