"""What somebody could have others read, or us keep, has a quota for their account and one for their address."""

from typing import Any

import pytest

from shared.ids import new_id
from subgraphs.tasks import app
from subgraphs.tasks.schema import schema
from tests.conftest import AccessToken, SettingsFor
from tests.support.quotas import LIMIT, Tries, mutations_of
from tests.support.serving import serve

# A try counts before anything is looked up.
NOWHERE = new_id("task")
WHY = "It rains on Friday, I fear."
# For each of them the settings with its quotas, without `_per_account` and `_per_address`, and an input.
COUNTED: dict[str, tuple[str, dict[str, Any]]] = {
    "askQuestion": ("questions", {"taskId": NOWHERE, "text": "How long is the fence?"}),
    "createAttachmentUpload": (
        "attachment_uploads",
        {"taskId": NOWHERE, "filename": "fence.png", "contentType": "image/png", "sizeBytes": 1_000},
    ),
    "requestReschedule": (
        "task_requests",
        {"taskId": NOWHERE, "dueAt": "2090-01-02T00:00:00.000Z", "message": WHY},
    ),
    "requestPriceChange": (
        "task_requests",
        {"taskId": NOWHERE, "price": {"amount": "120.00", "currency": "EUR"}, "message": WHY},
    ),
    "requestCancellation": ("task_requests", {"taskId": NOWHERE, "reason": WHY}),
}
# Those that nothing but the cost of somebody's operations limits: one's own tasks, steps that a task takes once,
# the one answer to what was asked, and what takes away.
NOT_COUNTED = {
    "createTask",
    "updateTask",
    "publishTask",
    "repostTask",
    "startTask",
    "submitDelivery",
    "requestChanges",
    "approveDelivery",
    "cancelTask",
    "answerQuestion",
    "answerReschedule",
    "answerPriceChange",
    "answerCancellation",
    "removeAttachment",
}


def test_every_mutation_is_counted_or_not_on_purpose() -> None:
    assert mutations_of(schema) == COUNTED.keys() | NOT_COUNTED


@pytest.mark.parametrize("name", COUNTED)
async def test_each_alias_is_a_try_of_its_account(
    settings_for: SettingsFor, access_token: AccessToken, name: str
) -> None:
    setting, given = COUNTED[name]
    async with serve(app.build(settings_for("tasks", **{f"{setting}_per_account": LIMIT}))) as served:
        await Tries(served, access_token, name, given).count_for_the_account()


@pytest.mark.parametrize("name", COUNTED)
async def test_each_alias_is_a_try_from_its_address(
    settings_for: SettingsFor, access_token: AccessToken, name: str
) -> None:
    setting, given = COUNTED[name]
    async with serve(app.build(settings_for("tasks", **{f"{setting}_per_address": LIMIT}))) as served:
        await Tries(served, access_token, name, given).count_for_the_address()
