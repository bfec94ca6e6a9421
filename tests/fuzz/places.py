"""The endpoints of a running system as the fuzzer wants them."""

import time
from collections.abc import Sequence
from functools import partial

import jwt

from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from shared.ids import new_id
from tests.abuse.scene import Scene
from tests.fuzz.fuzzer import Endpoint

_PEOPLE = {
    "paula": ("marketplace", "POSTER"),
    "tom": ("marketplace", "TASKER"),
    "walter": ("marketplace admin", "POSTER", "TASKER", "ADMIN"),
}


def names(stack: Stack) -> list[str]:
    """What can be fuzzed: subgraphs, and routers behind their edge."""
    return [*built_subgraphs(), *stack.edges]


def endpoint(stack: Stack, scene: Scene, name: str) -> Endpoint:
    """One of them. Paula posts, Tom bids, Walter administers."""
    url = f"{stack.edges[name]}/graphql" if name in stack.edges else stack.url(name, "/graphql")
    processes = [*built_subgraphs(), *map(stack.router, stack.edges)]
    before = {process: stack.record(process).pid for process in processes}

    def alive() -> None:
        now = {process: stack.record(process).pid for process in processes}
        assert now == before, "a process died"

    return Endpoint(
        name,
        url,
        {who: partial(_token, scene, who) for who in _PEOPLE},
        {key: list(_known(scene, key)) for key in _KNOWN},
        alive,
    )


def _token(scene: Scene, who: str) -> str:
    """A token of a session of its own: what is sent ends sessions, and the next request is to be somebody's again."""
    scope, *roles = _PEOPLE[who]
    moment = int(time.time())
    claims = {
        "iss": "service-exchange", "aud": "service-exchange", "sub": scene[who], "sid": new_id("session"),
        "roles": roles, "scope": scope, "iat": moment, "exp": moment + 900,
    }  # fmt: skip
    key = scene.signing_key
    return jwt.encode(claims, jwt.PyJWK(key), algorithm="EdDSA", headers={"kid": key["kid"]})


# By the name of a field or argument; values in <> are the scene's.
_KNOWN = {
    "id": ("<task>", "<draft>", "<bid>", "<paula>", "<tom>", "<category>", "<notification>", "<escrow>", "<card>"),
    "taskId": ("<task>", "<draft>", "<walter draft>"),
    "bidId": ("<bid>",),
    "escrowId": ("<escrow>",),
    "paymentMethodId": ("<card>",),
    "account": ("escrow:<escrow>:EUR", "clearing:EUR"),
    "userId": ("<victor>", "<tina>"),
    "taskerId": ("<victor>", "<tina>"),
    "posterId": ("<paula>",),
    "categoryId": ("<category>",),
    "categoryIds": ("<category>",),
    "notificationIds": ("<notification>",),
    "sessionId": ("<victor session>",),
    "email": ("<victor email>", "nobody@example.com"),
    "password": ("correct horse battery staple", "password123"),
    "refreshToken": ("<victor refresh>",),
    "title": ("Paint the garden fence",),
    "description": ("Twenty metres of wooden fence need two coats of green paint.",),
    "message": ("I can start on Monday morning and bring my own tools.",),
    "displayName": ("Fuzzy",),
    "avatarUrl": ("https://img.example.com/a.png",),
    "amount": ("100.00", "1.00"),
}


def _known(scene: Scene, key: str) -> Sequence[str]:
    return [scene.fill(value) for value in _KNOWN[key]]
