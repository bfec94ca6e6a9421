"""A server that answers as Nominatim does, or misbehaves as servers do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOUSE = {
    "place_id": 1,
    "lat": "13.7405",
    "lon": "100.5612",
    "display_name": "12, Sukhumvit Soi 11, Khlong Toei Nuea, Watthana, Bangkok, 10110, Thailand",
    "address": {
        "house_number": "12",
        "road": "Sukhumvit Soi 11",
        "suburb": "Khlong Toei Nuea",
        "city": "Bangkok",
        "country_code": "th",
    },
}
STREET = HOUSE | {"address": {"road": "Sukhumvit Soi 11", "city": "Bangkok", "country_code": "th"}}
Answer = tuple[int, bytes]


class NominatimServer:
    """What it is asked, and what it answers: `answer` takes the path and the parameters."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.answer: Callable[[str, dict[str, str]], Answer] = sensible
        self.delay = 0.0
        self.chunks = 1
        """How often the body is sent; a huge one is endless in effect."""
        self.breaks_off = False
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, then the connection ends."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            target = urlsplit(head[0].split()[1])
            parameters = {name: values[0] for name, values in parse_qs(target.query).items()}
            self.asked.append((target.path, parameters))
            self.headers.append(dict(line.lower().split(": ", 1) for line in head[1:] if line))
            self.times.append(asyncio.get_running_loop().time())
            await asyncio.sleep(self.delay)
            status, body = self.answer(target.path, parameters)
            writer.write(
                f"HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\nconnection: close\r\n"
                f"content-length: {len(body) * self.chunks}\r\n\r\n".encode()
            )
            if self.breaks_off:
                writer.write(body[: len(body) // 2])
                return
            for _ in range(self.chunks):
                writer.write(body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def sensible(path: str, parameters: dict[str, str]) -> Answer:
    """As the real one does."""
    if path == "/search":
        return json_answer([HOUSE, STREET] if "sukhumvit" in parameters["q"].lower() else [])
    return json_answer(HOUSE if float(parameters["lon"]) > 0 else {"error": "Unable to geocode"})


def json_answer(value: Any, status: int = 200) -> Answer:
    return status, json.dumps(value).encode()


@asynccontextmanager
async def nominatim_server() -> AsyncIterator[NominatimServer]:
    """The server on a port of its own."""
    fake = NominatimServer()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    async with server:
        fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield fake
