"""`_entities` straight at the subgraph: who may see what, and at what price."""

from typing import Any

from shared.ids import new_id
from tests.support.statements import statements
from tests.tasks.conftest import TASK_FIELDS, Tasks

ENTITIES = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ __typename ... on Task {{ {TASK_FIELDS} }} }} }}"


def representations(*ids: str) -> dict[str, Any]:
    return {"r": [{"__typename": "Task", "id": task_id} for task_id in ids]}


async def test_tasks_come_in_the_order_of_the_representations(tasks: Tasks, poster: str) -> None:
    first, second = await tasks.open(poster), await tasks.open(poster, mode="REMOTE")

    answer = await tasks.served.execute(
        ENTITIES, representations(second["id"], new_id("task"), first["id"], second["id"])
    )

    typed = [{"__typename": "Task", **task} for task in (first, second)]
    assert answer == {"data": {"_entities": [typed[1], None, typed[0], typed[1]]}}


async def test_a_draft_is_an_entity_for_its_poster_alone(tasks: Tasks, poster: str) -> None:
    draft, published = await tasks.draft(poster), await tasks.open(poster)
    both = representations(draft["id"], published["id"])

    own = await tasks.served.execute(ENTITIES, both, token=tasks.token(poster))
    shown = {"__typename": "Task", **published}
    assert own == {"data": {"_entities": [{"__typename": "Task", **draft}, shown]}}
    for token in (None, tasks.token(new_id("user")), tasks.token(new_id("user"), "ADMIN")):
        answer = await tasks.served.execute(ENTITIES, both, token=token)
        assert answer == {"data": {"_entities": [None, shown]}}


async def test_malformed_representations_are_errors(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    malformed: list[dict[str, Any]] = [
        {"__typename": "Task", "id": "1"},
        {"__typename": "Task", "id": new_id("bid")},
        {"__typename": "Task", "id": None},
        {"__typename": "Task", "id": {"id": task["id"]}},
        {"__typename": "Task"},
        {"__typename": "User", "id": new_id("user")},
        {"__typename": "TaskStep", "id": new_id("step")},
        {"id": task["id"]},
    ]
    for each in malformed:
        answer = await tasks.served.execute(ENTITIES, {"r": [each]})
        assert answer["data"] in (None, {"_entities": [None]}), each
        assert answer["errors"][0]["extensions"]["code"] in ("INVALID_ID", "BAD_REQUEST"), answer


async def test_a_batch_and_a_page_are_one_statement_each(tasks: Tasks, poster: str) -> None:
    ids = [(await tasks.open(poster))["id"] for _ in range(20)]

    with statements(tasks.database) as entities:
        answer = await tasks.served.execute(ENTITIES, representations(*ids))
    assert [each["id"] for each in answer["data"]["_entities"]] == ids
    assert len(entities) == 1

    with statements(tasks.database) as page:
        answer = await tasks.served.execute(f"{{ tasks {{ edges {{ cursor node {{ {TASK_FIELDS} }} }} }} }}")
    assert len(answer["data"]["tasks"]["edges"]) == 20
    assert len(page) == 1

    with statements(tasks.database) as categories:
        await tasks.served.execute("{ categories { children { name } } }")
    assert categories == []
