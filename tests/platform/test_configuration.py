from pathlib import Path

from shared.config import Settings
from shared.printing.settings import markdown

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_document_lists_the_settings_as_they_are() -> None:
    assert DOCUMENT.read_text() == markdown(), "run: python -m shared.printing.settings > docs/configuration.md"


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_what_is_read_for_some_settings_can_be_remembered_by_them() -> None:
    given = {
        "database_url": "postgresql://host/database",
        "redis_url": "redis://host/0",
        "kafka_bootstrap_servers": "host:9092",
        "jwks_file": DOCUMENT,
    }
    first, same, other = (Settings.model_validate({**given, "fees": {"*": fee}}) for fee in (1, 1, 2))

    assert {first: "first", other: "other"}[same] == "first"
