"""What people see: all that happened, with buttons that push it on; the bank's question; how an account is set up."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from html import escape
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox import accounts, charges
from sandbox.api import read_body
from sandbox.context import Sandbox
from sandbox.delivery import MODES
from sandbox.objects import SHOWN, Account, Object
from sandbox.outcomes import BANKS, CARDS
from sandbox.pushes import possible, push
from sandbox.refused import Refused
from shared.money import CurrencyCode, Money

_ROWS = 30
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1c2733 }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { text-align: left; white-space: nowrap; padding: .3rem .6rem; border-bottom: 1px solid #d8dee4 }
code { font-size: .85em } form { display: inline } h2 { margin: 2rem 0 .5rem } .scroll { overflow-x: auto }
button { font: inherit; padding: .1rem .6rem; margin: .1rem; border: 1px solid #8a97a5; border-radius: 4px;
  background: #f4f6f8; cursor: pointer } button:hover { background: #e3e8ed } label { display: block; margin: .3rem 0 }
"""
# Where each kind says more than its status and amount.
_DETAILS = {
    "charge": ("decline", "refunded", "subject", "dispute"),
    "refund": ("charge",),
    "dispute": ("charge", "reason"),
    "account": ("user", "requirements", "bank"),
    "payout": ("account", "fault"),
    "setup": ("customer", "decline"),
}


def routes(sandbox: Sandbox) -> list[Route]:
    """The pages and what their buttons send."""

    async def overview(request: Request) -> Response:
        sections = [_section(kind, sandbox.state.newest(kind, _ROWS)) for kind in SHOWN]
        return _page("Sandbox", "".join([_top(sandbox), *sections, _events(sandbox), _test_data()]))

    async def pushed(request: Request) -> Response:
        with sandbox.state.transaction():
            push(sandbox, request.path_params["id"], request.path_params["name"])
        return RedirectResponse("/", 303)

    async def sent_again(request: Request) -> Response:
        with sandbox.state.transaction():
            sandbox.state.send_again(request.path_params["id"])
        return RedirectResponse("/", 303)

    async def delivery_changed(request: Request) -> Response:
        wanted = (await _form(request)).get("mode")
        mode = next((each for each in MODES if each == wanted), None)
        if mode is None:
            raise Refused(400, "invalid_request", f"Webhooks come {', '.join(MODES)}.")
        sandbox.state.delivery.change(mode, sandbox.state.delivery.seconds)
        return RedirectResponse("/", 303)

    async def challenge(request: Request) -> Response:
        secret = request.query_params.get("secret", "")
        charge = charges.challenged(sandbox, secret)
        if request.method == "POST":
            passes = (await _form(request)).get("answer") == "approve"
            with sandbox.state.transaction():
                charges.authenticate(sandbox, secret, passes)
            return RedirectResponse(charge.return_url, 303)
        if charge.status != "requires_action":
            return _page("Your bank", "<p>Your bank asks nothing about this payment any more.</p>")
        amount = escape(_amount(charge.amount, charge.currency))
        form = (
            f"<p>Do you pay <strong>{amount}</strong>?</p>"
            '<form method="post"><button name="answer" value="approve">Approve</button>'
            '<button name="answer" value="fail">Fail</button></form>'
        )
        return _page("Your bank", form, charge.return_url)

    async def onboarding(request: Request) -> Response:
        secret = request.query_params.get("secret", "")
        link = accounts.onboarding(sandbox, request.path_params["id"], secret)
        if request.method == "POST":
            bank = (await _form(request)).get("bank", "")
            with sandbox.state.transaction():
                accounts.tell_bank(sandbox, sandbox.state.get(Account, link.account), bank)
            return RedirectResponse(link.return_url, 303)
        choices = "".join(
            f'<label><input type="radio" name="bank" value="{escape(bank.name)}" required> '
            f"{escape(bank.name)}: {escape(bank.status)}, payouts {escape(bank.payouts)}</label>"
            for bank in BANKS.values()
        )
        return _page("Your bank account", f'<form method="post">{choices}<button>Save</button></form>', link.return_url)

    return [
        Route("/", _seen(overview)),
        Route("/push/{id}/{name}", _seen(pushed), methods=["POST"]),
        Route("/events/{id}/send", _seen(sent_again), methods=["POST"]),
        Route("/webhooks", _seen(delivery_changed), methods=["POST"]),
        Route("/challenge", _seen(challenge), methods=["GET", "POST"]),
        Route("/onboarding/{id}", _seen(onboarding), methods=["GET", "POST"]),
    ]


def _seen(show: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            origin = request.headers.get("origin")
            if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.url.netloc:
                raise Refused(403, "another_site", "Buttons are pressed on our own pages only.")
            return await show(request)
        except Refused as refused:
            page = _page("That does not go", f"<p>{escape(refused.message)}</p>")
            page.status_code = refused.status
            return page

    return endpoint


async def _form(request: Request) -> Mapping[str, str]:
    body = (await read_body(request)).decode(errors="replace")
    try:
        return {name: values[0] for name, values in parse_qs(body, max_num_fields=20).items()}
    except ValueError:
        raise Refused(400, "invalid_request", "The form is not right.") from None


def _page(title: str, content: str, return_url: str = "") -> HTMLResponse:
    # A form's answer leads there, which is the form's doing to browsers.
    leads_to = urlsplit(return_url)
    forms = f"'self' {leads_to.scheme}://{leads_to.netloc}" if return_url else "'self'"
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{content}</body></html>",
        headers={
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action {forms}",
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )


def _top(sandbox: Sandbox) -> str:
    held = ", ".join(
        _amount(*each[::-1]) for each in ((code, minor) for code, minor in sandbox.state.balances().items())
    )
    now = sandbox.state.delivery.mode
    modes = "".join(
        f'<button name="mode" value="{mode}"{" disabled" if mode == now else ""}>{mode}</button>' for mode in MODES
    )
    return (
        f"<p>A payment provider that moves no money. It holds {escape(held) or 'nothing'}.</p>"
        f'<p>Webhooks come <form method="post" action="/webhooks">{modes}</form></p>'
    )


def _section(kind: type[Object], things: Iterable[Object]) -> str:
    rows = [_row(thing) for thing in things]
    heading = f"<h2>{escape(kind.kind.capitalize())}s</h2>"
    return heading + (_table(("id", "status", "amount", "", ""), rows) if rows else "<p>None yet.</p>")


def _row(thing: Object) -> tuple[str, ...]:
    known = thing.model_dump()
    said = ", ".join(f"{name} {_text(name, known)}" for name in _DETAILS[thing.kind] if known[name])
    buttons = "".join(
        f'<form method="post" action="/push/{quote(thing.id)}/{name}"><button>{name.replace("_", " ")}</button></form>'
        for name in possible(thing)
    )
    amount = _text("amount", known) if "amount" in known else ""
    return (f"<code>{escape(thing.id)}</code>", escape(known["status"]), escape(amount), escape(said), buttons)


def _text(name: str, known: Mapping[str, object]) -> str:
    """What an object says of itself, as people read it."""
    match known[name]:
        case int(minor):
            return _amount(minor, str(known["currency"]))
        case list(several):
            return " ".join(map(str, several))
        case value:
            return str(value)


def _events(sandbox: Sandbox) -> str:
    rows = [
        (
            f"<code>{escape(event.id)}</code>",
            escape(event.type),
            f"<code>{escape(event.object)}</code>",
            (f"waits, failed {failures} times" if failures else "waits") if copies else "sent",
            f'<form method="post" action="/events/{quote(event.id)}/send"><button>send again</button></form>',
        )
        for event, copies, failures in sandbox.state.newest_events(_ROWS)
    ]
    return "<h2>Events</h2>" + (_table(("id", "type", "object", "webhook", ""), rows) if rows else "<p>None yet.</p>")


def _test_data() -> str:
    cards = ", ".join(f"<code>{escape(name)}</code>" for name in CARDS)
    return f"<h2>Test cards</h2><p>A setup is completed with one of {cards}.</p>"


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """`titles` are text, the cells HTML."""
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _amount(minor: int, currency: str) -> str:
    return f"{Money(minor, CurrencyCode(currency)).format()} {currency}"
