"""Statuses, roles, scopes, and what a refresh token is good for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput, InvalidTransition
from shared.identity.actor import Role
from shared.transitions import next_status
from subgraphs.users import rules
from subgraphs.users.rules.accounts import TRANSITIONS, Command, Status
from subgraphs.users.rules.sessions import Refresh

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

LEGAL = {
    (Status.PENDING_VERIFICATION, Command.VERIFY_EMAIL): Status.ACTIVE,
    (Status.PENDING_VERIFICATION, Command.ERASE): Status.ERASED,
    (Status.PENDING_VERIFICATION, Command.SUSPEND): Status.SUSPENDED,
    (Status.ACTIVE, Command.SUSPEND): Status.SUSPENDED,
    (Status.ACTIVE, Command.ERASE): Status.ERASED,
    (Status.SUSPENDED, Command.REINSTATE): Status.ACTIVE,
    (Status.SUSPENDED, Command.REINSTATE_UNVERIFIED): Status.PENDING_VERIFICATION,
    (Status.SUSPENDED, Command.ERASE): Status.ERASED,
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("command", Command)
def test_only_the_steps_of_the_table_are_possible(status: Status, command: Command) -> None:
    if (status, command) in LEGAL:
        assert next_status(TRANSITIONS, status, command) is LEGAL[status, command]
    else:
        with pytest.raises(InvalidTransition):
            next_status(TRANSITIONS, status, command)


@pytest.mark.parametrize(
    "roles", [[], [Role.ADMIN], [Role.SUPPORT], [Role.POSTER, Role.ADMIN], [Role.TASKER, Role.SUPPORT]]
)
def test_sign_up_gives_no_other_roles(roles: list[Role]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        rules.accounts.check_roles_at_sign_up(roles)
    assert refusal.value.field == ("roles",)


def test_roles_are_kept_once_each_and_in_order() -> None:
    assert rules.accounts.check_roles_at_sign_up([Role.TASKER, Role.POSTER, Role.TASKER]) == [Role.POSTER, Role.TASKER]


@pytest.mark.parametrize(
    ("roles", "scope"),
    [
        ([], "marketplace"),
        ([Role.POSTER, Role.TASKER], "marketplace"),
        ([Role.SUPPORT], "marketplace support"),
        ([Role.ADMIN], "marketplace admin"),
        ([Role.POSTER, Role.ADMIN, Role.SUPPORT], "marketplace support admin"),
    ],
)
def test_scopes_follow_from_roles(roles: list[Role], scope: str) -> None:
    assert rules.accounts.scopes_of(roles) == scope


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (Status.PENDING_VERIFICATION, None),
        (Status.ACTIVE, None),
        (Status.SUSPENDED, rules.sessions.AccountSuspended),
        (Status.ERASED, rules.sessions.InvalidCredentials),
    ],
)
def test_who_may_have_a_session(status: Status, error: type[Exception] | None) -> None:
    if error is None:
        rules.sessions.check_may_have_session(status)
    else:
        with pytest.raises(error):
            rules.sessions.check_may_have_session(status)


JUDGEMENTS = {
    "fresh": ({}, Refresh.ROTATE),
    "used just now": ({"replaced_at": NOW}, Refresh.REPEAT),
    "used within the grace": ({"replaced_at": NOW - 10 * SECOND + timedelta(microseconds=1)}, Refresh.REPEAT),
    "used before the grace": ({"replaced_at": NOW - 10 * SECOND}, Refresh.REUSED),
    "expired": ({"token_expires_at": NOW}, Refresh.EXPIRED),
    "expired and used": ({"token_expires_at": NOW, "replaced_at": NOW - SECOND}, Refresh.EXPIRED),
    "session ended": ({"ended_at": NOW - SECOND}, Refresh.EXPIRED),
    "session ended, used within the grace": ({"ended_at": NOW, "replaced_at": NOW - SECOND}, Refresh.EXPIRED),
    "session ended, reused": ({"ended_at": NOW, "replaced_at": NOW - 60 * SECOND}, Refresh.EXPIRED),
}


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_what_a_refresh_token_is_good_for(name: str) -> None:
    changes, expected = JUDGEMENTS[name]
    token: dict[str, datetime | None] = {"token_expires_at": NOW + SECOND, "replaced_at": None, "ended_at": None}
    assert rules.sessions.judge_refresh(NOW, **token | changes) is expected  # type: ignore[arg-type]  # never None


@given(st.timedeltas(timedelta(0), timedelta(days=40)), st.timedeltas(timedelta(0), timedelta(days=40)))
def test_a_used_token_rotates_never_again(used_for: timedelta, lives_for: timedelta) -> None:
    judged = rules.sessions.judge_refresh(
        NOW, token_expires_at=NOW + lives_for, replaced_at=NOW - used_for, ended_at=None
    )
    assert judged is not Refresh.ROTATE


@pytest.mark.parametrize(
    ("viewer", "scopes", "sees"),
    [
        (None, (), False),
        ("user_a", ("marketplace",), True),
        ("user_b", ("marketplace",), False),
        ("user_b", ("marketplace", "support"), False),
        ("user_b", ("marketplace", "admin"), True),
    ],
)
def test_who_sees_private_fields(viewer: str | None, scopes: tuple[str, ...], sees: bool) -> None:
    assert rules.accounts.may_see_private(viewer, scopes, "user_a") is sees


def test_an_erased_user_has_no_name() -> None:
    assert rules.accounts.public_name(Status.ERASED, "Somchai") == "Deleted user"
    assert rules.accounts.public_name(Status.SUSPENDED, "Somchai") == "Somchai"
