"""Every column of every subgraph is declared: personal and whose, pseudonymous, or neither."""

import importlib
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from annotated_types import Le
from pydantic import BaseModel
from sqlalchemy import LargeBinary, Table

from shared import events
from shared.config import Settings
from shared.database import tables
from shared.events import REGISTRY
from shared.privacy.erasure import PASSES
from shared.privacy.personal_data import PLATFORM, Held
from subgraphs.users import secrets_at_rest
from subgraphs.users.rules.sessions import ACCESS_TOKEN_LIFETIME
from tests.platform.test_boundaries import SUBGRAPHS

NAMES = [path.name for path in SUBGRAPHS]

# Text in events that tells nothing about a person: values of closed sets, words of the system's own.
NO_ONES_TEXT = {
    "tasks.task.funding_failed": {"reason"},  # a value of a closed set
    "payments.escrow.payment_declined": {"reason"},
    "payments.escrow.funding_failed": {"reason"},
    "payments.escrow.price_change_failed": {"reason"},
    "payments.escrow.frozen": {"reason"},
    "payments.payout.failed": {"reason"},
    "payments.transaction.processed": {"kind"},
    "payments.transaction.charged_back": {"status"},
    "users.user.registered": {"status"},
    "users.user.email_verified": {"status"},
    # One of the few that the operator has configured.
    "users.user.identity_linked": {"provider"},
    "users.user.identity_unlinked": {"provider"},
    "users.user.role_granted": {"role"},
    "users.user.role_revoked": {"role"},
    "users.user.verification_submitted": {"document_type"},
    "users.user.verification_rejected": {"reason"},
    "users.user.reported": {"reason"},
    "users.user.export_requested": {"public_key"},
    "tasks.task.assignment_rejected": {"reason"},
    "bids.bid.expired": {"reason"},
    "bids.bid.acceptance_failed": {"reason", "funding_failure"},
}
NO_ONES_TEXT_IN_BODIES = {
    "TaskSnapshot": {"mode", "status", "time_zone"},
    "AgreementSnapshot": {"kind", "status", "requested_by", "time_zone"},
    "QuestionSnapshot": set(),
    "BidSnapshot": {"status", "decline_reason"},
    "OfferSnapshot": {"side", "status"},
    "InvitationSnapshot": set(),
    "EscrowSnapshot": {"status"},
    "PayoutSnapshot": {"status"},
    "NotificationSnapshot": {"category", "link"},
}


def module(subgraph: str, name: str) -> ModuleType:
    return importlib.import_module(f"subgraphs.{subgraph}.{name}")


def declared() -> Iterator[tuple[str, Held]]:
    for name in NAMES:
        yield from ((name, held) for held in module(name, "personal_data").HELD)
    yield from (("platform", held) for held in PLATFORM)


DECLARED = list(declared())


@pytest.mark.parametrize("subgraph", NAMES)
def test_every_table_is_declared(subgraph: str) -> None:
    found = [held.table.name for held in module(subgraph, "personal_data").HELD]
    expected = module(subgraph, "models").Base.metadata.tables.keys()
    assert sorted(found) == sorted(expected), "declare in personal_data.py what the table holds of persons"


def test_every_table_of_the_platform_is_declared() -> None:
    assert sorted(held.table.name for held in PLATFORM) == sorted(tables.metadata.tables)


@pytest.mark.parametrize(("subgraph", "held"), DECLARED, ids=[f"{name}.{held.table.name}" for name, held in DECLARED])
def test_every_column_is_declared_once(subgraph: str, held: Held) -> None:
    found = [*held.people, *held.through, *held.unseen, *held.personal, *held.pseudonymous, *held.plain]
    stored = [column.name for column in held.table.columns if column.computed is None]
    assert sorted(found) == sorted(stored), "declare in personal_data.py what the column says of a person"


@pytest.mark.parametrize(("subgraph", "held"), DECLARED, ids=[f"{name}.{held.table.name}" for name, held in DECLARED])
def test_a_declaration_says_whose_it_is_and_what_becomes_of_it(subgraph: str, held: Held) -> None:
    persons = {*held.people, *held.through, *held.unseen}
    assert set(held.deleted_with) <= persons
    for name, personal in held.personal.items():
        assert personal.of in persons, f"{name} is of nobody who can be found"
        gone = personal.of in held.deleted_with
        assert gone or personal.erased is not None or held.table.c[name].nullable, f"{name} cannot be empty"
    for other, person in held.through.values():
        assert isinstance(other, Table)
        assert person in other.columns


@pytest.mark.parametrize(("subgraph", "held"), DECLARED, ids=[f"{name}.{held.table.name}" for name, held in DECLARED])
def test_what_is_personal_is_exported_or_there_is_a_reason(subgraph: str, held: Held) -> None:
    for name, personal in held.personal.items():
        if personal.withheld is None:
            assert personal.of not in held.unseen, f"{name} is of somebody who does not get to see the row"
            assert name in held.exported(personal.of)
    reasons = [*held.unseen.values(), *(each.withheld for each in held.personal.values() if each.withheld is not None)]
    for reason in reasons:
        assert reason.endswith("."), "a sentence, which the person reads"


@pytest.mark.parametrize(("subgraph", "held"), DECLARED, ids=[f"{name}.{held.table.name}" for name, held in DECLARED])
def test_what_is_exported_can_be_read_by_its_person(subgraph: str, held: Held) -> None:
    # Bytes are encrypted values or hashes: good for nobody as they are.
    readers = {f"{each.model.__tablename__}.{each.column}" for each in secrets_at_rest.ENCRYPTED}
    for column in (*held.people, *held.through):
        for name in held.exported(column):
            if isinstance(held.table.c[name].type, LargeBinary):
                assert subgraph == "users", "no reader is given to this subgraph's export"
                assert f"{held.table.name}.{name}" in readers


# A column that holds a person's id by its name.
PERSON_IDS = {
    "user_id",
    "poster_id",
    "tasker_id",
    "actor_id",
    "author_id",
    "owner_id",
    "reporter_id",
    "blocker_id",
    "blocked_id",
}


@pytest.mark.parametrize(("subgraph", "held"), DECLARED, ids=[f"{name}.{held.table.name}" for name, held in DECLARED])
def test_a_column_that_is_named_like_a_person_is_one(subgraph: str, held: Held) -> None:
    named = {column.name for column in held.table.columns} & PERSON_IDS
    assert named <= {*held.people, *held.through, *held.unseen}


@pytest.mark.parametrize("subgraph", NAMES)
def test_every_subgraph_answers_an_export(subgraph: str) -> None:
    assert events.UserExportRequested in module(subgraph, "consumers").handlers._handlers
    assert events.DATA_SEALED[subgraph].type == f"{subgraph}.export.sealed"
    assert events.DATA_SEALED.keys() == set(NAMES)


TEXT = (str, str | None, tuple[str, ...], tuple[str, ...] | None)


def texts(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """The fields of a body that can hold what somebody wrote."""
    for name, field in model.model_fields.items():
        if (
            field.annotation in (str, str | None, tuple[str, ...], tuple[str, ...] | None)
            and name not in ("id", "by", "roles")
            and not name.endswith("_id")
        ):
            yield name, field


@pytest.mark.parametrize("model", REGISTRY.values(), ids=REGISTRY.keys())
def test_every_text_of_an_event_is_declared(model: type[events.Event]) -> None:
    if issubclass(model, events.DataSealed):
        return
    bodies: list[tuple[type[BaseModel], set[str]]] = [(model, NO_ONES_TEXT.get(model.type, set()))]
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, events.Body):
            bodies.append((field.annotation, NO_ONES_TEXT_IN_BODIES[field.annotation.__name__]))
    for body, no_ones in bodies:
        marked = {
            name for name, field in texts(body) if any(isinstance(each, events.Personal) for each in field.metadata)
        }
        assert {name for name, _ in texts(body)} == marked | no_ones


def test_erasure_passes_once_no_token_lives_and_once_no_message_does() -> None:
    [most] = [each.le for each in Settings.model_fields["stream_retention_days"].metadata if isinstance(each, Le)]
    kept = timedelta(days=int(str(most)))
    # Kafka deletes a segment as a whole, up to a day later.
    last_message = kept + timedelta(days=1)
    settled, without_tokens, without_messages = sorted(PASSES.values())
    assert settled <= timedelta(minutes=1)
    assert ACCESS_TOKEN_LIFETIME < without_tokens < kept
    assert without_messages >= last_message
