"""Stored secrets: readable with their key and for their purpose only, across rotations."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.keys import encryption_key
from shared.identity.cipher import CannotDecrypt, Cipher

OLD, NEW = encryption_key(), encryption_key()


def write(path: Path, *keys: dict[str, str], at: int = 1) -> Path:
    path.write_text(json.dumps({"keys": keys}))
    os.utime(path, (at, at))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "keys.json", OLD)


@given(st.text(max_size=200), st.text(max_size=30))
def test_what_was_encrypted_is_read_again(tmp_path_factory: pytest.TempPathFactory, plain: str, purpose: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in plain + purpose):
        return
    cipher = Cipher(write(tmp_path_factory.mktemp("keys") / "keys.json", OLD))
    value = cipher.encrypt(plain, purpose=purpose)
    assert plain.encode() not in value or len(plain.encode()) < 4
    assert cipher.decrypt(value, purpose=purpose) == plain


def test_the_same_text_is_never_encrypted_the_same(file: Path) -> None:
    cipher = Cipher(file)
    assert len({cipher.encrypt("AB123456", purpose="document") for _ in range(100)}) == 100


def test_a_value_of_another_person_or_purpose_is_refused(file: Path) -> None:
    cipher = Cipher(file)
    value = cipher.encrypt("AB123456", purpose="document:user_a")
    with pytest.raises(CannotDecrypt):
        cipher.decrypt(value, purpose="document:user_b")


def test_every_changed_bit_is_noticed(file: Path) -> None:
    cipher = Cipher(file)
    value = cipher.encrypt("AB123456", purpose="document")
    for place in range(len(value)):
        changed = bytes([*value[:place], value[place] ^ 1, *value[place + 1 :]])
        with pytest.raises(CannotDecrypt):
            cipher.decrypt(changed, purpose="document")
    for length in range(len(value)):
        with pytest.raises(CannotDecrypt):
            cipher.decrypt(value[:length], purpose="document")


def test_a_new_key_encrypts_and_the_old_one_still_reads(file: Path) -> None:
    cipher = Cipher(file)
    before = cipher.encrypt("AB123456", purpose="document")
    write(file, NEW, OLD, at=2)
    after = cipher.encrypt("AB123456", purpose="document")
    assert (cipher.is_current(before), cipher.is_current(after)) == (False, True)
    assert (before.startswith(cipher.current_prefix), after.startswith(cipher.current_prefix)) == (False, True)
    assert cipher.decrypt(before, purpose="document") == cipher.decrypt(after, purpose="document") == "AB123456"
    write(file, NEW, at=3)
    with pytest.raises(CannotDecrypt):
        cipher.decrypt(before, purpose="document")
    assert cipher.decrypt(after, purpose="document") == "AB123456"


@pytest.mark.parametrize(
    "content", ["", "{}", '{"keys": []}', '{"keys": [{"kid": "a"}]}', '{"keys": [{"kid": "a", "k": "c2hvcnQ"}]}', "[1]"]
)
def test_a_file_without_keys_does_not_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"must hold 256-bit keys"):
        Cipher(path).load()


def test_a_broken_file_leaves_the_known_keys_working(file: Path) -> None:
    cipher = Cipher(file)
    value = cipher.encrypt("AB123456", purpose="document")
    file.write_text("{")
    assert cipher.decrypt(value, purpose="document") == "AB123456"


def test_a_fingerprint_is_the_same_for_the_same_text_purpose_and_key_only(tmp_path: Path) -> None:
    cipher, other = Cipher(write(tmp_path / "old.json", OLD)), Cipher(write(tmp_path / "new.json", NEW, OLD))
    print_ = cipher.fingerprint("1234567890121", purpose="document")

    assert cipher.fingerprint("1234567890121", purpose="document") == print_
    assert print_.startswith(cipher.current_prefix)
    assert b"1234567890121" not in print_
    others = {
        cipher.fingerprint("1234567890122", purpose="document"),
        cipher.fingerprint("1234567890121", purpose="name"),
        other.fingerprint("1234567890121", purpose="document"),
    }
    assert len({each[-32:] for each in {print_, *others}}) == 4
