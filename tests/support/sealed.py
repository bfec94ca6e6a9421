"""An export as `users` would ask for it, and what the subgraphs answer, opened."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

from nacl.public import PrivateKey, SealedBox

from shared import events
from shared.ids import new_id


class Export:
    """Somebody's export with its private key."""

    def __init__(self, user_id: str) -> None:
        self.id = new_id("export")
        self.user_id = user_id
        self.key = PrivateKey.generate()

    @property
    def request(self) -> events.UserExportRequested:
        public_key = b64encode(bytes(self.key.public_key)).decode()
        return events.UserExportRequested(user_id=self.user_id, export_id=self.id, public_key=public_key)

    def open(self, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The documents in the events of one subgraph, which must be numbered and end with the last one."""
        assert [(body["export_id"], body["user_id"]) for body in bodies] == [(self.id, self.user_id)] * len(bodies)
        assert [body["number"] for body in bodies] == list(range(1, len(bodies) + 1))
        assert [body["last"] for body in bodies] == [False] * (len(bodies) - 1) + [True]
        box = SealedBox(self.key)
        return [json.loads(box.decrypt(b64decode(body["sealed"]))) for body in bodies]
