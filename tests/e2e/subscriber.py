"""A client in a process of its own, for tests that kill it: prints each bid event as a line as it sees it."""

import asyncio
import json
import sys

from deploy.demo.live import follow
from tests.e2e.people import BID_EVENTS


async def main(url: str, token: str, task_id: str, after: str) -> None:
    async def token_source(refused: str = "") -> str:
        return token

    async for event in follow(url, token_source, BID_EVENTS, {"taskId": task_id}, int(after)):
        print(json.dumps(event), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
