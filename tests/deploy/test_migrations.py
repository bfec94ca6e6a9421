import asyncio
import shutil

import pytest

from deploy.local import stamps, subgraph_server
from deploy.local.layout import REPOSITORY, built_subgraphs


@pytest.mark.parametrize("subgraph", built_subgraphs())
def test_models_and_migrations_agree(subgraph, database_url):
    asyncio.run(subgraph_server.migrate(database_url(subgraph), subgraph, check=True))


@pytest.mark.parametrize(
    "source",
    [
        "shared/database/alembic/env.py",
        "shared/database/alembic/platform.py",
        "shared/database/migrate.py",
        "shared/database/tables.py",
        "subgraphs/users/migrations/versions/0001_create_the_tables_of_users.py",
    ],
)
def test_a_database_is_built_anew_for_whatever_its_migrations_are_made_of(source, tmp_path, monkeypatch):
    for folder in ("shared", "subgraphs/users/migrations"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    for module in (subgraph_server, stamps):
        monkeypatch.setattr(module, "REPOSITORY", tmp_path)
    before = subgraph_server.migrations_digest("users")

    (tmp_path / source).write_text((tmp_path / source).read_text() + "\n")

    assert subgraph_server.migrations_digest("users") != before
