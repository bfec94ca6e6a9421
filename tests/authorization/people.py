"""The eight actors, as people who signed up, and how they ask each part of the system."""

import asyncio
import random
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from aiohttp import ClientError, ClientSession

from deploy.local import roles
from deploy.local.stack import Stack
from shared.access import Who
from tests.e2e.people import mutation
from tests.support.messaging import eventually

Data = dict[str, Any]

_TOKENS = "session { accessToken refreshToken user { id } } userErrors { code message }"
_SIGN_UP = f"mutation ($input: SignUpInput!) {{ signUp(input: $input) {{ {_TOKENS} }} }}"
_LOG_IN = f"mutation ($input: LogInInput!) {{ logIn(input: $input) {{ {_TOKENS} }} }}"
BOTH = ("POSTER", "TASKER")


class Refused(Exception):
    """The system refused what the matrix prepares; `codes` say why."""

    def __init__(self, document: str, errors: Sequence[Data]) -> None:
        self.codes = [str((error.get("extensions") or error).get("code")) for error in errors]
        super().__init__(document, errors)


@dataclass
class Person:
    """Somebody with an account, as of their latest login."""

    email: str
    password: str
    id: str = ""
    token: str = ""
    refresh_token: str = ""
    session_id: str = ""

    @property
    def values(self) -> Data:
        """What rows may name of an account."""
        return {"user": self.id, "email": self.email, "password": self.password}


class World:
    """The running system before the questions: who lives there, and a way to have them do things.

    Everything is done straight at the subgraphs, by the client `inside`; `outside` is the one for the edges. `users`
    is the address of the one that signs people up.
    """

    def __init__(self, stack: Stack, inside: ClientSession, outside: ClientSession, users: str) -> None:
        self.stack = stack
        self._inside, self._outside = inside, outside
        self._users = users
        self._category: Data = {}
        self.homes: dict[str, asyncio.Future[Data]] = {}
        self.cards: dict[tuple[str, str], asyncio.Future[str]] = {}
        self.cast: Cast

    async def call(self, subgraph: str, person: Person | None, document: str, **variables: object) -> Any:
        """The value of the operation's one root field. Raises Refused for errors of both kinds."""
        headers = {"x-forwarded-for": anywhere()}
        if person:
            headers["authorization"] = f"Bearer {person.token}"
        body = {"query": document, "variables": variables}
        url = self._users if subgraph == "users" else self.stack.url(subgraph, "/graphql")
        answer = await self.post(url, body, headers)
        if answer.get("errors"):
            raise Refused(document, answer["errors"])
        value = next(iter(answer["data"].values()))
        if isinstance(value, dict) and value.get("userErrors"):
            raise Refused(document, value["userErrors"])
        return value

    async def call_once_known(self, subgraph: str, person: Person | None, document: str, **variables: object) -> Any:
        """`call` about something new, of which the subgraph learns by an event."""

        async def answered() -> list[Any]:
            try:
                return [await self.call(subgraph, person, document, **variables)]
            except Refused as refusal:
                if refusal.codes != ["NOT_FOUND"]:
                    raise
                return []

        return (await eventually(answered))[0]

    async def post(self, url: str, body: Data, headers: Mapping[str, str]) -> Data:
        """The answer to a request. Raises ConnectionError, which tells where and when a connection broke."""
        client = self._outside if url.startswith(tuple(self.stack.edges.values())) else self._inside
        try:
            async with client.post(url, json=body, headers=headers) as response:
                answer: Data = await response.json(content_type=None)
        except ClientError as error:
            at = datetime.now(UTC).time().isoformat("milliseconds")
            raise ConnectionError(f"{error!r} at {at} from {url} for {body['query'][:60]!r}") from error
        return answer

    async def category(self) -> Data:
        """Some category with those below it, which tasks may have."""
        if not self._category:
            self._category = (await self.call("tasks", None, "{ categories { id children { id } } }"))[0]
        return self._category

    async def send_file(self, url: str, content: bytes) -> None:
        """Sends a file in one chunk to the address of its upload, straight at tasks."""
        headers = {
            "tus-resumable": "1.0.0",
            "upload-offset": "0",
            "content-type": "application/offset+octet-stream",
            "x-forwarded-for": anywhere(),
        }
        path = url.removeprefix(self.stack.instance.url("edge"))
        async with self._inside.patch(self.stack.url("tasks", path), data=content, headers=headers) as answer:
            assert answer.status == 204, await answer.text()

    async def sign_up(self, *roles: str) -> Person:
        """Somebody new, with these roles."""
        person = stranger()
        account = {"email": person.email, "password": person.password, "displayName": "Nina", "roles": list(roles)}
        self._enter(person, await self.call("users", None, _SIGN_UP, input=account))
        return person

    async def log_in(self, person: Person) -> None:
        """Another session of the same person."""
        credentials = {"email": person.email, "password": person.password}
        self._enter(person, await self.call("users", None, _LOG_IN, input=credentials))

    def _enter(self, person: Person, payload: Data) -> None:
        session = payload["session"]
        person.id, person.token = session["user"]["id"], session["accessToken"]
        person.refresh_token = session["refreshToken"]
        person.session_id = jwt.decode(person.token, options={"verify_signature": False})["sid"]

    async def staff(self, role: str) -> Person:
        """Somebody with a role that an operator gave them."""
        person = await self.sign_up(*BOTH)
        await roles.grant(self.stack.instance, person.email, role)
        # A role counts from the next login on; its mutations must find no other session of theirs.
        await self.log_in(person)
        await self.call("users", person, mutation("logOutEverywhere", ""), input={"keepCurrent": True})
        return person

    async def mailed_token(self, person: Person, page: str) -> str:
        """The token out of the newest mail whose link leads to a page of the web app."""
        return (await self.stack.mail(person.email, f"/{page}#token=")).text.split("#token=")[1].split()[0]

    async def suspend(self, person: Person) -> None:
        """Has an admin shut somebody out."""
        reason = {"userId": person.id, "reason": "Sells nothing."}
        await self.call("users", self.cast.standard[Who.ADMIN], mutation("suspendUser", ""), input=reason)

    async def gather(self) -> None:
        """Signs everybody up."""
        owner, other, tasker, poster, support, admin, paula, tom, tim, pia, sue, sid = await asyncio.gather(
            self.sign_up(*BOTH), self.sign_up(*BOTH), self.sign_up("TASKER"), self.sign_up("POSTER"),
            self.staff("SUPPORT"), self.staff("ADMIN"), self.sign_up("POSTER"), self.sign_up("TASKER"),
            self.sign_up("TASKER"), self.sign_up(*BOTH), self.sign_up(*BOTH), self.sign_up(*BOTH),
        )  # fmt: skip
        standard = {
            Who.OWNER: owner, Who.OTHER: other, Who.TASKER: tasker, Who.POSTER: poster,
            Who.SUPPORT: support, Who.ADMIN: admin, Who.SUSPENDED: sue,
        }  # fmt: skip
        self.cast = Cast(standard, paula, tom, tim, pia, sue, sid)


def anywhere() -> str:
    """Some address. Straight at a subgraph it is believed, so that nothing prepared is counted for one address."""
    return f"198.51.100.{random.randrange(1, 255)}"


def stranger() -> Person:
    """Somebody without an account yet."""
    return Person(f"{uuid.uuid4().hex}@example.com", secrets.token_urlsafe(12))


@dataclass(frozen=True)
class Cast:
    """Who plays in the matrix."""

    standard: Mapping[Who, Person]
    """Whoever has no part in an object; the owner of what has none of its own."""
    paula: Person
    """Posts, and is no tasker."""
    tom: Person
    """Bids, and is no poster."""
    tim: Person
    """Bids and is chosen, which would hide Tom's bids in lists, and is no poster."""
    pia: Person
    """Posts, and is a tasker too."""
    sue: Person
    """Is going to be suspended."""
    sid: Person
    """Is going to be suspended, and has published nothing."""
