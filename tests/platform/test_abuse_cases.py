"""How many named abuse cases there are, which docs/security.md tells."""

import importlib
import re
from collections import Counter
from pathlib import Path

from tests.abuse.arena import Case

REPOSITORY = Path(__file__).parents[2]
SAYS = re.compile(r"`tests/abuse` holds more than (\d+) named cases")


def named_cases() -> Counter[str]:
    """The cases of each module's tables; one that stands in two tables counts once."""
    counted: Counter[str] = Counter()
    for file in sorted((REPOSITORY / "tests/abuse").glob("test_*.py")):
        module = importlib.import_module(f"tests.abuse.{file.stem}")
        tables = [value for value in vars(module).values() if isinstance(value, dict)]
        names = {name for table in tables for name, case in table.items() if isinstance(case, Case)}
        counted[file.stem] = len(names)
    return counted


def test_the_docs_tell_how_many_abuse_cases_there_are() -> None:
    counted = named_cases().total()
    found = SAYS.search((REPOSITORY / "docs/security.md").read_text())
    assert found, "docs/security.md tells no number"
    # To the hundred, so that not each new case changes it.
    assert int(found[1]) == counted // 100 * 100, f"there are {counted}"
