"""Why a call is not answered with what it asked for."""

from collections.abc import Mapping

from sandbox.objects import Object


class Refused(Exception):
    """The call is not carried out, and nothing has changed. `code` is for programs, `message` for people."""

    def __init__(self, status: int, code: str, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = dict(fields or {})
        """What is wrong with which field of the body."""


class Trouble(Exception):
    """Something of the machine is made to go wrong, once the transaction is over.

    `done` is what was done all the same: whoever asks again with the same key gets it.
    """

    def __init__(self, *, is_silent: bool, done: Object | None = None) -> None:
        super().__init__()
        self.is_silent = is_silent
        self.done = done


def not_found(kind: str) -> Refused:
    """There is no such thing."""
    return Refused(404, f"no_such_{kind}", f"There is no such {kind}.")
