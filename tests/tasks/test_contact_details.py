"""What is a way to reach somebody elsewhere, and what only looks like one."""

# ruff: noqa: RUF001 - letters that look like others are what this is about.

import pytest

from subgraphs.tasks.rules.contact_details import ContactDetailsNotAllowed, check_none, has_contact_details
from tests.support.cpu import LIMIT_SECONDS, cpu_seconds

REACHED = [
    # e-mail
    "Write to nina@example.com please",
    "nina @ example . com",
    "nina(at)example(dot)com",
    "nina [at] example [dot] co [dot] th",
    "nina at example dot com",
    "nina.sri@gmail",
    "nina at gmail",
    "ｎｉｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
    "nina\u200b@\u200bexample.com",
    "นีน่า (แอท) example (จุด) com",
    # telephone
    "Call 081 234 5678",
    "call me: 0812345678",
    "+66 81-234-5678",
    "(081) 234.5678",
    "0 8 1 2 3 4 5 6 7 8",
    "08-1234-5678",
    "โทร ๐๘๑-๒๓๔-๕๖๗๘",
    "๐๘๑๒๓๔๕๖๗๘",
    "zero eight one two three four five six seven eight",
    "ศูนย์ แปด หนึ่ง สอง สาม สี่ ห้า หก เจ็ด แปด",
    "ศูนย์แปดหนึ่งสองสามสี่ห้าหกเจ็ดแปด",
    "０８１２３４５６７８",
    "0_8_1_2_3_4_5_6_7_8",
    "0049 151 23456789",
    "9123 4567",
    # links
    "see https://example.com/me",
    "hxxps://example",
    "www.example.com",
    "www dot example dot com",
    "look at nina-paints.com",
    "nina-paints (dot) com",
    "t.me/ninapaints",
    "wa.me/66812345678",
    "line.me/ti/p/abc",
    "bit.ly/3abc",
    # names elsewhere
    "I am @ninapaints",
    "Line: ninapaints",
    "LINE ID ninapaints",
    "line id: nina_99",
    "whatsapp: ninapaints",
    "IG @nina.paints",
    "ไลน์ nina99",
    "ไลน์ไอดี: nina99",
    "แอดไลน์ nina99",
    "Telegram = ninapaints",
]
HARMLESS = [
    "The fence is 10x20 cm and 1.5 m high.",
    "A board of 200 x 150 x 60 mm",
    "About 1,500,000 THB or 25 000 000 baht",
    "2000-2500 baht, or 2000 - 2500 บาท",
    "EUR 1200-1500 in all",
    "€ 12 000 000",
    "On 2026-03-01 or 01/03/2026",
    "2026-03-01 to 2026-03-05",
    "01/03/2026 - 05/03/2026",
    "01.03.26 - 05.03.26",
    "From 09.00-17.00 or 10:30 – 12:45",
    "๑๕/๐๓/๒๕๖๙ ราคา ๑,๕๐๐ บาท",
    "Flat 12, floor 4, 10110 Bangkok",
    "Is the article 702.758.14 or 102.457.93?",
    "Made in 2019-2023",
    "Which line of business is it?",
    "I can come at 9. Is that fine?",
    "Meet at the gate, at 10 am",
    "The signal is weak in the back room",
    "Do you use Facebook Marketplace for it?",
    "The site runs on node.js and ASP.NET",
    "Two or three people, four hours",
    "สองห้องนอน สามห้องน้ำ เก้าอี้สี่ตัว",
    "ยืนต่อไลน์หรือเข้าแถวไหม",
    "It was cheap.So I bought it.Then it broke.",
    "Windows: 60, 80, 100 and 120 cm",
    "Serial number MX12345678",
    "50% now, 50% later?",
    "Wood or metal, e.g. steel?",
]


@pytest.mark.parametrize("text", REACHED)
def test_ways_to_reach_somebody_are_found(text: str) -> None:
    assert has_contact_details(text)
    with pytest.raises(ContactDetailsNotAllowed):
        check_none(f"Hello!\n{text}\nThanks", field=("text",))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_passes(text: str) -> None:
    assert not has_contact_details(text)
    check_none(f"Hello!\n{text}\nThanks", field=("text",))


PIECES = ["1 ", "a@", "a.", "a.b ", "0-", "-", "at ", "1.1-", "line id ", "12 000 ", "สอง", "(at) ", "@", "x@y "]


@pytest.mark.timing
@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    text = piece * (2_000 // len(piece))
    assert cpu_seconds(lambda: has_contact_details(text)) < LIMIT_SECONDS
