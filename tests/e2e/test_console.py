"""The admins' console in a real browser, on the whole system."""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, WebSocket, expect, sync_playwright

from deploy.local import routers
from deploy.local.stack import Stack
from tests.support.loopback import NO_TLS

# Debian's or Google's; without either the one that `playwright install` brought.
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct-horse-battery-staple-9"
REPORT_VIOLATIONS = """
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        console.error(`policy violated: ${violatedDirective} ${blockedURI}`));
"""

# The first test waits for the whole system to start.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@dataclass
class Console:
    """The page, and what it did that it should not."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    sockets: list[WebSocket] = field(default_factory=list)

    def watch(self) -> None:
        self.page.add_init_script(REPORT_VIOLATIONS)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("request", self._on_request)
        self.page.on("websocket", lambda socket: self.sockets.append(socket))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        if urlsplit(request.url).scheme != "data" and urlsplit(request.url).netloc != urlsplit(self.url).netloc:
            self.complaints.append(f"asked elsewhere: {request.url}")

    def open(self) -> None:
        self.page.goto(f"{self.url}/console/")
        # The editor arrives after the page.
        expect(self.page.locator(".graphiql-query-editor .monaco-editor").first).to_be_visible(timeout=30_000)

    @property
    def account(self) -> Locator:
        return self.page.get_by_test_id("account")

    def sign_in(self, email: str, password: str) -> None:
        self.account.get_by_role("button", name="Sign in").click()
        self.submit(email, password)

    def submit(self, email: str, password: str) -> None:
        dialog = self.page.get_by_role("dialog", name="Sign in")
        dialog.get_by_label("E-mail").fill(email)
        dialog.get_by_label("Password").fill(password)
        dialog.get_by_role("button", name="Sign in").click()

    def run(self, saved_operation: str, variables: dict[str, object] | None = None) -> None:
        """Opens a saved operation in a tab of its own and runs it."""
        self.page.get_by_test_id(f"operation-{saved_operation}").click()
        if variables is not None:
            self.page.evaluate("([name, text]) => (" + MODEL + ").setValue(text)", ["variables", json.dumps(variables)])
        self.page.get_by_role("button", name="Execute query").click()

    def response(self, is_expected: Callable[[dict[str, object]], bool]) -> dict[str, object]:
        """What the response pane shows, as soon as it is what the test waits for."""
        shown = ""
        for _ in range(200):
            shown = self.page.evaluate("([name]) => (" + MODEL + ").getValue()", ["response"])
            if shown and is_expected(json.loads(shown)):
                break
            self.page.wait_for_timeout(50)
        else:
            pytest.fail(f"the response pane shows: {shown}")
        answer: dict[str, object] = json.loads(shown)
        return answer


# The editors' texts: what is scrolled out of sight is not in the page.
MODEL = "__MONACO.editor.getModels().find((model) => model.uri.path.includes(name))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser:
        yield browser


@pytest.fixture
def console(stack: Stack, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Console]:
    """The console behind a router, in a browser that remembers nothing. A parameter names the kind of router."""
    router = getattr(request, "param", next(iter(stack.edges)))
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        console = Console(context.new_page(), stack.edges[router])
        console.watch()
        yield console
    assert console.complaints == []


@dataclass(frozen=True)
class Person:
    """Somebody who signed up."""

    id: str
    name: str
    email: str
    token: str


@dataclass(frozen=True)
class Api:
    """The GraphQL API behind the same edge, for what other people do meanwhile."""

    url: str

    def execute(self, query: str, variables: dict[str, object], token: str = "") -> dict[str, object]:
        """The one field asked for. Fails on any error."""
        answer = httpx.post(
            f"{self.url}/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=20,
            verify=NO_TLS,
        ).json()
        assert "errors" not in answer, answer
        (field_value,) = answer["data"].values()
        assert not (isinstance(field_value, dict) and field_value.get("userErrors")), field_value
        result: dict[str, object] = field_value
        return result

    def sign_up(self, name: str) -> Person:
        email = f"{uuid.uuid4().hex}@example.com"
        payload = self.execute(
            """mutation ($input: SignUpInput!) { signUp(input: $input) {
                session { accessToken user { id } } userErrors { code message } } }""",
            {"input": {"email": email, "password": PASSWORD, "displayName": name, "roles": ["POSTER", "TASKER"]}},
        )
        session = payload["session"]
        assert isinstance(session, dict)
        return Person(session["user"]["id"], name, email, session["accessToken"])

    def category_id(self) -> str:
        categories = self.execute("{ categories { children { id } } }", {})
        assert isinstance(categories, list)
        return str(categories[0]["children"][0]["id"])

    def place_bid(self, tasker: Person, task_id: str, amount: str) -> str:
        payload = self.execute(
            "mutation ($input: PlaceBidInput!) { placeBid(input: $input) { bid { id } userErrors { code message } } }",
            {
                "input": {
                    "taskId": task_id,
                    "amount": {"amount": amount, "currency": "THB"},
                    "message": "I can do this tomorrow morning.",
                }
            },
            tasker.token,
        )
        bid = payload["bid"]
        assert isinstance(bid, dict)
        return str(bid["id"])


@pytest.fixture
def api(console: Console) -> Api:
    return Api(console.url)


def data(answer: dict[str, object], name: str) -> dict[str, object]:
    assert "errors" not in answer, answer
    fields = answer["data"]
    assert isinstance(fields, dict)
    value: dict[str, object] = fields[name]
    return value


@pytest.mark.parametrize("console", routers.installed(), indirect=True)
def test_an_admin_signs_in_queries_changes_and_sees_a_bid_arrive(console: Console, api: Api) -> None:
    poster, tasker = api.sign_up("Nok"), api.sign_up("Somchai")
    console.open()

    console.sign_in(poster.email, PASSWORD)
    expect(console.account.get_by_test_id("signed-in-as")).to_have_text("Signed in as Nok")

    console.run("me")
    me = data(console.response(lambda answer: "data" in answer), "me")
    assert (me["id"], me["displayName"]) == (poster.id, "Nok")

    task_input = {
        "title": "Assemble a wardrobe in two hours",
        "description": "A flat-packed wardrobe, about two metres high, with all its parts.",
        "categoryId": api.category_id(),
        "budget": {"amount": "800.00", "currency": "THB"},
        "mode": "REMOTE",
        "publish": True,
    }
    console.run("create-task", {"input": task_input})
    created = data(console.response(lambda answer: "createTask" in str(answer)), "createTask")
    assert created["userErrors"] == []
    task = created["task"]
    assert isinstance(task, dict)
    assert task["status"] == "OPEN"

    # From the first event on: the button shows before the subscription stands, and the bid may be sooner.
    console.run("bid-events", {"taskId": task["id"], "after": 0})
    expect(console.page.get_by_role("button", name="Stop query")).to_be_visible()
    place_bid_when_known(api, tasker, task["id"], "450.00")
    first = data(console.response(lambda answer: "bidEvents" in str(answer)), "bidEvents")
    assert (first["type"], first["bid"]["amount"]) == (  # type: ignore[index]  # JSON
        "PLACED",
        {"amount": "450.00", "currency": "THB"},
    )
    (socket,) = console.sockets
    assert urlsplit(socket.url).path == "/graphql"


def place_bid_when_known(api: Api, tasker: Person, task_id: str, amount: str) -> None:
    """Bids as soon as `bids` has heard of the task."""
    for attempt in range(100):
        try:
            api.place_bid(tasker, task_id, amount)
        except AssertionError:
            if attempt == 99:
                raise
            time.sleep(0.1)
        else:
            return


def test_a_wrong_password_says_so_and_keeps_the_form(console: Console, api: Api) -> None:
    person = api.sign_up("Nok")
    console.open()

    console.sign_in(person.email, "wrong")

    dialog = console.page.get_by_role("dialog", name="Sign in")
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    expect(dialog.get_by_label("E-mail")).to_have_value(person.email)
    console.submit(person.email, PASSWORD)
    expect(console.account.get_by_test_id("signed-in-as")).to_have_text("Signed in as Nok")
    expect(dialog).to_be_hidden()


def test_a_session_survives_a_reload_and_ends_when_signed_out(console: Console, api: Api) -> None:
    person = api.sign_up("Nok")
    console.open()
    console.sign_in(person.email, PASSWORD)
    expect(console.account.get_by_test_id("signed-in-as")).to_have_text("Signed in as Nok")

    console.page.reload()

    expect(console.account.get_by_test_id("signed-in-as")).to_have_text("Signed in as Nok")
    # A duplicated browser tab copies the storage, and with it would use the refresh token a second time.
    assert console.page.evaluate("Object.keys(sessionStorage).length") == 0
    assert "eyJ" not in console.page.evaluate("JSON.stringify(localStorage)")

    console.account.get_by_role("button", name="Sign out").click()
    expect(console.account.get_by_role("button", name="Sign in")).to_be_visible()
    expect(console.account.get_by_role("alert")).to_have_count(0)
    console.page.reload()
    expect(console.account.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_session_is_renewed_before_it_expires(console: Console, api: Api) -> None:
    person = api.sign_up("Nok")
    console.page.clock.install()
    console.open()
    console.sign_in(person.email, PASSWORD)
    expect(console.account.get_by_test_id("signed-in-as")).to_be_visible()

    with console.page.expect_response(lambda response: "refreshSession" in (response.request.post_data or "")) as seen:
        console.page.clock.fast_forward("14:30")

    payload = seen.value.json()["data"]["refreshSession"]
    assert payload["userErrors"] == []
    expect(console.account.get_by_test_id("signed-in-as")).to_have_text("Signed in as Nok")


def test_the_documentation_explains_the_schema(console: Console) -> None:
    console.open()

    console.page.get_by_role("button", name="Show Documentation Explorer").click()
    console.page.get_by_role("link", name="Mutation", exact=True).click()
    console.page.get_by_role("link", name="placeBid", exact=True).click()

    expect(console.page.get_by_text("Bids on an open task that is not one's own.")).to_be_visible()


def test_the_page_runs_no_foreign_code(console: Console) -> None:
    console.open()
    console.page.evaluate(
        """() => {
            const inline = document.createElement("script");
            inline.textContent = "window.ranInline = true";
            const foreign = document.createElement("script");
            foreign.src = "https://cdn.example/script.js";
            document.head.append(inline, foreign);
        }"""
    )

    assert console.page.evaluate("window.ranInline") is None
    assert any("policy violated: script-src-elem inline" in complaint for complaint in console.complaints)
    assert any("policy violated: script-src-elem https://cdn.example" in each for each in console.complaints)
    console.complaints.clear()
