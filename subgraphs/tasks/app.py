"""The tasks subgraph."""

from fastapi import FastAPI

from shared.config import Settings
from shared.privacy.erasure import PASSES
from shared.process.app import create_app
from subgraphs.tasks import files
from subgraphs.tasks.actions.attachments import UPLOAD_END
from subgraphs.tasks.actions.steps import APPROVAL, CANCELLATION, EXPIRY
from subgraphs.tasks.consumers import (
    approval_due,
    cancellation_unanswered,
    forget_again,
    handlers,
    task_expired,
    upload_over,
)
from subgraphs.tasks.loaders import Loaders
from subgraphs.tasks.schema import schema


def build(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    app = create_app(
        "tasks",
        schema,
        loaders=Loaders,
        topics=["tasks.task"],
        handlers=handlers,
        deadlines={
            EXPIRY: task_expired,
            APPROVAL: approval_due,
            CANCELLATION: cancellation_unanswered,
            UPLOAD_END: upload_over,
            **dict.fromkeys(PASSES, forget_again),
        },
        runners=files.runners,
        settings=settings,
    )
    app.router.routes.extend(files.routes())
    return app


app = build()
