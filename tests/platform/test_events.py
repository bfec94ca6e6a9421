"""The event models: what every one of them must keep to."""

import pkgutil

import pytest
from pydantic import BaseModel, ValidationError

from shared import events
from shared.events import REGISTRY, Event, UnknownEventType, parse
from shared.printing import events as print_events

_SUBGRAPHS = {"users", "tasks", "bids", "payments", "reviews", "notifications", "locations", "support"}
_PERSONAL = {"email", "phone", "address", "password", "token", "name"}


def test_the_documentation_is_printed_from_the_models() -> None:
    assert print_events.TARGET.read_text() == print_events.render(), "run python -m shared.printing.events"


@pytest.mark.parametrize("model", REGISTRY.values(), ids=REGISTRY.keys())
def test_an_event_is_named_by_its_topic_and_says_when_it_happens(model: type[Event]) -> None:
    subgraph, _, happened = model.type.partition(".")
    assert subgraph in _SUBGRAPHS
    assert happened.count(".") == 1
    assert model.topic == model.type.rpartition(".")[0]
    assert model.__doc__


@pytest.mark.parametrize("model", REGISTRY.values(), ids=REGISTRY.keys())
def test_an_event_stands_with_its_subgraph_and_is_there_for_all(model: type[Event]) -> None:
    subgraph = model.type.partition(".")[0]
    module = "exports" if issubclass(model, events.DataSealed) else subgraph
    assert model.__module__ == f"shared.events.{module}"
    assert getattr(events, model.__name__) is model


def test_no_module_of_events_is_left_out() -> None:
    for module in pkgutil.iter_modules(events.__path__):
        assert hasattr(events, module.name), f"shared/events/__init__.py does not import {module.name}"


def _names(model: type[BaseModel]) -> set[str]:
    names = set(model.model_fields)
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names |= _names(field.annotation)
    return names


@pytest.mark.parametrize("model", REGISTRY.values(), ids=REGISTRY.keys())
def test_no_event_holds_contact_data(model: type[Event]) -> None:
    assert _names(model).isdisjoint(_PERSONAL)


def test_a_body_is_read_back_as_it_was_written() -> None:
    event = events.UserRegistered(user_id="user_1", display_name="Ana", roles=("POSTER",), status="ACTIVE")

    assert parse("users.user.registered", event.model_dump_json()) == event


def test_what_a_newer_release_adds_is_skipped() -> None:
    body = b'{"user_id": "user_1", "reason": "spam", "until": "2030-01-01T00:00:00Z"}'

    assert parse("users.user.suspended", body) == events.UserSuspended(user_id="user_1", reason="spam")


def test_a_missing_field_and_an_unknown_type_are_refused() -> None:
    with pytest.raises(ValidationError):
        parse("users.user.suspended", b'{"user_id": "user_1"}')
    with pytest.raises(UnknownEventType):
        parse("users.user.invented_tomorrow", b"{}")


def test_two_models_cannot_share_a_type() -> None:
    with pytest.raises(TypeError):
        type("Again", (events.UserSuspended,), {"type": "users.user.suspended", "__module__": __name__})
