"""A payment provider that moves no money, for development: `python -m sandbox --port 8009 --state FOLDER`.

It reads EXCHANGE_SANDBOX_API_KEY and EXCHANGE_SANDBOX_WEBHOOK_SECRET from its environment.
"""

import argparse
import os
import sqlite3
import sys
from pathlib import Path

import uvicorn

from sandbox.app import build
from sandbox.context import Options
from sandbox.delivery import MODES, Delivery
from sandbox.state import State


def main() -> None:
    """The command line; returns when the server has ended."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder of what it remembers")
    parser.add_argument("--host", default="127.0.0.1", help="another one in a container of its own only")
    parser.add_argument("--public-url", default="", help="where browsers reach it; default: its own address")
    parser.add_argument("--webhook-url", default="", help="who is told of changes; default: nobody yet")
    parser.add_argument("--webhooks", choices=MODES, default="on-time")
    parser.add_argument("--late-seconds", type=float, default=5, help="by how much late webhooks are late")
    parser.add_argument("--settle-seconds", type=float, default=5, help="how long things are pending")
    parser.add_argument("--silent-seconds", type=float, default=30, help="how long calls hang whose answer is lost")
    given = parser.parse_args()
    if os.environ.get("EXCHANGE_ENVIRONMENT") == "production":
        sys.exit("The sandbox moves no money: it is for development, and does not start in production.")
    options = Options(
        public_url=(given.public_url or f"http://127.0.0.1:{given.port}").rstrip("/"),
        api_key=_secret("EXCHANGE_SANDBOX_API_KEY"),
        webhook_url=given.webhook_url,
        webhook_secret=_secret("EXCHANGE_SANDBOX_WEBHOOK_SECRET"),
        settle_seconds=given.settle_seconds,
        silent_seconds=given.silent_seconds,
    )
    try:
        state = State(given.state, Delivery(given.webhooks, given.late_seconds))
    except sqlite3.OperationalError as error:
        sys.exit(f"{given.state} cannot be used, perhaps since another process has it: {error}")
    uvicorn.run(
        build(state, options),
        host=given.host,
        port=given.port,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )


def _secret(name: str) -> str:
    secret = os.environ.get(name, "")
    if not secret:
        sys.exit(f"{name} is not set.")
    return secret


if __name__ == "__main__":
    main()
