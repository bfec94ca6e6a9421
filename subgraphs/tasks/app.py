"""The tasks subgraph."""

from fastapi import FastAPI

from shared.app import create_app
from shared.config import Settings
from shared.erasure import PASSES
from subgraphs.tasks.actions import EXPIRY
from subgraphs.tasks.consumers import forget_again, handlers, task_expired
from subgraphs.tasks.loaders import Loaders
from subgraphs.tasks.schema import schema


def build(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    return create_app(
        "tasks",
        schema,
        loaders=Loaders,
        topics=["tasks.task"],
        handlers=handlers,
        deadlines={EXPIRY: task_expired, **dict.fromkeys(PASSES, forget_again)},
        settings=settings,
    )


app = build()
