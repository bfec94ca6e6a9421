"""The tasks subgraph."""

from fastapi import FastAPI

from shared.app import create_app
from shared.config import Settings
from shared.erasure import PASSES
from subgraphs.tasks.actions.steps import APPROVAL, CANCELLATION, EXPIRY
from subgraphs.tasks.consumers import approval_due, cancellation_unanswered, forget_again, handlers, task_expired
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
        deadlines={
            EXPIRY: task_expired,
            APPROVAL: approval_due,
            CANCELLATION: cancellation_unanswered,
            **dict.fromkeys(PASSES, forget_again),
        },
        settings=settings,
    )


app = build()
