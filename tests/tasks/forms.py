"""Inputs of tasks that are wrong in every field."""

from datetime import timedelta
from typing import Any
from unittest.mock import ANY

from shared import clock
from shared.ids import new_id
from tests.support.wrong_inputs import Form, Given, Wrong
from tests.tasks.conftest import Tasks

_TEXTS = {
    "title": Wrong("Paint it!", min="10", max="100"),
    "description": Wrong("Two coats.", min="25", max="5000"),
    "categoryId": Wrong(new_id("category"), "UNKNOWN_CATEGORY"),
}
_PLACE = {"placeId": Wrong(None, "PLACE_REQUIRED")}
_REQUIREMENTS = {"requirements": Wrong(["Bring a ladder.", "?"], min="3", max="200", at=["requirements", "1"])}
_DUE_FROM = {"dueFrom": Wrong("2020-01-02T00:00:00Z", max="2020-01-01T00:00:00.000Z")}
# The least is now.
_DUE_AT = {"dueAt": Wrong("2020-01-01T00:00:00Z", "DUE_IN_PAST", min=ANY)}
_TIME_ZONE = {"timeZone": Wrong("Bangkok")}
_TIMES = _DUE_FROM | _DUE_AT | _TIME_ZONE
_MESSAGE = {"message": Wrong("Rain", min="10", max="2000")}


def _money(name: str) -> dict[str, Wrong]:
    return {f"{name}.amount": Wrong("0.99", min="1.00", max="100000.00")}


def _other_currency(name: str) -> dict[str, Wrong]:
    return {f"{name}.currency": Wrong("USD", "CURRENCY_MISMATCH", allowed=["EUR"])}


async def _poster(tasks: Tasks) -> tuple[str, Given]:
    """A currency is right as long as no task is published with another one."""
    return new_id("user"), {"mode": "ONSITE", "publish": True, "budget": {"currency": "EUR"}}


async def _open_task(tasks: Tasks) -> tuple[str, Given]:
    poster = new_id("user")
    return poster, _named(await tasks.open(poster))


async def _changed_task(tasks: Tasks) -> tuple[str, Given]:
    poster, ids = await _open_task(tasks)
    return poster, ids | {"expectedVersion": 2}


async def _expired_task(tasks: Tasks) -> tuple[str, Given]:
    poster, ids = await _open_task(tasks)
    before = clock.now() - timedelta(days=40)
    await tasks.set(ids["taskId"], status="EXPIRED", published_at=before, expires_at=before)
    return poster, ids


async def _assigned_task(tasks: Tasks) -> tuple[str, Given]:
    poster = new_id("user")
    return poster, _named(await tasks.assigned(poster, new_id("user")))


def _named(task: dict[str, Any]) -> Given:
    return {"taskId": task["id"]}


FORMS: dict[str, Form[Tasks]] = {
    "createTask": Form(_poster, _TEXTS | _money("budget") | _PLACE | _REQUIREMENTS | _TIMES),
    "updateTask": Form(
        _changed_task, _TEXTS | _money("budget") | _other_currency("budget") | _PLACE | _REQUIREMENTS | _TIMES
    ),
    "repostTask": Form(_expired_task, _TIMES),
    "requestReschedule": Form(_assigned_task, _DUE_AT | _MESSAGE | _DUE_FROM | _TIME_ZONE),
    "requestPriceChange": Form(_assigned_task, _money("price") | _other_currency("price") | _MESSAGE),
    "createAttachmentUpload": Form(
        _open_task,
        {
            "filename": Wrong("", min="1", max="120"),
            "contentType": Wrong(
                "text/html", "UNSUPPORTED_FILE", allowed=["image/jpeg", "image/png", "image/webp", "application/pdf"]
            ),
            "sizeBytes": Wrong(10_485_761, "FILE_TOO_LARGE", min="1", max="10485760"),
        },
    ),
}
