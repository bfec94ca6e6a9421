"""What each mail says, in each language.

None of them holds a name or anything else that a person chose: whoever signs up with somebody else's address
would have us mail their words to that person. Nor does any of them hold a secret but the code that it is for.
"""

from collections.abc import Mapping
from datetime import datetime

from shared.locale import Locale
from shared.mail import Action, Letter
from subgraphs.users.mails import english, thai
from subgraphs.users.mails.wording import Wording
from subgraphs.users.rules.mails import Template

_PATHS = {
    Template.VERIFY_EMAIL: "verify-email",
    Template.RESET_PASSWORD: "reset-password",
    Template.ACCOUNT_REINSTATED: "log-in",
}
# Of most there is one thing to do about them: what shuts out who else knows the password.
_ELSEWHERE = "forgot-password"

_WORDINGS: dict[Locale, dict[Template, Wording]] = {Locale.EN: english.WORDINGS, Locale.TH: thai.WORDINGS}


def letter(
    template: Template, locale: Locale, *, web_app_url: str, code: str, happened_at: datetime, facts: Mapping[str, str]
) -> Letter:
    """The mail of a template, which names these facts.

    `code` goes into the link behind a `#`, which no server and no log gets to see.
    """
    wording = _WORDINGS[locale][template]
    facts = {"when": f"{happened_at:%Y-%m-%d %H:%M} UTC", **facts}
    url = f"{web_app_url.rstrip('/')}/{_PATHS.get(template, _ELSEWHERE)}"
    return Letter(
        subject=wording.subject,
        paragraphs=tuple(each.format(**facts) for each in wording.paragraphs),
        action=Action(wording.label, f"{url}#token={code}" if code else url) if wording.label else None,
        after=wording.after,
        language=locale.lower(),
    )
