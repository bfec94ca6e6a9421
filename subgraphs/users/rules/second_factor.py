"""What a second factor takes: codes, recovery codes, and logins that wait for one."""

from datetime import datetime, timedelta

from shared.errors import DomainError, InvalidTransition, NotFound, UserErrorCode

STEP_SECONDS = 30
WINDOW_STEPS = 1
"""Steps before and after the present one whose codes pass: clocks differ (RFC 6238, section 5.2)."""
RECOVERY_CODES = 10
SETUP_LIFETIME = timedelta(hours=1)
"""How long a new secret waits for its first code."""
CHALLENGE_LIFETIME = timedelta(minutes=5)
CHALLENGE_ATTEMPTS = 5
REMOVAL_REASON_LENGTH = (1, 500)


class InvalidSecondFactor(DomainError):
    code = UserErrorCode.INVALID_SECOND_FACTOR


class SecondFactorRequired(DomainError):
    code = UserErrorCode.SECOND_FACTOR_REQUIRED


def invalid_second_factor() -> InvalidSecondFactor:
    """The one answer to every code that does not hold, and to every challenge that does not."""
    return InvalidSecondFactor("The code is wrong or was used, or the login has expired; try the next code.")


def step_of(now: datetime) -> int:
    """The number of the present time step (RFC 6238, section 4.2)."""
    return int(now.timestamp()) // STEP_SECONDS


def acceptable_steps(now: datetime, last_step: int | None) -> list[int]:
    """The steps whose code passes now: those of the window that are newer than the last one accepted."""
    present = step_of(now)
    steps = range(present - WINDOW_STEPS, present + WINDOW_STEPS + 1)
    return [step for step in steps if last_step is None or step > last_step]


def check_can_enable(enabled_at: datetime | None) -> None:
    """Raises InvalidTransition where one is active: it must be disabled with a code first."""
    if enabled_at is not None:
        raise InvalidTransition("A second factor is active already; disable it first.")


def check_can_confirm(created_at: datetime | None, enabled_at: datetime | None, now: datetime) -> None:
    """Raises NotFound where no secret waits for its first code, InvalidTransition where it had it."""
    if created_at is None or (enabled_at is None and created_at + SETUP_LIFETIME <= now):
        raise NotFound("There is no second factor to confirm; begin with enableTotp.")
    check_can_enable(enabled_at)


def second_factor_required() -> SecondFactorRequired:
    """What somebody with a second factor is answered who did not give a code of it."""
    return SecondFactorRequired("Your account has a second factor: give a code of it too.", field=("code",))


def no_second_factor() -> NotFound:
    """What a change answers where no second factor is active."""
    return NotFound("No second factor is active.")


def is_challenge_alive(
    now: datetime, *, expires_at: datetime, used_at: datetime | None, attempts: int, same_password: bool
) -> bool:
    """Whether an attempt at a challenge, which `attempts` includes, can succeed."""
    return used_at is None and now < expires_at and attempts <= CHALLENGE_ATTEMPTS and same_password
