"""E-mail addresses and passwords as people type them."""

import contextlib
import time

import pytest

from subgraphs.users import credentials
from subgraphs.users.rules.accounts import InvalidEmail
from subgraphs.users.rules.passwords import WeakPassword
from tests.conftest import SettingsFor
from tests.support.cpu import cpu_seconds_once
from tests.users.conftest import CHEAP, PASSWORD


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Somchai@Example.COM", "somchai@example.com"),
        ("  somchai+tasks@example.com\n", "somchai+tasks@example.com"),
        ("somchai@bücher.example.org", "somchai@xn--bcher-kva.example.org"),
        ("somchai@XN--BCHER-KVA.example.org", "somchai@xn--bcher-kva.example.org"),
        ("o'neill@example.com", "o'neill@example.com"),
    ],
)
def test_addresses_are_stored_in_one_form(typed: str, stored: str) -> None:
    assert credentials.normalise_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["", "somchai", "somchai@", "@example.com", "a b@example.com", "a@b", "a@localhost", "a@[127.0.0.1]", "a@foo.local",
     '"a b"@example.com', "a..b@example.com", "a@example..com", "jö@example.com", "a@example.com\0", "a@example.com\nb",
     "\ud800@example.com", "a@\ud800.com", "a" * 65 + "@example.com", "a@" + "b" * 300 + ".com", "@" * 100_000,
     "x@" + "ü." * 300 + "de"],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InvalidEmail) as refusal:
        credentials.normalise_email(typed)
    assert refusal.value.field == ("email",)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "At least 10"),
        ("kx9!Qz#4w", "At least 10"),
        ("x" * 129, "At most 128"),
        ("ﷺ" * 100, "At most 128"),
        ("a" * 1_000_000, "At most 128"),
        ("seven purple\0lanterns juggle soup", "cannot be typed"),
        ("seven purple\ud800lanterns juggle soup", "cannot be typed"),
        ("password1234", "easily guessed"),
        ("Password1!Password1!", "easily guessed"),
        ("qwertyuiop1234567890", "easily guessed"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "easily guessed"),
        ("somchai@example.com", "easily guessed"),
        ("Somchai Srisuk1", "easily guessed"),
        ("somchaisrisuk", "easily guessed"),
        ("SomchaiSrisuk", "easily guessed"),
        ("Srisuk-Somchai", "easily guessed"),
        ("srisuksomchai1985", "easily guessed"),
        ("somch4isrisuk!", "easily guessed"),
        ("somchaiexample", "easily guessed"),
        ("somchaiexamplecom", "easily guessed"),
        ("สมชายใจดีสมชายใจดี", "easily guessed"),
    ],
)
async def test_weak_passwords_are_refused(settings_for: SettingsFor, password: str, reason: str) -> None:
    known = ("somchai@example.com", "Somchai Srisuk", "สมชาย ใจดี")
    with pytest.raises(WeakPassword, match=reason) as refusal:
        await credentials.check_new_password(settings_for("users", **CHEAP), password, known=known)
    assert refusal.value.field == ("password",)


@pytest.mark.parametrize("password", [PASSWORD, "kX9!qz#4wLm2", "รหัสผ่าน ช้างม่วง กินมะม่วง", "x9$" + PASSWORD + "!" * 60])
async def test_strong_passwords_pass(settings_for: SettingsFor, password: str) -> None:
    settings = settings_for("users", **CHEAP)
    # A name of single letters makes nothing weak.
    known = ("somchai@example.com", "S. R. I.")
    assert await credentials.check_new_password(settings, password, known=known)


@pytest.mark.timing
@pytest.mark.parametrize(
    "password",
    ["4@8({[<369&#!1/|0$5+7%2" * 5, "1234567890123456@({[<&#!/|$+%0yz" * 3, "4@8({[<369&#!1/|0$5+7%2", "ab" * 64],
)
@pytest.mark.parametrize(
    "known", [("somchai@example.com", "Somchai"), (f"{'a.' * 31}a@{'b.' * 90}com", " ".join("somchai" * 9)[:60])]
)
async def test_judging_a_password_takes_no_processor_for_long(
    settings_for: SettingsFor, password: str, known: tuple[str, ...]
) -> None:
    settings = settings_for("users", **CHEAP)
    credentials.prepare(settings)

    async def run() -> None:
        with contextlib.suppress(WeakPassword):
            await credentials.check_new_password(settings, password, known=known)

    assert await cpu_seconds_once(run) < 0.15


async def test_the_same_keys_give_the_same_password_on_any_device(settings_for: SettingsFor) -> None:
    settings = settings_for("users", **CHEAP)
    composed = await credentials.hash_password(settings, credentials.normalise_password("Élan vital ﬁn de siècle"))
    decomposed = "E\u0301lan vital fin de sie\u0300cle"

    assert await credentials.is_password_of(settings, composed, decomposed)
    assert not await credentials.is_password_of(settings, composed, "Elan vital fin de siecle")


@pytest.mark.parametrize("password", ["", "x" * 1_000_000, "\ud800", "nul\0"])
async def test_whatever_is_presented_is_compared(settings_for: SettingsFor, password: str) -> None:
    settings = settings_for("users", **CHEAP)
    password_hash = await credentials.hash_password(settings, PASSWORD)

    assert not await credentials.is_password_of(settings, password_hash, password)
    assert not await credentials.is_password_of(settings, None, password)
    assert not await credentials.is_password_of(settings, "not a hash", password)


@pytest.mark.timing
async def test_an_account_without_password_takes_as_long_as_one_with(settings_for: SettingsFor) -> None:
    settings = settings_for("users", argon2_memory_kib=19_456, argon2_time_cost=4)
    credentials.prepare(settings)
    password_hash = await credentials.hash_password(settings, PASSWORD)

    async def seconds(stored: str | None) -> float:
        started = time.process_time()
        await credentials.is_password_of(settings, stored, "wrong")
        return time.process_time() - started

    known = sorted([await seconds(password_hash) for _ in range(5)])[2]
    unknown = sorted([await seconds(None) for _ in range(5)])[2]
    assert 0.5 < unknown / known < 2
