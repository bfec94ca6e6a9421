"""What receipts and statements say."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.errors import BadRequest
from shared.locale import Locale
from shared.money import CURRENCY_NAMES, CurrencyCode, Money
from subgraphs.payments.rules.transactions import Kind, receipt_number

LONGEST_PERIOD = timedelta(days=366)
COLUMNS = (
    "receipt", "time", "kind", "task", "task_id", "other_party", "card", "gross", "fee", "net", "currency",
)  # fmt: skip

_MOST_CHARACTERS = 200
# Each mark stands above or below its letter; what has more of them than any script would cover the lines around it.
_MARK = "[\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]"
_PILED_MARKS = re.compile(f"({_MARK}{{4}}){_MARK}+")
# What a spreadsheet takes for the beginning of a formula, as OWASP lists it, and the wide forms of the same.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_UNSHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

_KINDS: Mapping[Kind, Mapping[Locale, str]] = {
    Kind.CHARGE: {Locale.EN: "Payment for a task", Locale.TH: "ชำระค่างาน"},
    Kind.REFUND: {Locale.EN: "Refund", Locale.TH: "คืนเงิน"},
    Kind.REFUND_RETURNED: {Locale.EN: "Refund that the card did not take", Locale.TH: "คืนเงินเข้าบัตรไม่สำเร็จ"},
    Kind.EARNING: {Locale.EN: "Earning of a task", Locale.TH: "รายได้จากงาน"},
    Kind.TIP_PAID: {Locale.EN: "Tip paid", Locale.TH: "จ่ายทิป"},
    Kind.TIP_RECEIVED: {Locale.EN: "Tip received", Locale.TH: "ได้รับทิป"},
    Kind.PAYOUT: {Locale.EN: "Payout to your bank", Locale.TH: "ถอนเงินเข้าบัญชีธนาคาร"},
    Kind.PAYOUT_RETURNED: {Locale.EN: "Payout that did not arrive", Locale.TH: "ถอนเงินไม่สำเร็จ คืนเข้ายอดคงเหลือ"},
    Kind.RECOVERY: {Locale.EN: "Paid for a loss of the platform", Locale.TH: "ชดใช้ความเสียหายของแพลตฟอร์ม"},
}
_WORDS: Mapping[Locale, Mapping[str, str]] = {
    Locale.EN: {
        "title": "Receipt",
        "date": "Date",
        "kind": "What it is",
        "task": "Task",
        "other": "Other party",
        "card": "Card",
        "gross": "Amount",
        "fee": "Fee of the platform",
        "net": "You receive",
        "currency": "Currency",
    },
    Locale.TH: {
        "title": "ใบเสร็จรับเงิน",
        "date": "วันที่",
        "kind": "รายการ",
        "task": "งาน",
        "other": "คู่สัญญา",
        "card": "บัตร",
        "gross": "จำนวนเงิน",
        "fee": "ค่าธรรมเนียมแพลตฟอร์ม",
        "net": "ยอดที่คุณได้รับ",
        "currency": "สกุลเงิน",
    },
}


@dataclass(frozen=True, slots=True)
class Line:
    """A transaction with all that its receipt tells. What payments does not know, or no more, is None."""

    id: str
    receipt_number: int
    user_id: str
    kind: Kind
    amount_minor: int
    fee_minor: int
    currency: CurrencyCode
    created_at: datetime
    task_id: str | None
    task_title: str | None
    other_party: str | None
    card_brand: str | None
    card_last_four: str | None
    locale: Locale | None
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class _Amounts:
    """What moved, what the platform took of it, and what the person has more."""

    gross: Money
    fee: Money
    net: Money

    @classmethod
    def of(cls, line: Line) -> "_Amounts":
        net, fee = Money(line.amount_minor, line.currency), Money(line.fee_minor, line.currency)
        return cls(net + fee, fee, net)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What stands on a receipt: texts alone."""

    language: str
    title: str
    number: str
    rows: Sequence[tuple[str, str]]


def receipt(line: Line, language: Locale | None) -> Receipt:
    """The receipt of a transaction, in this language or else the person's, and in their time zone."""
    language = language or line.locale or Locale.EN
    words = _WORDS[language]
    zone = line.time_zone or "UTC"
    amounts = _Amounts.of(line)
    rows = [
        (words["date"], f"{line.created_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"),
        (words["kind"], _KINDS[line.kind][language]),
        (words["task"], shown(line.task_title or "")),
        (words["other"], shown(line.other_party or "")),
        (words["card"], _card(line)),
        (words["gross"], _amount(amounts.gross)),
        (words["fee"], _amount(-amounts.fee) if line.fee_minor else ""),
        (words["net"], _amount(amounts.net) if line.fee_minor else ""),
        (words["currency"], CURRENCY_NAMES[line.currency]),
    ]
    return Receipt(
        language=language.lower(),
        title=words["title"],
        number=receipt_number(line.receipt_number),
        rows=[row for row in rows if row[1]],
    )


def shown(text: str) -> str:
    """A text of somebody's as it can be set in one paragraph: cut, without what shows nothing or turns others round."""
    cut = text[: _MOST_CHARACTERS + 1]
    if len(cut) > _MOST_CHARACTERS:
        cut = cut[:_MOST_CHARACTERS] + "…"
    visible = "".join(" " if char.isspace() else char for char in cut if char.isspace() or _shows(char))
    return _PILED_MARKS.sub(r"\1", visible).strip()


def row(line: Line) -> Sequence[str]:
    """A line of a statement, as `COLUMNS` are called."""
    amounts = _Amounts.of(line)
    return (
        receipt_number(line.receipt_number),
        f"{line.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        line.kind,
        _cell(line.task_title),
        line.task_id or "",
        _cell(line.other_party),
        _cell(_card(line)),
        amounts.gross.format(),
        amounts.fee.format(),
        amounts.net.format(),
        line.currency,
    )


def receipt_name(number: int) -> str:
    """The name of a receipt's file."""
    return f"{receipt_number(number)}.pdf"


def statement_name(since: datetime, until: datetime) -> str:
    """The name of a statement's file."""
    return f"statement-{since:%Y-%m-%d}-{until:%Y-%m-%d}.csv"


def check_period(since: datetime, until: datetime) -> None:
    """Raises BadRequest unless a period is one, of at most 366 days."""
    if since >= until:
        raise BadRequest("`until` has to be later than `from`.")
    if until - since > LONGEST_PERIOD:
        raise BadRequest(f"A statement covers at most {LONGEST_PERIOD.days} days.")


def _cell(text: str | None) -> str:
    """A text that no spreadsheet takes for a formula."""
    plain = shown(text or "")
    return f"'{plain}" if _FORMULA.match(plain) else plain


def _card(line: Line) -> str:
    """The card as people know it; empty if there was none, or it is forgotten."""
    return shown(f"{line.card_brand} •••• {line.card_last_four}") if line.card_brand else ""


def _amount(money: Money) -> str:
    return f"{money.format()} {money.currency}"


def _shows(char: str) -> bool:
    return unicodedata.category(char) not in _UNSHOWN
