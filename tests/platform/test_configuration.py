from pathlib import Path

from shared.config import Settings
from shared.printing.settings import markdown

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_document_lists_the_settings_as_they_are() -> None:
    assert DOCUMENT.read_text() == markdown(), "run: python -m shared.printing.settings > docs/configuration.md"


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
