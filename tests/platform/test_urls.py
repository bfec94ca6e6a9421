"""Addresses of pages and pictures: `https`, and a public name."""

import pytest

from shared.errors import InvalidInput
from shared.graphql.urls import MAX_LENGTH, https_url
from tests.support.cpu import cpu_seconds


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "HTTPS://Example.COM/",
        "https://img.example.com/a%20b/c.png?size=2&x=[1]#top",
        "https://example.com:8443/~a/@b/(c);d='e',f=!g*$+",
        "https://example.com?x",
        "https://example.com./a",
        "https://xn--bcher-kva.example/a.png",
        "https://example.xn--p1ai/",
        "https://1.example.com/",
    ],
)
def test_public_addresses_pass_as_they_are(url: str) -> None:
    assert https_url(f" {url}\n", field=("avatarUrl",)) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a.png",
        "http://img.example.com/a.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "//img.example.com/a.png",
        "https:img.example.com",
        "https://",
        "https:///a.png",
        "https://user@example.com/",
        "https://user:secret@example.com/a.png",
        "https://example.com\\@evil.example.org/",
        "https://example.com:443@evil.example.org/",
        "https://localhost/a.png",
        "https://example/a.png",
        "https://printer.local/a.png",
        "https://PRINTER.LOCAL./a.png",
        "https://db.internal/a.png",
        "https://localhost.localdomain/a.png",
        "https://127.0.0.1/a.png",
        "https://127.1/a.png",
        "https://2130706433/a.png",
        "https://0x7f.1/a.png",
        "https://0x7f000001/",
        "https://a.0x7f/",
        "https://0177.0.0.1/a.png",
        "https://[::1]/a.png",
        "https://[::ffff:169.254.169.254]/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://example.com:99999/a.png",
        "https://example.com:0/a.png",
        "https://example.com:/a.png",
        "https://exa mple.com/a.png",
        "https://example.com/ä.png",
        "https://ex\u0430mple.com/",
        "https://example\u3002com/",
        "https://-a.example.com/",
        "https://a-.example.com/",
        "https://example..com/",
        "https://.example.com/",
        "https://example.com../",
        "https://example.com/a\nb",
        "https://example.com/\0",
        "https://example.com/<script>",
        "https://example.com/\ud800",
        f"https://{'a' * 64}.example.com/",
        f"https://{'a.' * 130}com/",
        f"https://example.com/{'a' * MAX_LENGTH}",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        https_url(url, field=("avatarUrl",))
    assert refusal.value.field == ("avatarUrl",)


@pytest.mark.timing
@pytest.mark.parametrize(
    "url", ["https://" + "a-" * 990, "https://" + "a." * 990 + "1", " " * 1_000_000, "x" * 1_000_000]
)
def test_looking_at_an_address_takes_linear_time(url: str) -> None:
    def run() -> None:
        with pytest.raises(InvalidInput):
            https_url(url, field=("avatarUrl",))

    assert cpu_seconds(run, 0.02) < 0.02
