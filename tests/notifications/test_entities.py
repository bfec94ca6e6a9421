"""`_entities` straight at the subgraph: who may see what, and at what price."""

from typing import Any

from shared.ids import new_id
from tests.notifications.conftest import FIELDS, Notifications
from tests.support.statements import statements

ENTITIES = (
    f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ __typename ... on Notification {{ {FIELDS} }} }} }}"
)


def representations(*ids: str) -> dict[str, Any]:
    return {"r": [{"__typename": "Notification", "id": each} for each in ids]}


async def test_a_notification_is_there_for_its_reader_alone(notifications: Notifications) -> None:
    me, other = new_id("user"), new_id("user")
    mine, theirs = (await notifications.told(me))[0], (await notifications.told(other))[0]
    both = representations(theirs["id"], new_id("notification"), mine["id"], theirs["id"])
    shown = [{"__typename": "Notification", **each} for each in (mine, theirs)]

    for token, expected in [
        (notifications.token(me), [None, None, shown[0], None]),
        (notifications.token(other), [shown[1], None, None, shown[1]]),
        (notifications.token(new_id("user")), [None] * 4),
        (None, [None] * 4),
    ]:
        answer = await notifications.served.execute(ENTITIES, both, token=token)
        assert answer == {"data": {"_entities": expected}}


async def test_a_batch_is_one_statement(notifications: Notifications) -> None:
    me = new_id("user")
    ids = [each["id"] for each in await notifications.told(me, 20)]

    with statements(notifications.database) as seen:
        data = await notifications.act(me, ENTITIES, **representations(*ids))

    assert [each["id"] for each in data["_entities"]] == ids
    assert len(seen) == 1


async def test_malformed_representations_are_errors_of_their_own(notifications: Notifications) -> None:
    me = new_id("user")
    (mine,) = await notifications.told(me)
    malformed: list[dict[str, Any]] = [
        {"__typename": "Notification", "id": "1"},
        {"__typename": "Notification", "id": new_id("bid")},
        {"__typename": "Notification", "id": None},
        {"__typename": "Notification"},
        {"__typename": "Task", "id": new_id("task")},
    ]
    given = {"r": [*malformed, *representations(mine["id"])["r"]]}

    answer = await notifications.served.execute(ENTITIES, given, token=notifications.token(me))

    shown = {"__typename": "Notification", **mine}
    assert answer["data"] == {"_entities": [*[None] * len(malformed), shown]}
    codes = [error["extensions"]["code"] for error in sorted(answer["errors"], key=lambda each: each["path"])]
    assert codes == ["INVALID_ID"] * 3 + ["BAD_REQUEST"] * 2
