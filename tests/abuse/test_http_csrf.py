"""Requests that HTTP does not mean so, and requests that another site makes a browser send."""

import gzip
import zlib

import pytest

from tests.abuse.arena import Arena, Case
from tests.abuse.attacks import PREFLIGHTED, body, get, raw
from tests.abuse.table import defended, everywhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ASK = '{"query":"{ categories { id } }"}'
SIZE = str(len(ASK)).encode()
QUERY = {"query": "{ categories { id } }"}
WRITE = {"query": 'mutation { createTask(input: { title: "a" }) { userErrors { code } } }'}
FORM = "application/x-www-form-urlencoded"
BOMB = gzip.compress(b" " * 50_000_000)


def post(*lines: bytes, content: bytes = ASK.encode(), host: bytes = b"Host: HOST") -> bytes:
    """A POST with these header lines, of which none is added."""
    return b"\r\n".join([b"POST /graphql HTTP/1.1", host, b"Content-Type: application/json", *lines, b"", content])


CASES = {
    # --- what a form or a link of another site can send ---
    "a form": Case(body("query=%7Bcategories%7Bid%7D%7D", content_type=FORM), "415 BAD_REQUEST", "415 BAD_REQUEST"),
    "a form of JSON": Case(body(ASK, content_type=FORM), "415 BAD_REQUEST", "415 BAD_REQUEST"),
    "JSON as plain text": Case(body(ASK, content_type="text/plain"), "415 BAD_REQUEST", "415 BAD_REQUEST"),
    "JSON as plain text that claims to be JSON": Case(
        body(ASK, content_type="text/plain; application/json"), "415 BAD_REQUEST", "415 BAD_REQUEST"
    ),
    "two content types": Case(
        body(ASK, content_type="text/plain, application/json"),
        "415 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "JSON without a content type": Case(
        body(ASK, content_type=None),
        "415 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "a multipart form": Case(
        body(
            '--b\r\nContent-Disposition: form-data; name="query"\r\n\r\n{x}\r\n--b--\r\n',
            content_type="multipart/form-data; boundary=b",
        ),
        "415 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "an upload by multipart": Case(
        body(
            '--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n'
            + ASK
            + '\r\n--b\r\nContent-Disposition: form-data; name="0"; filename="a"\r\n\r\nx\r\n--b--\r\n',
            content_type="multipart/form-data; boundary=b",
        ),
        "415 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "nearly a megabyte of plain text": Case(
        body(b" " * 999_999, content_type="text/plain"), "415 BAD_REQUEST", "415 BAD_REQUEST"
    ),
    "application/graphql": Case(
        body("{ categories { id } }", content_type="application/graphql"),
        "415 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "XML with an external entity": Case(
        body('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', content_type="application/xml"),
        "415 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "JSON that is UTF-7 by its content type": Case(
        body(ASK, content_type="application/json; charset=utf-7"), "200 ok", "200 ok"
    ),
    "a GET that any page can make": Case(get(QUERY), "200 ok", "403 CSRF_PREVENTION_FAILED"),
    "a GET after a preflight": Case(get(QUERY, **PREFLIGHTED), "200 ok", "200 ok"),
    "a mutation by GET": Case(
        get(WRITE | {"query": "mutation { markAllRead(input: {}) { count } }"}, **PREFLIGHTED),
        "200 BAD_REQUEST",
        "405 MUTATION_NOT_ALLOWED_OVER_HTTP_GET",
        at="notifications",
    ),
    "a mutation by GET that calls itself a query": Case(
        get(
            {"query": "query A { unreadCount } mutation B { markAllRead(input: {}) { count } }", "operationName": "B"},
            **PREFLIGHTED,
        ),
        "200 BAD_REQUEST",
        "405 MUTATION_NOT_ALLOWED_OVER_HTTP_GET",
        at="notifications",
    ),
    "a subscription by GET": Case(
        get({"query": 'subscription { taskEvents(taskId: "<task>") { seq } }'}, **PREFLIGHTED), "200 BAD_REQUEST"
    ),
    "a GET with broken variables": Case(
        get(QUERY | {"variables": "{"}, **PREFLIGHTED), "400 BAD_REQUEST", "400 BAD_REQUEST"
    ),
    "a GET with variables nested 5,000 deep": Case(
        get(QUERY | {"variables": "[" * 5_000}, **PREFLIGHTED), "400 BAD_REQUEST", "414 BAD_REQUEST"
    ),
    "a GET with a thousand parameters": Case(
        get(QUERY | {f"a{i}": "1" for i in range(1_000)}, **PREFLIGHTED), "400 BAD_REQUEST", "200 ok"
    ),
    "a GET without a query": Case(
        get({}, **PREFLIGHTED), "400 BAD_REQUEST", hive="400 MISSING_QUERY_PARAM", embedded="400 BAD_REQUEST"
    ),
    "a method in a header": Case(
        body(ASK, method="GET", x_http_method_override="POST", x_requested_with="a"),
        "400 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "HEAD": Case(body(b"", method="HEAD"), "405 application/json", "405 application/json"),
    "PUT": Case(body(ASK, method="PUT"), "405 BAD_REQUEST", "405 BAD_REQUEST"),
    "PATCH": Case(body(ASK, method="PATCH"), "405 BAD_REQUEST", "405 BAD_REQUEST"),
    "DELETE": Case(body(b"", method="DELETE"), "405 BAD_REQUEST", "405 BAD_REQUEST"),
    "a method that nobody knows": Case(body(ASK, method="PURGE"), "405 BAD_REQUEST", "405 BAD_REQUEST"),
    "TRACE": Case(body(b"", method="TRACE"), "405 BAD_REQUEST", "405 BAD_REQUEST"),
    "CONNECT to another host": Case(raw(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n"), "400", "400"),
    "a method override of five kilobytes": Case(
        raw(b"A" * 5_000 + b" /graphql HTTP/1.1\r\nHost: HOST\r\n\r\n"), "400", "405"
    ),
    # --- bodies that are not what they say ---
    "a body of a megabyte and a byte": Case(body(b" " * 1_000_001), "413 BAD_REQUEST", "413 BAD_REQUEST"),
    "a body without an end, in chunks": Case(body([b" " * 60_000] * 21), "413 BAD_REQUEST", "413 BAD_REQUEST"),
    "a bomb of gzip": Case(
        body(BOMB, content_encoding="gzip"),
        "400 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "a bomb of gzip within gzip": Case(
        body(gzip.compress(BOMB), content_encoding="gzip, gzip"),
        "400 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "a bomb of deflate": Case(
        body(zlib.compress(b" " * 50_000_000), content_encoding="deflate"),
        "400 BAD_REQUEST",
        "415 BAD_REQUEST",
    ),
    "a compression that nobody knows": Case(
        body(ASK, content_encoding="br, zstd, x-bomb"),
        "200 ok",
        "415 BAD_REQUEST",
    ),
    "nearly a megabyte that expects an image": Case(
        body(b" " * 999_999, accept="image/png"), "400 BAD_REQUEST", "400 BAD_REQUEST"
    ),
    "a body shorter than its length": Case(raw(post(b"Content-Length: 1000"), ends=True), "cut off", "cut off"),
    "a negative length": Case(raw(post(b"Content-Length: -1")), "400", "400"),
    "a length that is no number": Case(raw(post(b"Content-Length: 0x10")), "400", "400"),
    "a length beyond 64 bits": Case(raw(post(b"Content-Length: " + b"9" * 30)), "400", "400"),
    "two lengths that differ": Case(raw(post(b"Content-Length: " + SIZE, b"Content-Length: 5")), "400", "400"),
    "length and chunks at once": Case(
        raw(
            post(
                b"Content-Length: 4", b"Transfer-Encoding: chunked", content=b"21\r\n" + ASK.encode() + b"\r\n0\r\n\r\n"
            )
        ),
        "400",
        "400",
    ),
    "chunks and a second request hidden in the length": Case(
        raw(
            post(
                b"Content-Length: 100",
                b"Transfer-Encoding: chunked",
                content=b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
            )
        ),
        "400",
        "400",
    ),
    "a transfer encoding that only looks like chunked": Case(
        raw(post(b"Transfer-Encoding: xchunked", b"Content-Length: " + SIZE)), "400", "501"
    ),
    "two transfer encodings": Case(
        raw(post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", content=b"0\r\n\r\n")), "400", "400"
    ),
    "a chunk of a negative size": Case(
        raw(post(b"Transfer-Encoding: chunked", content=b"-1\r\n{}\r\n0\r\n\r\n")), "400", "400"
    ),
    "a chunk of a size beyond 64 bits": Case(
        raw(post(b"Transfer-Encoding: chunked", content=b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n")), "400", "400"
    ),
    "a chunk with 50 kB of extension": Case(
        raw(post(b"Transfer-Encoding: chunked", content=b"2;" + b"a" * 50_000 + b"\r\n{}\r\n0\r\n\r\n")), "400", "400"
    ),
    # --- heads ---
    "no host": Case(raw(post(b"Content-Length: " + SIZE, host=b"X-A: b")), "200", "400"),
    "two hosts": Case(raw(post(b"Host: evil.example", b"Content-Length: " + SIZE)), "200", "400"),
    "another host": Case(raw(post(b"Content-Length: " + SIZE, host=b"Host: evil.example")), "200", "200"),
    "a host with a path": Case(raw(post(b"Content-Length: " + SIZE, host=b"Host: evil.example/a b")), "200", "400"),
    "the address of another host": Case(
        raw(post(b"Content-Length: " + SIZE).replace(b"/graphql", b"http://evil.example/graphql", 1)), "200", "200"
    ),
    "a header of 40 kB": Case(body(ASK, x_large="a" * 40_000), "200 ok", "400 BAD_REQUEST"),
    "2,000 headers": Case(body(ASK, **{f"x_a{i}": "b" for i in range(2_000)}), "200 ok", "400 BAD_REQUEST"),
    "an address of 40 kB": Case(
        raw(b"GET /graphql?query=" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n"), "200", "414"
    ),
    "a header with a line break in it": Case(
        raw(post(b"X-A: b\rSet-Cookie: c=d", b"Content-Length: " + SIZE)), "400", "400"
    ),
    "a header that goes on in the next line": Case(
        raw(post(b"X-A: b", b" c", b"Content-Length: " + SIZE)), "400", "400"
    ),
    "a header without a name": Case(raw(post(b": b", b"Content-Length: " + SIZE)), "400", "400"),
    "a blank before the colon": Case(raw(post(b"Content-Length : " + SIZE)), "400", "400"),
    "a NUL in a header": Case(raw(post(b"X-A: b\0c", b"Content-Length: " + SIZE)), "400", "400"),
    "HTTP/0.9": Case(raw(b"GET /graphql\r\n", ends=True), "cut off", "cut off"),
    "HTTP/9.9": Case(raw(post(b"Content-Length: " + SIZE).replace(b"1.1", b"9.9", 1)), "400", "505"),
    "bytes of TLS on a plain port": Case(
        raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60), "400", "400"
    ),
    "a request of HTTP/2": Case(
        raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), "400", "400"
    ),
    "an upgrade to HTTP/2": Case(
        raw(
            post(
                b"Connection: Upgrade, HTTP2-Settings",
                b"Upgrade: h2c",
                b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
                b"Content-Length: " + SIZE,
            )
        ),
        "400",
        "200",
    ),
    "expecting what nobody promises": Case(raw(post(b"Expect: 200-ok", b"Content-Length: " + SIZE)), "200", "200"),
    "twenty requests at once on one connection": Case(
        raw(post(b"Content-Length: " + SIZE) * 20, responses=20),
        "200",
        hive="200",
        embedded="200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200",
    ),
}


@everywhere(CASES, share=1 / 3)
async def test_http_means_what_it_says(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
