"""Receipts as PDF and statements as CSV, from the field with their address to the bytes."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pypdfium2
import pytest
from PIL import Image, ImageOps

from shared import clock, events
from shared.ids import new_id
from shared.locale import Locale
from shared.money import CurrencyCode, Money
from subgraphs.payments import models, store
from subgraphs.payments.actions import books
from subgraphs.payments.actions.books import Line, Pages
from subgraphs.payments.receipts import Press
from subgraphs.payments.rules import receipts
from subgraphs.payments.rules.transactions import Kind
from tests.payments.conftest import TIP, Payments, eur, task_of
from tests.support.messaging import eventually

FILE = "{ filename url urlExpiresAt }"
RECEIPTS = f"""query($language: Locale) {{ myTransactions(first: 100) {{
    nodes {{ id receiptNumber kind receipt(language: $language) {FILE} }} }} }}"""
STATEMENT = f"query($from: DateTime!, $until: DateTime!) {{ myStatement(from: $from, until: $until) {FILE} }}"
BOOKED = datetime(2026, 11, 30, 20, 30, tzinfo=UTC)
YEAR = {"from": "2020-01-01T00:00:00Z", "until": "2020-12-31T00:00:00Z"}


def line(**changes: Any) -> receipts.Line:
    """What a tasker earned, in Thailand."""
    values: dict[str, Any] = {
        "id": "transaction", "receipt_number": 42, "user_id": "user", "kind": Kind.EARNING, "amount_minor": 13_500,
        "fee_minor": 1_500, "currency": CurrencyCode.THB, "created_at": BOOKED, "task_id": "task",
        "task_title": "Paint the fence", "other_party": "Mali", "card_brand": None, "card_last_four": None,
        "locale": Locale.TH, "time_zone": "Asia/Bangkok",
    }  # fmt: skip
    return receipts.Line(**(values | changes))


def text_of(pdf: bytes) -> str:
    """The text of a PDF, its spaces and line breaks as one space each."""
    text = " ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))
    return re.sub(r"[\s\u200b]+", " ", text)


def picture_of(pdf: bytes) -> Image.Image:
    """Its first page, white on black, four points to a point."""
    return ImageOps.invert(pypdfium2.PdfDocument(pdf)[0].render(scale=4).to_pil().convert("L"))


class Files:
    """What somebody is shown of their files, and what is under the addresses."""

    def __init__(self, payments: Payments) -> None:
        self.payments = payments

    async def receipts(self, user_id: str, language: str | None = None) -> list[dict[str, Any]]:
        data = await self.payments.act(user_id, RECEIPTS, language=language)
        nodes: list[dict[str, Any]] = data["myTransactions"]["nodes"]
        return nodes

    async def statement(self, user_id: str, since: datetime, until: datetime) -> dict[str, Any]:
        data = await self.payments.act(user_id, STATEMENT, **{"from": since.isoformat(), "until": until.isoformat()})
        file: dict[str, Any] = data["myStatement"]
        return file

    async def get(self, url: str) -> httpx.Response:
        assert url.startswith("http://127.0.0.1:8000/files/payments/")
        return await self.payments.served.client.get(url.removeprefix("http://127.0.0.1:8000"))


@pytest.fixture
def files(payments: Payments) -> Files:
    return Files(payments)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


async def named(payments: Payments, user_id: str, name: str, **profile: str) -> None:
    await payments.happens(
        events.UserProfileUpdated(user_id=user_id, display_name=name, **profile)  # type: ignore[arg-type]  # texts
    )


async def test_each_side_has_a_receipt_of_what_moved(payments: Payments, files: Files) -> None:
    poster, tasker = new_id("user"), new_id("user")
    await named(payments, poster, "Mali")
    await named(payments, tasker, "Somchai", locale="TH", time_zone="Asia/Bangkok")
    bid = await payments.fund(Money(15_000, CurrencyCode.EUR), poster_id=poster, tasker_id=tasker)
    await payments.happens(events.TaskPublished(task=task_of(bid, title="Paint my fence")))
    await payments.complete(bid)

    (paid,), (earned,) = await files.receipts(poster), await files.receipts(tasker, "EN")
    answers = [await files.get(each["receipt"]["url"]) for each in (paid, earned)]
    again = await files.get(paid["receipt"]["url"])

    assert [answer.status_code for answer in answers] == [200, 200]
    ((booked,),) = await payments.sql("SELECT created_at FROM transactions WHERE user_id = :id", id=poster)
    assert isinstance(booked, datetime)
    assert text_of(answers[0].content) == (
        f"Service Exchange Receipt {paid['receiptNumber']} Date {booked:%Y-%m-%d %H:%M} (UTC) "
        "What it is Payment for a task Task Paint my fence Other party Somchai Card visa •••• 4242 "
        "Amount -150.00 EUR Currency Euro"
    )
    assert (
        "What it is Earning of a task Task Paint my fence Other party Mali Amount 150.00 EUR "
        "Fee of the platform -15.00 EUR You receive 135.00 EUR Currency Euro"
    ) in text_of(answers[1].content)
    assert "(Asia/Bangkok)" in text_of(answers[1].content)
    assert again.content == answers[0].content
    assert paid["receipt"]["filename"] == f"{paid['receiptNumber']}.pdf"
    assert {
        name: answers[0].headers[name]
        for name in (
            "content-type", "content-disposition", "cache-control", "x-content-type-options", "content-security-policy",
        )
    } == {
        "content-type": "application/pdf",
        "content-disposition": (
            f"attachment; filename=\"{paid['receiptNumber']}.pdf\"; filename*=UTF-8''{paid['receiptNumber']}.pdf"
        ),
        "cache-control": "private, no-cache",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }  # fmt: skip


async def test_who_is_tipped_does_not_see_the_card(payments: Payments, files: Files) -> None:
    bid = await payments.fund()
    await payments.complete(bid)
    tip = {"taskId": bid.task_id, "amount": eur("5.00"), "idempotencyKey": new_id("key")}
    assert (await payments.act(bid.poster_id, TIP, input=tip))["tipTasker"]["userErrors"] == []
    await payments.settled()

    (paid, _), (received, _) = [await files.receipts(user, "EN") for user in (bid.poster_id, bid.tasker_id)]

    assert [paid["kind"], received["kind"]] == ["TIP_PAID", "TIP_RECEIVED"]
    assert "Card visa •••• 4242" in text_of((await files.get(paid["receipt"]["url"])).content)
    assert "4242" not in text_of((await files.get(received["receipt"]["url"])).content)


async def test_a_receipt_is_in_the_person_s_language_unless_another_is_asked_for(
    payments: Payments, files: Files
) -> None:
    tasker = new_id("user")
    await named(payments, tasker, "สมชาย", locale="TH")
    await payments.complete(await payments.fund(tasker_id=tasker))

    texts = {
        language: text_of((await files.get((await files.receipts(tasker, language))[0]["receipt"]["url"])).content)
        for language in (None, "EN", "TH")
    }

    assert texts[None] == texts["TH"] != texts["EN"]
    assert "สกุลเงิน Euro" in texts["TH"]
    assert "Currency Euro" in texts["EN"]


async def test_addresses_that_are_not_ours_open_nothing(payments: Payments, files: Files) -> None:
    tasker = new_id("user")
    first, second = [await payments.fund(tasker_id=tasker) for _ in range(2)]
    await payments.complete(first)
    await payments.complete(second)
    one, other = [each["receipt"]["url"] for each in await files.receipts(tasker, "TH")]
    now = clock.now()
    statement = (await files.statement(tasker, now - timedelta(days=1), now))["url"]
    token = one.partition("token=")[2]
    expiry, _, signature = token.partition(".")
    changed = {
        "another's": f"{other.partition('token=')[0]}token={token}",
        "altered": one.replace(signature, signature[:-4] + "AAAA"),
        "later": one.replace(expiry, str(int(expiry) + 1000)),
        "none": one.partition("?")[0],
        "another language": one.replace("language=TH", "language=EN"),
        "no language": one.replace("language=TH&", ""),
        "another period": statement.replace("until=20", "until=21"),
        "no period": re.sub("from=[^&]*&", "", statement),
        "another person's": statement.replace(tasker, new_id("user")),
        "of a receipt": f"{statement.partition('token=')[0]}token={token}",
    }

    answers = {name: await files.get(url) for name, url in changed.items()}

    assert {name: refusal(answer) for name, answer in answers.items()} == dict.fromkeys(changed, (403, "FORBIDDEN"))
    clock.set_offset(timedelta(minutes=16))
    try:
        over = [await files.get(one), await files.get(statement)]
    finally:
        clock.set_offset(timedelta())
    assert [refusal(answer) for answer in over] == [(410, "FORBIDDEN")] * 2


async def test_nobody_is_told_the_address_of_another_s_receipt(payments: Payments, files: Files) -> None:
    tasker, stranger = new_id("user"), new_id("user")
    await payments.complete(await payments.fund(tasker_id=tasker))
    (mine,) = await files.receipts(tasker)
    entity = {"__typename": "Transaction", "id": mine["id"]}
    document = f"""query($of: _Any!) {{ _entities(representations: [$of]) {{
        ... on Transaction {{ receipt {FILE} }} }} }}"""

    seen = [(await payments.act(user, document, of=entity))["_entities"] for user in (tasker, stranger)]

    assert seen[0][0]["receipt"]["filename"] == mine["receipt"]["filename"]
    assert seen[1] == [None]
    assert await files.receipts(stranger) == []
    now = clock.now()
    theirs = await files.get((await files.statement(stranger, now - timedelta(days=1), now))["url"])
    assert len(theirs.content.splitlines()) == 1


async def test_who_asks_too_often_is_told_to_wait(
    payments: Payments, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasker = new_id("user")
    await payments.complete(await payments.fund(tasker_id=tasker))
    services = payments.served.server._app.state.services
    once = dict.fromkeys(("receipts_per_account", "statements_per_account"), "1/1 hour")
    monkeypatch.setattr(services, "settings", services.settings.model_copy(update=once))
    (receipt,) = await files.receipts(tasker)
    now = clock.now()
    statement = await files.statement(tasker, now - timedelta(days=1), now)

    for url in (receipt["receipt"]["url"], statement["url"]):
        answers = [await files.get(url) for _ in range(2)]

        assert answers[0].status_code == 200
        assert refusal(answers[1]) == (429, "RATE_LIMITED")
        assert int(answers[1].headers["retry-after"]) > 0


async def test_what_was_erased_is_on_no_receipt_any_more(payments: Payments, files: Files) -> None:
    poster, tasker = new_id("user"), new_id("user")
    await named(payments, poster, "Mali")
    bid = await payments.fund(poster_id=poster, tasker_id=tasker)
    await payments.happens(events.TaskPublished(task=task_of(bid, title="Paint my fence")))
    await payments.complete(bid)

    await payments.happens(events.UserErased(user_id=poster))

    (earned,) = await files.receipts(tasker)
    text = text_of((await files.get(earned["receipt"]["url"])).content)
    assert "Other party Deleted user Amount" in text
    assert "Mali" not in text
    assert "fence" not in text


async def test_receipts_have_no_gaps_whatever_is_taken_back(payments: Payments) -> None:
    class TakenBack(Exception):
        pass

    async def book(number: int) -> None:
        refund_id = new_id("refund")
        lines = [Line(new_id("user"), kind, Money(100, CurrencyCode.EUR), refund_id) for kind in list(Kind)[:2]]
        async with payments.database.transaction() as session:
            await books.write(session, Pages(lines=lines[: 1 + number % 2]))
            if number % 5 == 0:
                raise TakenBack

    results = await asyncio.gather(*map(book, range(50)), return_exceptions=True)

    assert [type(each) for each in results if each is not None] == [TakenBack] * 10
    numbers = [number for (number,) in await payments.sql("SELECT receipt_number FROM transactions ORDER BY 1")]
    assert numbers == list(range(1, 61))


async def test_a_statement_has_all_of_a_period_in_the_order_of_time(payments: Payments, files: Files) -> None:
    poster, tasker = new_id("user"), new_id("user")
    await named(payments, poster, '=HYPERLINK("http://evil.example")')
    bid = await payments.fund(Money(15_000, CurrencyCode.EUR), poster_id=poster, tasker_id=tasker)
    await payments.happens(events.TaskPublished(task=task_of(bid, title='ทาสี "รั้ว", +2 doors')))
    await payments.complete(bid)
    ((booked, number),) = await payments.sql(
        "SELECT created_at, receipt_number FROM transactions WHERE user_id = :id", id=tasker
    )
    assert isinstance(booked, datetime)

    period = booked - timedelta(days=1), booked + timedelta(microseconds=1)
    file = await files.statement(tasker, *period)
    answer = await files.get(file["url"])
    before = await files.get((await files.statement(tasker, period[0], booked))["url"])

    assert file["filename"] == f"statement-{period[0]:%Y-%m-%d}-{period[1]:%Y-%m-%d}.csv"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    head = "\ufeffreceipt,time,kind,task,task_id,other_party,card,gross,fee,net,currency\r\n"
    assert answer.content.decode() == head + (
        f'R-{number:08},{booked:%Y-%m-%dT%H:%M:%SZ},EARNING,"ทาสี ""รั้ว"", +2 doors",{bid.task_id},'
        '"\'=HYPERLINK(""http://evil.example"")",,150.00,15.00,135.00,EUR\r\n'
    )
    assert before.content.decode() == head


async def test_a_long_statement_is_read_in_pages_and_holds_no_connection(payments: Payments, files: Files) -> None:
    user = new_id("user")
    many, now = 1_750, clock.now()
    rows = [
        models.Transaction(
            id=new_id("transaction"), receipt_number=place + 1, user_id=user, kind=Kind.PAYOUT, amount_minor=-place,
            fee_minor=0, currency=CurrencyCode.KWD, subject_id=new_id("payout"), task_id=None,
            # Several at one moment, over the ends of pages.
            created_at=now - timedelta(hours=1) + timedelta(seconds=place // 7),
        )
        for place in range(many)
    ]  # fmt: skip
    async with payments.database.transaction() as session:
        session.add_all(rows)
    file = await files.statement(user, now - timedelta(days=1), now)

    content = (await files.get(file["url"])).content
    pages = store.receipts.read_period(payments.database, user, now - timedelta(days=1), now)
    first = await anext(pages)

    async def none_held() -> bool:
        return not any(pool.pool.checkedout() for pool in payments.database.pools().values())  # type: ignore[attr-defined]

    lines = content.decode().splitlines()[1:]
    assert [each.partition(",")[0] for each in lines] == [f"R-{place:08}" for place in range(1, many + 1)]
    assert lines[-1].endswith(f",,,,,-1.{many - 1 - 1_000:03},0.000,-1.{many - 1 - 1_000:03},KWD")
    assert len(first) < many
    await eventually(none_held)


@pytest.mark.parametrize(
    "period",
    [
        {"from": "2020-01-01T00:00:00Z", "until": "2020-01-01T00:00:00Z"},
        {"from": "2020-01-02T00:00:00Z", "until": "2020-01-01T00:00:00Z"},
        {"from": "2020-01-01T00:00:00Z", "until": "2021-01-01T00:00:01Z"},
    ],
    ids=["empty", "backwards", "longer than 366 days"],
)
async def test_what_is_no_period_is_refused(payments: Payments, period: dict[str, str]) -> None:
    token = payments.token(new_id("user"))

    answer = await payments.served.execute(STATEMENT, period, token=token)

    assert answer["data"] == {"myStatement": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]


async def ink(press: Press, text: str) -> tuple[int, int, int, int]:
    """Where a text of one line stands on a receipt that has nothing else in that place: left, top, right, bottom."""
    pdf = await press.set(receipts.Receipt("th", "", "R", [("", text)]), BOOKED)
    picture = picture_of(pdf)
    # Right of the names, below the line.
    column = (4 * 160, 4 * 135, picture.width, picture.height)
    box = picture.crop(column).point(lambda value: 255 * (value > 96)).getbbox()
    assert box is not None
    return box


async def test_thai_marks_stand_where_they_belong() -> None:
    press = Press()
    bare, vowel, tone, both = [(await ink(press, text)) for text in ("รว", "รีว", "ร้ว", "รี้ว")]
    tall, over_tall = [(await ink(press, text)) for text in ("ป", "ปี")]

    # Above a letter they take no place in the line.
    assert [box[2] - box[0] for box in (vowel, tone, both)] == pytest.approx([bare[2] - bare[0]] * 3, abs=4)
    # A tone mark stands on the letter, or on the vowel where there is one.
    assert both[1] < vowel[1] < bare[1]
    assert both[1] < tone[1] < bare[1]
    # A vowel makes way for a letter that reaches up.
    assert over_tall[2] == pytest.approx(tall[2], abs=2)


@pytest.mark.parametrize(
    "title",
    [
        "\0\x1b[31m\x7f\ud800", "\u202eknil\u2066", "👩‍👩‍👧‍👦 😀 🇹🇭", "W" * 100_000, "ก" * 100_000, "ก" + "้" * 100_000,
        "a" + "\u0301" * 100_000, "\n\t \u2028" * 100, '#panic("no") $x$ *b* @ref <a> [c] \\ // `r` https://a.example',
        "שלום עולם", "東京", "ﷺ" * 200, "\u200b\u00ad",
    ],
    ids=range(13),
)  # fmt: skip
async def test_no_text_breaks_a_receipt(title: str) -> None:
    press = Press()

    pdf = await press.set(receipts.receipt(line(task_title=title, other_party=title), Locale.EN), BOOKED)

    assert "Amount 150.00 THB" in text_of(pdf)
    assert len(pdf) < 100_000
    picture = picture_of(pdf)
    margin = picture.crop((picture.width - 4 * 30, 0, picture.width, picture.height))
    assert margin.getbbox() is None


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\uff1d"])
def test_no_cell_is_a_formula(start: str) -> None:
    cells = receipts.row(line(task_title=f"{start}1", other_party=f" {start}2", amount_minor=-1))

    assert [cells[3], cells[5]] == [f"'{start.strip()}1", f"'{start.strip()}2"]
    assert cells[9] == "-0.01"


@pytest.mark.timing
async def test_a_receipt_takes_20_milliseconds_at_most() -> None:
    press = Press()
    await press.set(receipts.receipt(line(), None), BOOKED)
    before = time.process_time()
    for number in range(20):
        await press.set(receipts.receipt(line(receipt_number=number), None), BOOKED)

    assert (time.process_time() - before) / 20 <= 0.02
