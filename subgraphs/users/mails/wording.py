"""What the words of a mail are made of, whatever the language."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """A mail's words. `{when}` and the facts of its template stand in `paragraphs` by their names in braces."""

    subject: str
    paragraphs: tuple[str, ...]
    label: str = ""
    """Of the button; none where there is nothing to do."""
    after: tuple[str, ...] = ()
