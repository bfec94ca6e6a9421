"""The page on security says what the limits are."""

import re

from edge.render import Limits
from shared.config import Settings
from tests.platform.test_boundaries import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text().partition("\n## Limits\n")[2].partition("\n## ")[0]


def test_each_setting_that_the_page_names_is_there_with_its_default() -> None:
    rows = re.findall(r"^\| .* \| `([^`|]+)` \| `EXCHANGE_(\w+)` \|", PAGE, re.MULTILINE)
    given = re.findall(r"([\d,]+)(?: s)? \((?:`EDGE_\w+`; )?`EXCHANGE_(\w+)`\)", PAGE)
    assert len(rows) == 4
    assert len(given) == 5
    for value, name in rows + given:
        field = Settings.model_fields[name.lower()]
        assert str(field.default) == value.replace(",", ""), name


def test_each_setting_of_the_edge_that_the_page_names_is_one() -> None:
    named = set(re.findall(r"`EDGE_(\w+)`", PAGE))
    assert named
    assert named <= {name.upper() for name in Limits.__dataclass_fields__}
