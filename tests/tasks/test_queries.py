"""task, tasks, myTasks, categories: who gets what."""

from typing import Any

from shared import clock
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from subgraphs.tasks.rules.tasks import Status
from tests.tasks.conftest import CANCEL, PUBLISH, TASK, TASK_FIELDS, Tasks

LIST = "query($filter: TaskFilter, $sort: TaskSort) { tasks(filter: $filter, sort: $sort) { nodes { id } totalCount } }"
MINE = "query($as: TaskParty!, $status: TaskStatus) { myTasks(as: $as, status: $status) { nodes { id } totalCount } }"


async def found(tasks: Tasks, sort: str = "NEWEST", **filter: Any) -> list[str]:
    """The ids that a stranger gets; the count agrees."""
    data = await tasks.act(new_id("user"), LIST, filter=filter, sort=sort)
    ids = [node["id"] for node in data["tasks"]["nodes"]]
    assert data["tasks"]["totalCount"] == len(ids)
    return ids


async def mine(tasks: Tasks, user_id: str, party: str, status: str | None = None) -> list[str]:
    data = await tasks.act(user_id, MINE, **{"as": party, "status": status})
    assert data["myTasks"]["totalCount"] == len(data["myTasks"]["nodes"])
    return [node["id"] for node in data["myTasks"]["nodes"]]


async def test_everybody_sees_what_is_published(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)

    anonymous = await tasks.served.execute(TASK, {"id": task["id"]})
    page = await tasks.served.execute(f"{{ tasks {{ nodes {{ {TASK_FIELDS} }} edges {{ node {{ id }} }} }} }}")

    assert anonymous == {"data": {"task": task}}
    assert page == {"data": {"tasks": {"nodes": [task], "edges": [{"node": {"id": task["id"]}}]}}}


async def test_a_task_that_does_not_exist_is_null(tasks: Tasks) -> None:
    assert await tasks.served.execute(TASK, {"id": new_id("task")}) == {"data": {"task": None}}


async def test_ids_of_another_form_are_errors(tasks: Tasks) -> None:
    for task_id in ("", "1", new_id("user"), "task_" + "z" * 26, "task_' OR 1=1 --", "\u0000", "task_" * 1_000):
        answer = await tasks.served.execute(TASK, {"id": task_id})
        assert answer["data"] in (None, {"task": None})
        assert answer["errors"][0]["extensions"]["code"] in ("INVALID_ID", "BAD_REQUEST"), task_id


async def test_a_draft_is_invisible_to_others_by_every_path(tasks: Tasks, poster: str) -> None:
    never_published = await tasks.draft(poster)
    await tasks.act(poster, CANCEL, input={"taskId": never_published["id"], "reason": "Not wanted"})
    drafts = [(await tasks.draft(poster))["id"], never_published["id"]]
    stranger = new_id("user")

    for task_id in drafts:
        for token in (None, tasks.token(stranger), tasks.token(stranger, "ADMIN", "SUPPORT")):
            assert await tasks.served.execute(TASK, {"id": task_id}, token=token) == {"data": {"task": None}}
            entities = 'query($id: ID!) { _entities(representations: [{__typename: "Task", id: $id}]) { __typename } }'
            assert await tasks.served.execute(entities, {"id": task_id}, token=token) == {"data": {"_entities": [None]}}
    assert await found(tasks, status=None, posterId=poster) == []
    for status in Status:
        assert await found(tasks, status=status) == []
        assert await found(tasks, status=status, posterId=poster) == []
        assert await found(tasks, status=status, text="fence", categoryIds=[tasks.categories["painting"]]) == []
    assert await mine(tasks, stranger, "POSTER") == []
    assert await mine(tasks, stranger, "TASKER") == []
    assert await mine(tasks, poster, "POSTER") == sorted(drafts, reverse=True)
    # Its poster does not find it among the published ones either.
    assert (await tasks.act(poster, LIST, filter={"posterId": poster, "status": "DRAFT"}))["tasks"]["nodes"] == []


async def test_my_tasks_are_those_of_one_side(tasks: Tasks, poster: str) -> None:
    tasker = new_id("user")
    draft, assigned, opened = [(await tasks.draft(poster))["id"] for _ in range(3)]
    await tasks.set(assigned, status="ASSIGNED", tasker_id=tasker, published_at=clock.now())
    await tasks.act(poster, PUBLISH, input={"taskId": opened})
    await tasks.open(new_id("user"))

    assert await mine(tasks, poster, "POSTER") == [opened, assigned, draft]
    assert await mine(tasks, poster, "POSTER", "OPEN") == [opened]
    assert await mine(tasks, poster, "TASKER") == []
    assert await mine(tasks, tasker, "TASKER") == [assigned]
    assert await mine(tasks, tasker, "TASKER", "OPEN") == []
    anonymous = await tasks.served.execute(MINE, {"as": "POSTER"})
    assert anonymous["data"] == {"myTasks": None}
    assert [error["extensions"]["code"] for error in anonymous["errors"]] == ["UNAUTHENTICATED"]


async def test_the_filter_narrows_the_list(tasks: Tasks, poster: str) -> None:
    fence = (await tasks.open(poster))["id"]
    logo = await tasks.open(
        new_id("user"),
        title="Draw a logo for my café",
        description="A simple logo, in two colours, for a café by the sea.",
        categoryId=tasks.categories["logos-and-branding"],
        budget={"amount": "350", "currency": "EUR"},
        mode="REMOTE",
    )
    yen = (await tasks.open(poster, title="Walk the dog every day", budget={"amount": "350", "currency": "JPY"}))["id"]
    cancelled = (await tasks.open(poster))["id"]
    await tasks.act(poster, CANCEL, input={"taskId": cancelled, "reason": "Not wanted"})
    everything = [yen, logo["id"], fence]

    assert await found(tasks) == everything
    assert await found(tasks, status=None, posterId=poster) == [cancelled, yen, fence]
    assert await found(tasks, status="CANCELLED") == [cancelled]
    assert await found(tasks, mode="REMOTE") == [logo["id"]]
    assert await found(tasks, posterId=poster) == [yen, fence]
    assert await found(tasks, postedAfter=logo["publishedAt"]) in ([yen, logo["id"]], [yen])
    assert await found(tasks, postedAfter=format_datetime(clock.now())) == []
    assert await found(tasks, categoryIds=[tasks.categories["painting"]]) == [yen, fence]
    assert await found(tasks, categoryIds=[tasks.categories["design-and-creative"]]) == [logo["id"]]
    both = [tasks.categories["design-and-creative"], tasks.categories["painting"]]
    assert await found(tasks, categoryIds=both) == everything
    assert await found(tasks, categoryIds=[new_id("category")]) == []
    assert await found(tasks, categoryIds=[]) == everything
    assert await found(tasks, budget={"currency": "EUR"}) == [logo["id"], fence]
    assert await found(tasks, budget={"currency": "EUR", "min": "200.01"}) == [logo["id"]]
    assert await found(tasks, budget={"currency": "EUR", "min": "200", "max": "349.99"}) == [fence]
    assert await found(tasks, budget={"currency": "JPY", "max": "350"}) == [yen]
    assert await found(tasks, text="logos") == [logo["id"]]
    assert await found(tasks, text='"simple logo" or dogs', mode="REMOTE") == [logo["id"]]
    assert await found(tasks, text="fence -dog") == [fence]
    assert await found(tasks, text="   ") == everything
    for nonsense in ("& | ! ()", "' OR 1=1", "%", "\\", "a" * 200, "((((", "รั้ว", "\t"):
        assert await found(tasks, text=nonsense) in ([], everything)


async def test_the_list_is_sorted(tasks: Tasks, poster: str) -> None:
    plain = (await tasks.open(poster, budget={"amount": "30", "currency": "EUR"}))["id"]
    late = (await tasks.open(poster, dueAt="2999-12-31T00:00:01Z", budget={"amount": "10", "currency": "EUR"}))["id"]
    soon = (await tasks.open(poster, dueAt="2999-12-31T00:00:00Z", budget={"amount": "5", "currency": "USD"}))["id"]

    assert await found(tasks, "NEWEST") == [soon, late, plain]
    assert await found(tasks, "DUE") == [soon, late, plain]
    assert await found(tasks, "BUDGET_ASC") == [late, plain, soon]
    assert await found(tasks, "BUDGET_DESC") == [soon, plain, late]


async def test_a_filter_that_makes_no_sense_is_a_bad_request(tasks: Tasks) -> None:
    category = tasks.categories["painting"]
    for wanted, code in [
        ({"text": "x" * 201}, "BAD_REQUEST"),
        ({"text": "a\u0000b"}, "BAD_REQUEST"),
        ({"budget": {"currency": "EUR", "min": "-1"}}, "BAD_REQUEST"),
        ({"budget": {"currency": "JPY", "max": "1.5"}}, "BAD_REQUEST"),
        ({"budget": {"currency": "EUR", "max": ""}}, "BAD_REQUEST"),
        ({"categoryIds": [category] * 101}, "BAD_REQUEST"),
        ({"categoryIds": ["painting"]}, "INVALID_ID"),
        ({"posterId": category}, "INVALID_ID"),
        ({"postedAfter": "yesterday"}, "BAD_REQUEST"),
        ({"status": "GONE"}, "BAD_REQUEST"),
        ({"status": None}, "BAD_REQUEST"),
    ]:
        answer = await tasks.served.execute(LIST, {"filter": wanted})
        assert answer["data"] in (None, {"tasks": None}), wanted
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code], wanted


async def test_the_categories_are_a_tree_of_two_levels(tasks: Tasks) -> None:
    fields = "id slug name nameTh parent { id } children { id slug name nameTh parent { slug } children { id } }"

    answer = await tasks.served.execute(f"{{ categories {{ {fields} }} }}")

    tree = answer["data"]["categories"]
    assert len(tree) == 15
    for upper in tree:
        assert upper["parent"] is None
        assert len(upper["children"]) == 6
        for lower in upper["children"]:
            assert (lower["parent"], lower["children"]) == ({"slug": upper["slug"]}, [])
    every = [each for upper in tree for each in (upper, *upper["children"])]
    for key in ("id", "slug", "name", "nameTh"):
        assert len({each[key] for each in every}) == len(every) == 105
    # Clients keep these ids: a migration must never change them.
    assert tree[0]["slug"] == "cleaning"
    assert tree[0]["id"] == "category_3d5wzeknqjbj9bw5p9zkppw5kw"
    assert tasks.categories["painting"] == every[15]["id"]
