"""The authorization matrix: every cell of docs/authorization.md, on every way to the graph.

All is asked at once, when the first cell is looked at, since the objects that cells are about are shared.
"""

import asyncio

import pytest

from deploy.local.stack import Stack
from shared.access import ENDS, Cell
from tests.authorization.asking import Results, Task, ask_everything, tasks
from tests.authorization.routes import Route, asked_cells

# The first one waits for the whole system to start, and for all answers.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SUBSCRIPTIONS = tasks("subscription")
MUTATIONS = tasks("mutation")


@pytest.fixture(scope="module")
def results(stack: Stack) -> Results:
    return asyncio.run(ask_everything(stack))


def named(task: Task) -> str:
    return f"{task.name} by {task.route.name}"


@pytest.mark.parametrize(
    ("route", "cell"),
    [pytest.param(route, cell, id=f"{cell.id} by {route.name}") for route, cell in asked_cells()],
)
def test_everybody_is_answered_as_declared(results: Results, route: Route, cell: Cell) -> None:
    if cell.answer is not ENDS:
        assert results.answers[route.name, cell.id] == cell.answer
    else:
        ended = next(each for each in SUBSCRIPTIONS if cell.field in each.name and each.question.about == cell.about)
        assert results.endings[route.name, ended.name].code == "UNAUTHENTICATED"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=named)
def test_a_refused_mutation_changes_nothing(results: Results, mutation: Task) -> None:
    assert results.changed[mutation.route.name, mutation.name] == set()
