"""Who is bound by a task or its money: what users takes from the events of others, those to come as well."""

import pytest

from shared import events
from subgraphs.payments.rules import escrows
from subgraphs.tasks.rules.tasks import TRANSITIONS, Status
from subgraphs.users import rules
from subgraphs.users.consumers import handlers

BINDING = {Status.ASSIGNED, Status.IN_PROGRESS, Status.DELIVERED, Status.DISPUTED}
NOT_GIVEN_YET = {Status.DRAFT, Status.OPEN}


@pytest.mark.parametrize("status", sorted(set(Status) - NOT_GIVEN_YET))
def test_a_task_that_was_given_binds_until_it_has_ended(status: Status) -> None:
    assert rules.erasure.binds(status) is (status in BINDING)


@pytest.mark.parametrize("command", sorted({command for _, command in TRANSITIONS}))
def test_whatever_ends_a_task_frees_its_people(command: str) -> None:
    reached = {step.to for (_, each), step in TRANSITIONS.items() if each == command}
    leaves = {status for status, _ in TRANSITIONS}
    for status in reached - leaves - BINDING:
        assert not rules.erasure.binds(status)


def test_every_event_with_a_task_is_heard() -> None:
    told = {model for model in events.REGISTRY.values() if model.topic == "tasks.task" and "task" in model.model_fields}
    assert told == set(events.TASK_EVENTS)
    assert told <= handlers._handlers.keys()


@pytest.mark.parametrize("status", escrows.Status)
def test_money_is_live_until_it_has_ended(status: escrows.Status) -> None:
    assert rules.erasure.is_live(status) is (status in escrows.LIVE)


def test_every_event_with_money_that_is_held_is_heard() -> None:
    told = {model for model in events.REGISTRY.values() if "escrow" in model.model_fields}
    assert told == set(events.ESCROW_EVENTS)
    assert told <= handlers._handlers.keys()
