"""Addresses, numbers and names to be reached by elsewhere, which public texts may not hold.

Who agrees on a task past the marketplace has neither escrow nor dispute. This catches what people write and the usual
disguises of it, in Latin and Thai letters and digits; it cannot catch what is meant not to be caught.
"""

import re
import unicodedata

from shared.errors import DomainError, UserErrorCode


class ContactDetailsNotAllowed(DomainError):
    code = UserErrorCode.CONTACT_DETAILS_NOT_ALLOWED


def check_none(text: str, *, field: tuple[str, ...]) -> None:
    """Raises ContactDetailsNotAllowed for a text with contact details."""
    if has_contact_details(text):
        raise ContactDetailsNotAllowed(
            "Everybody can read this: leave out e-mail addresses, telephone numbers and links.", field=field
        )


def has_contact_details(text: str) -> bool:
    """Whether a text holds an e-mail address, a telephone number, a link or the name of a messenger's account."""
    plain = _plain(text)
    if any(pattern.search(plain) for pattern in (_MAIL, _LINK, _SHORT_LINK, _HANDLE, _ACCOUNT)):
        return True
    return _PHONE.search(_NO_PHONE.sub(" # ", _with_digits(plain))) is not None


_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")


def _plain(text: str) -> str:
    """The text in lower case, without what cannot be seen, in letters and digits that look like themselves."""
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in folded)


_WORDS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ศูนย์": "0", "หนึ่ง": "1", "สอง": "2", "สาม": "3", "สี่": "4", "ห้า": "5", "หก": "6",
    "เจ็ด": "7", "แปด": "8", "เก้า": "9",
}  # fmt: skip
_WORD = re.compile(rf"\b(?:{'|'.join(word for word in _WORDS if word.isascii())})\b|"
                   rf"{'|'.join(_plain_word for _plain_word in _WORDS if not _plain_word.isascii())}")  # fmt: skip


def _with_digits(text: str) -> str:
    """The text with the words for digits as digits."""
    return _WORD.sub(lambda match: _WORDS[match[0]], text)


_AT = r"\s*(?:@|[(\[{<]\s*(?:at|แอท|แอด)\s*[)\]}>])\s*|\s+(?:at|แอท|แอด)\s+"
_DOT = r"\s*(?:\.|[(\[{<]\s*(?:dot|จุด)\s*[)\]}>])\s*|\s+(?:dot|จุด)\s+"
_BARE_DOT = r"\.|\s*[(\[{<]\s*(?:dot|จุด)\s*[)\]}>]\s*|\s+(?:dot|จุด)\s+"
# No ending that is a word of its own: a full stop without a space before "in" or "so" makes no link.
_ENDING = r"(?:com|net|org|info|biz|app|dev|shop|online|site|link|io|co|th|de|uk|fr|es|nl|pl|ch|jp|cn|sg|au|ca|eu)"
# Possessive, and only from its beginning: every place in a long word would be tried as one else.
_LOCAL_PART = r"(?<![\w.+-])[\w.+-]++"
_MAIL = re.compile(
    rf"{_LOCAL_PART}(?:\s*(?:@|[(\[{{<]\s*(?:at|แอท|แอด)\s*[)\]}}>])\s*)[\w-]+(?:{_DOT})[a-z]{{2,}}"
    rf"|{_LOCAL_PART}\s+(?:at|แอท|แอด)\s+[\w-]+(?:\s*[(\[{{<]\s*dot\s*[)\]}}>]\s*|\s+(?:dot|จุด)\s+)[a-z]{{2,}}"
    rf"|{_LOCAL_PART}(?:\s*@\s*|\s+at\s+)(?:gmail|hotmail|outlook|yahoo|icloud|proton(?:mail)?)\b"
)
# A label of a domain name has 63 characters at most (RFC 1035, 2.3.4).
_LINK = re.compile(
    rf"\bh(?:tt|xx)ps?\s*:|\bwww\s*(?:{_BARE_DOT})|\b(?!asp\.net\b)[a-z0-9-]{{2,63}}+(?:{_BARE_DOT}){_ENDING}\b"
)
_SHORT_LINK = re.compile(r"\b(?:t|m|wa|fb|line|paypal)\s*\.\s*me\b|\blin\s*\.\s*ee\b|\bbit\s*\.\s*ly\b|\bt\s*\.\s*co\b")
_HANDLE = re.compile(r"(?<![\w@.])@\s?[a-z0-9_][a-z0-9_.]{2,}")
_MESSENGER = (
    r"(?:line|whats\s?app|telegram|signal|viber|we\s?chat|instagram|insta|ig|facebook|fb|skype|snapchat|kakao(?:\s?talk)?"
    r"|ไลน์|เฟซบุ๊ก|เฟสบุ๊ค|เฟส|ไอจี|วอทส์แอป|เทเลแกรม)"
)
_ACCOUNT = re.compile(
    rf"(?:\b|(?<=[\u0e00-\u0e7f])){_MESSENGER}\s*(?:(?:id|ไอดี)\s*[:=]?|[:=@])\s*[a-z0-9_.-]*[a-z0-9_][a-z0-9_.-]{{2,}}"
    r"|(?:ไลน์|ไอจี|เฟส)\s*(?:ไอดี)?\s*[:=@]?\s*[a-z0-9_.-]{4,}"
)

_MONEY = r"(?:thb|baht|บาท|฿|eur|euros?|€|usd|dollars?|\$|gbp|£|jpy|¥)"
_UNIT = rf"(?:{_MONEY}|mm|cm|m|km|m2|sqm|kg|g|w|kw|ตร\.?ม|ตารางเมตร|ซม|เมตร|กก)"
_YEAR = r"(?:19|20|25)\d\d"
_TIME = r"(?:[01]?\d|2[0-4])[.:][0-5]\d"
# What is made of many digits and reaches nobody.
_NO_PHONE = re.compile(
    rf"\b{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}\b"
    rf"|\b\d{{1,2}}[-/.]\d{{1,2}}[-/.]{_YEAR}\b"
    r"|\b\d{1,2}[/.]\d{1,2}[/.]\d{2}(?=\s*(?:-|\u2013|to|until|ถึง)\s*\d{1,2}[/.]\d{1,2}[/.]\d{2}\b)"
    rf"|\b{_TIME}\s*(?:-|\u2013|to|until|ถึง)\s*{_TIME}\b"
    rf"|\b{_YEAR}\s*(?:-|\u2013|to|until|ถึง)\s*{_YEAR}\b"
    rf"|{_MONEY}\s*\d[\d ]*(?:\s*(?:-|\u2013|to|ถึง)\s*\d[\d ]*)?"
    rf"|\b\d+(?: \d{{3}})*\s*(?:(?:-|\u2013|to|ถึง|/)\s*\d+(?: \d{{3}})*\s*){{0,20}}{_UNIT}(?![a-z])"
    # Numbers of articles in a furniture store.
    r"|\b\d{3}\.\d{3}\.\d{2}\b"
)
# 8 to 15 digits (ITU-T E.164), however they are set apart.
_PHONE = re.compile(r"(?<![a-z0-9])\+?\(?\d(?:[\s()./\-\u2013_*·•~|]{0,3}\d){7,14}(?!\d)")
