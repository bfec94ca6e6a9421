"""What a profile may hold."""

import re
from collections.abc import Sequence

from shared.errors import InvalidInput, collected
from shared.graphql.text import clean

DISPLAY_NAME_LENGTH = (1, 60)
MOST_BIO_CHARACTERS = 1_000
SKILL_LENGTH = (2, 40)
MOST_SKILLS = 20
MOST_SKILLS_LOOKED_AT = 100
"""Of a list that names some twice; a longer one is refused unread."""

DEFAULT_TIME_ZONE = "UTC"

# ITU-T E.164: at most 15 digits; 7 are the fewest in use.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SEPARATORS = re.compile(r"[ ().\-/\u00a0\u2010\u2011]")
_MOST_PHONE_CHARACTERS = 40
# Without line breaks and tabs, which are no part of a skill.
_SPACES = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def normalise_phone(text: str) -> str:
    """A phone number in E.164 form, without the separators that people type. Raises InvalidInput."""
    number = _SEPARATORS.sub("", text.strip()) if len(text) <= _MOST_PHONE_CHARACTERS else ""
    if not _E164.fullmatch(number):
        raise InvalidInput("Enter the number with its country code, such as +66 81 234 5678.", field=("phone",))
    return number


def clean_name(text: str, *, field: tuple[str, ...] = ("displayName",)) -> str:
    """A name as it is shown. Raises InvalidInput."""
    least, most = DISPLAY_NAME_LENGTH
    return clean(text, field=field, min_length=least, max_length=most)


def clean_bio(text: str | None) -> str | None:
    """What somebody says of themselves; None for nothing. Raises InvalidInput."""
    return clean(text or "", field=("bio",), max_length=MOST_BIO_CHARACTERS, multiline=True) or None


def clean_skills(skills: Sequence[str]) -> list[str]:
    """Each skill once, whatever its case, in the order of its first mention.

    Raises InvalidInput for each that is none, and for too many.
    """
    if len(skills) > MOST_SKILLS_LOOKED_AT:
        raise _too_many_skills()
    with collected() as check:
        cleaned = [check(_clean_skill, skill, place) for place, skill in enumerate(skills)]
    unique: dict[str, str] = {}
    for skill in cleaned:
        unique.setdefault(skill.casefold(), skill)
    if len(unique) > MOST_SKILLS:
        raise _too_many_skills()
    return list(unique.values())


def _clean_skill(skill: str, place: int) -> str:
    least, most = SKILL_LENGTH
    return clean(_SPACES.sub(" ", skill), field=("skills", str(place)), min_length=least, max_length=most)


def _too_many_skills() -> InvalidInput:
    return InvalidInput(f"At most {MOST_SKILLS} skills, please.", field=("skills",), max=MOST_SKILLS)
