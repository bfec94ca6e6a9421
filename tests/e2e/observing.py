"""What tests read of the running system as its operators do, and how they make parts of it fail."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from deploy.demo.live import Data
from deploy.local import subgraph_server
from deploy.local.stack import Stack
from shared.config import Settings

EXPORTED_WITHIN = 20
"""Seconds; spans leave every five."""


@asynccontextmanager
async def refusing_rows(stack: Stack, subgraph: str, table: str) -> AsyncIterator[None]:
    """A table that takes no row meanwhile; PostgreSQL then quotes the row in its error."""
    connection = await asyncpg.connect(stack.database_url(subgraph).replace("postgresql+asyncpg://", "postgresql://"))
    try:
        await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT observed CHECK (false) NOT VALID")
        try:
            yield
        finally:
            await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT observed")
    finally:
        await connection.close()


def operators_settings(stack: Stack) -> Settings:
    """Settings for what an operator does by hand, such as looking at dead letters."""
    variables = subgraph_server.environment(stack.instance, "support").items()
    return Settings.model_validate({name.removeprefix("EXCHANGE_").lower(): value for name, value in variables})


def log_lines(stack: Stack, name: str) -> list[Data]:
    """All lines that a subgraph logged."""
    lines = []
    for path in stack.instance.logs.glob(f"{name}.log*"):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    return lines


def log_line(stack: Stack, name: str, event: str, request_id: str) -> Data:
    """The one line that a subgraph logged of an event in a request."""
    [line] = [line for line in log_lines(stack, name) if (line["event"], line.get("request_id")) == (event, request_id)]
    return line
