"""TypeIDs."""

import contextlib
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import ids
from shared.errors import InvalidId
from tests.support.cpu import LIMIT_SECONDS, cpu_seconds

VALID = "task_01h455vb4pex5vsknk084sn02q"
ANOTHER = "bid_01h455vb4pex5vsknk084sn02q"


def decode(identifier: str) -> UUID:
    number = 0
    for character in identifier.rpartition("_")[2]:
        number = number << 5 | ids._ALPHABET.index(character)
    return UUID(int=number)


def test_an_id_is_its_prefix_and_a_uuid_of_version_7() -> None:
    before = time.time_ns() // 1_000_000
    identifier = ids.new_id("task")

    assert identifier.startswith("task_")
    assert len(identifier) == len("task_") + 26
    assert ids.check_id(identifier, "task") == identifier
    uuid = decode(identifier)
    assert uuid.version == 7
    assert before <= uuid.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_are_unique_and_ascend_as_text() -> None:
    made = [ids.new_id("bid") for _ in range(5_000)]

    assert len(set(made)) == len(made)
    assert made == sorted(made)


@pytest.mark.parametrize(
    ("uuid", "suffix"),
    # From the specification's valid.yml.
    [
        ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
        ("00000000-0000-0000-0000-000000000001", "00000000000000000000000001"),
        ("00000000-0000-0000-0000-000000000020", "00000000000000000000000010"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
        ("0110c853-1d09-52d8-d73e-1194e95b5f19", "0123456789abcdefghjkmnpqrs"),
        ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
    ],
)
def test_the_encoding_is_that_of_the_specification(uuid: str, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "uuid7", lambda: UUID(uuid))

    assert ids.new_id("user") == f"user_{suffix}"
    assert ids.check_id(f"user_{suffix}", "user") == f"user_{suffix}"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "task",
        "task_",
        "01h455vb4pex5vsknk084sn02q",
        "_01h455vb4pex5vsknk084sn02q",
        ANOTHER,
        "task-01h455vb4pex5vsknk084sn02q",
        "task_81h455vb4pex5vsknk084sn02q",
        "task_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "task_01h455vb4pex5vsknk084sn02",
        "task_01h455vb4pex5vsknk084sn02qq",
        "task_01h455vb4pex5vsknk084sn02q\n",
        " task_01h455vb4pex5vsknk084sn02q",
        "TASK_01h455vb4pex5vsknk084sn02q",
        VALID.upper(),
        "task_01H455VB4PEX5VSKNK084SN02Q",
        "task_01h455vb4pex5vsknk084sn02u",
        "task_01h455vb4pex5vsknk084sn0lo",
        "task_0\u0661h455vb4pex5vsknk084sn02q",
        "task_01h455vb4pex5vsknk084sn02\x00",
        None,
        7,
        ["task_01h455vb4pex5vsknk084sn02q"],
    ],
)
def test_what_is_not_an_id_of_the_type_is_refused(value: object) -> None:
    with pytest.raises(InvalidId) as refusal:
        ids.check_id(value, "task")

    assert refusal.value.extensions == {"code": "INVALID_ID"}
    assert refusal.value.message == 'Not a valid id of type "task".'


@given(st.text())
def test_no_text_makes_the_check_fail_otherwise(value: str) -> None:
    with contextlib.suppress(InvalidId):
        assert ids.check_id(value, "task") == value


@pytest.mark.timing
def test_a_long_value_is_refused_at_once() -> None:
    value = "task_" + "0" * 10_000_000

    def run() -> None:
        with pytest.raises(InvalidId):
            ids.check_id(value, "task")

    assert cpu_seconds(run) < LIMIT_SECONDS
