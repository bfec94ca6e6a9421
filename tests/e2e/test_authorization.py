"""The authorization matrix: every cell of docs/authorization.md, on every way to the graph.

All that a run has of it is asked at once, when the first question is looked at, since the objects that cells are about
are shared.
"""

import asyncio
from collections.abc import Hashable

import pytest

from deploy.local.stack import Stack
from shared.access import ANEW, ENDS, OWN, SILENT, VALUE, Answer
from shared.matrix import Cell
from tests.authorization.asking import Results, Task, ask_everything, tasks

# The first one waits for the whole system to start, and for all answers.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TASKS = [task for operation in ("query", "subscription", "mutation") for task in tasks(operation)]


def named(task: Task) -> str:
    return f"{task.subgraph} {task.question.root} of {task.question.about} by {task.route.name}"


def kinds(task: Task) -> tuple[Hashable, ...]:
    """Each question on some way, and each way to each subgraph."""
    question = task.question
    return (
        (task.subgraph, question.root, question.about),
        (task.subgraph, question.operation, task.route),
    )


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Results:
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    chosen = [task for item in items if isinstance(task := item.callspec.params["task"], Task)]
    return asyncio.run(ask_everything(stack, tmp_path_factory.mktemp("replicas"), chosen))


@pytest.mark.table(share=1 / 2, kinds=kinds)
@pytest.mark.parametrize("task", TASKS, ids=named)
def test_everybody_is_answered_as_declared(results: Results, task: Task) -> None:
    cells = {(row, who): cell for row, by_actor in task.rows.items() for who, cell in by_actor.items()}

    assert {at: _answer(results, task, cell) for at, cell in cells.items()} == {
        at: cell.answer for at, cell in cells.items()
    }
    if task.question.operation == "mutation":
        assert results.changed[task.route.name, task.name] == set(), "those who were refused changed something"
    if task.declared is not None:
        wanted = task.declared.again
        for who, (answer, changed) in results.again.get((task.route.name, task.name), {}).items():
            assert (VALUE if answer is OWN else answer) == (VALUE if wanted is ANEW else wanted), f"{who} once more"
            assert wanted is ANEW or changed == set(), f"{who} once more"


def _answer(results: Results, task: Task, cell: Cell) -> Answer:
    if cell.answer is not ENDS:
        return results.answers[task.route.name, cell.id]
    return ENDS if results.endings[task.route.name, task.name].code == "UNAUTHENTICATED" else SILENT
