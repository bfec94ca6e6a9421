"""What a profile may hold."""

import re
from enum import StrEnum

from shared.errors import InvalidInput

DISPLAY_NAME_LENGTH = (1, 60)
BIO_LENGTH = (0, 1_000)
SKILL_LENGTH = (2, 40)
MOST_SKILLS = 20
MOST_SKILLS_LOOKED_AT = 100
"""Of a list that names some twice; a longer one is refused unread."""

DEFAULT_TIME_ZONE = "UTC"

# ITU-T E.164: at most 15 digits; 7 are the fewest in use.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SEPARATORS = re.compile(r"[ ().\-/\u00a0\u2010\u2011]")
_MOST_PHONE_CHARACTERS = 40


class Locale(StrEnum):
    """The languages that people are written to in."""

    EN = "EN"
    TH = "TH"


def normalise_phone(text: str) -> str:
    """A phone number in E.164 form, without the separators that people type. Raises InvalidInput."""
    number = _SEPARATORS.sub("", text.strip()) if len(text) <= _MOST_PHONE_CHARACTERS else ""
    if not _E164.fullmatch(number):
        raise InvalidInput("Enter the number with its country code, such as +66 81 234 5678.", field=("phone",))
    return number


def unique_skills(skills: list[str]) -> list[str]:
    """Each skill once, whatever its case, in the order of its first mention. Raises InvalidInput for too many."""
    unique: dict[str, str] = {}
    for skill in skills:
        unique.setdefault(skill.casefold(), skill)
    if len(unique) > MOST_SKILLS:
        raise InvalidInput(f"At most {MOST_SKILLS} skills, please.", field=("skills",))
    return list(unique.values())
