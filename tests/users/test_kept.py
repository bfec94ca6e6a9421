"""A subgraph that runs on from test to test brings nothing of one into the next."""

import asyncio

from tests.conftest import ServeSubgraph
from tests.users.conftest import CHEAP, PASSWORD, Users

EXPORT = "mutation($input: ExportMyDataInput!) { exportMyData(input: $input) { userErrors { code } } }"


async def test_what_a_test_leaves_to_be_handled_reaches_no_other(serve_subgraph: ServeSubgraph) -> None:
    for _ in range(5):
        async with serve_subgraph("users", **CHEAP) as served:
            users = Users(served)
            assert await users.log() == []
            token = (await users.sign_up())["accessToken"]
            # Its event comes back to the subgraph, which then writes others.
            asked = await users.act(EXPORT, token=token, input={"password": PASSWORD})
            assert asked["exportMyData"]["userErrors"] == []
    async with serve_subgraph("users", **CHEAP) as served:
        await asyncio.sleep(0.5)
        assert await Users(served).log() == []
