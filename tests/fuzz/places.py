"""The endpoints of a running system as the fuzzer wants them."""

from collections.abc import Sequence

from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from tests.abuse.scene import Scene
from tests.fuzz.fuzzer import Endpoint

_PEOPLE = ("paula", "tom", "walter")


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
        {who: scene[f"{who} token"] for who in _PEOPLE},
        {key: list(_known(scene, key)) for key in _KNOWN},
        alive,
    )


# By the name of a field or argument; values in <> are the scene's.
_KNOWN = {
    "id": ("<task>", "<draft>", "<bid>", "<paula>", "<tom>", "<category>", "<notification>"),
    "taskId": ("<task>", "<draft>", "<walter draft>"),
    "bidId": ("<bid>",),
    "userId": ("<victor>", "<tina>"),
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
