import asyncio

import pytest

from deploy.local import subgraph_server
from deploy.local.layout import built_subgraphs


@pytest.mark.parametrize("subgraph", built_subgraphs())
def test_models_and_migrations_agree(subgraph, database_url):
    asyncio.run(subgraph_server.migrate(database_url(subgraph), subgraph, check=True))
