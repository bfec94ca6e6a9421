"""The authorization matrix: every cell of docs/authorization.md, on every way to the graph.

All is asked at once, when the first row is looked at, since the objects that cells are about are shared.
"""

import asyncio
from collections.abc import Sequence

import pytest

from deploy.local.stack import Stack
from shared.access import ANEW, ENDS, OWN, SILENT, VALUE, Answer, Cell
from tests.authorization.asking import Results, Task, ask_everything, tasks
from tests.authorization.routes import Route, asked_rows

# The first one waits for the whole system to start, and for all answers.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SUBSCRIPTIONS = tasks("subscription")
MUTATIONS = tasks("mutation")


@pytest.fixture(scope="module")
def results(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return asyncio.run(ask_everything(stack, tmp_path_factory.mktemp("replicas")))


def named(task: Task) -> str:
    return f"{task.name} by {task.route.name}"


@pytest.mark.parametrize(
    ("route", "cells"), [pytest.param(route, cells, id=name) for route, name, cells in asked_rows()]
)
def test_everybody_is_answered_as_declared(results: Results, route: Route, cells: Sequence[Cell]) -> None:
    assert {cell.who: _answer(results, route, cell) for cell in cells} == {cell.who: cell.answer for cell in cells}


def _answer(results: Results, route: Route, cell: Cell) -> Answer:
    if cell.answer is not ENDS:
        return results.answers[route.name, cell.id]
    ended = next(each for each in SUBSCRIPTIONS if cell.field in each.name and each.question.about == cell.about)
    return ENDS if results.endings[route.name, ended.name].code == "UNAUTHENTICATED" else SILENT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=named)
def test_a_refused_mutation_changes_nothing(results: Results, mutation: Task) -> None:
    assert results.changed[mutation.route.name, mutation.name] == set()


@pytest.mark.parametrize("mutation", [each for each in MUTATIONS if each.declared is not None], ids=named)
def test_a_mutation_that_is_sent_again_is_answered_as_declared(results: Results, mutation: Task) -> None:
    assert mutation.declared is not None
    wanted = mutation.declared.again
    for who, (answer, changed) in results.again.get((mutation.route.name, mutation.name), {}).items():
        assert (VALUE if answer is OWN else answer) == (VALUE if wanted is ANEW else wanted), who
        assert wanted is ANEW or changed == set(), who
