"""Receipts as PDF and statements as CSV: made as they are asked for, by an address that was given to their owner.

Nothing of them is stored, and nothing here holds a connection to the database while it waits for anything else.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import orjson
import typst
from starlette.requests import Request
from starlette.routing import Route

from shared.context import Services
from shared.errors import ServiceUnavailable
from shared.files import Addresses
from shared.files.downloads import Made, Maker, made_route
from shared.locale import Locale
from subgraphs.payments import rules, store
from subgraphs.payments.loaders import Loaders
from subgraphs.payments.rules.receipts import Line, Receipt

_RECEIPTS, _STATEMENTS = "receipts", "statements"
_PLATFORM = "Service Exchange"
_MOST_WAITING = 100
_FONTS = Path(str(files("fontpkg_sarabun"))) / "files"


def receipt_url(
    addresses: Addresses, transaction_id: str, filename: str, language: Locale | None
) -> tuple[str, datetime]:
    """Where the receipt of a transaction can be had, and until when. Only its owner may be told."""
    said = {"language": language.value} if language else {}
    return addresses.made_url(_RECEIPTS, transaction_id, filename, **said)


def statement_url(
    addresses: Addresses, user_id: str, since: datetime, until: datetime, filename: str
) -> tuple[str, datetime]:
    """Where the statement of a period can be had, and until when. Only this person may be told."""
    said = {"from": since.isoformat(), "until": until.isoformat()}
    return addresses.made_url(_STATEMENTS, user_id, filename, **said)


class Press:
    """Sets receipts, one at a time, in a thread of its own: the event loop goes on meanwhile.

    By Typst: it shapes Thai, breaks its lines between words, sets what looks like markup as the text that it is, and
    takes a tenth of the time of what sets PDF in Python.
    """

    def __init__(self) -> None:
        # Its own fonts take over where ours has no letter; those of the machine would make each one's receipts others.
        fonts = typst.Fonts(include_system_fonts=False, font_paths=[_FONTS])
        self._compiler = typst.Compiler(font_paths=fonts)
        self._template = Path(__file__).with_name("receipt.typ").read_bytes()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="receipts")
        self._waiting = 0

    async def set(self, receipt: Receipt, booked_at: datetime) -> bytes:
        """The receipt as PDF, each time the same. Raises ServiceUnavailable where too many wait already."""
        if self._waiting >= _MOST_WAITING:
            raise ServiceUnavailable("Too many receipts are asked for. Try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._set, receipt, booked_at)
        finally:
            self._waiting -= 1

    def _set(self, receipt: Receipt, booked_at: datetime) -> bytes:
        texts = orjson.dumps({"platform": _PLATFORM, **asdict(receipt)}).decode()
        pdf = self._compiler.compile(
            self._template, format="pdf", sys_inputs={"receipt": texts}, timestamp=int(booked_at.timestamp())
        )
        assert isinstance(pdf, bytes)
        return pdf


class ReceiptFiles:
    """The receipts and statements of one process."""

    def __init__(self, services: Services[Loaders]) -> None:
        if services.addresses is None:
            raise RuntimeError("payments needs EXCHANGE_LINK_KEYS_FILE")
        self.links = services.addresses.links
        self._services = services
        self._press = Press()

    async def receipt(self, transaction_id: str, said: Mapping[str, str]) -> Made | None:
        """The receipt of a transaction. Raises RateLimited, ServiceUnavailable."""
        line = await store.receipts.find_line(self._services.database, transaction_id)
        if line is None:
            return None
        limit = self._services.settings.receipts_per_account
        await self._services.limiter.hit(_RECEIPTS, line.user_id, limit)
        receipt = rules.receipts.receipt(line, Locale(said["language"]) if "language" in said else None)
        pdf = await self._press.set(receipt, line.created_at)
        return Made(rules.receipts.receipt_name(line.receipt_number), "application/pdf", pdf)

    async def statement(self, user_id: str, said: Mapping[str, str]) -> Made:
        """The transactions of a person in a period. Raises RateLimited."""
        since, until = datetime.fromisoformat(said["from"]), datetime.fromisoformat(said["until"])
        limit = self._services.settings.statements_per_account
        await self._services.limiter.hit(_STATEMENTS, user_id, limit)
        pages = store.receipts.read_period(self._services.database, user_id, since, until)
        return Made(rules.receipts.statement_name(since, until), "text/csv; charset=utf-8", _csv(pages))


async def _csv(pages: AsyncIterator[Sequence[Line]]) -> AsyncIterator[bytes]:
    # The mark by which spreadsheets know UTF-8.
    yield "\ufeff".encode() + csv_of([rules.receipts.COLUMNS])
    async for lines in pages:
        yield csv_of([rules.receipts.row(line) for line in lines])


def csv_of(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as RFC 4180 has them."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()


def routes() -> Sequence[Route]:
    """Where receipts and statements go out."""

    def made(request: Request) -> ReceiptFiles:
        state = request.app.state
        if not hasattr(state, "receipts"):
            state.receipts = ReceiptFiles(state.services)
        found: ReceiptFiles = state.receipts
        return found

    def receipt(request: Request) -> Maker:
        return Maker(made(request).links, made(request).receipt)

    def statement(request: Request) -> Maker:
        return Maker(made(request).links, made(request).statement)

    return [
        made_route("payments", _RECEIPTS, ("language",), receipt),
        made_route("payments", _STATEMENTS, ("from", "until"), statement),
    ]
