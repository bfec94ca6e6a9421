"""What an attacker sees, in one line that a table of cases can hold."""

import json
import re
from collections.abc import Iterable, Mapping

import httpx

# What no answer may hold: where files lie, what the parts are made of, where they listen.
LEAKS = re.compile(
    r"Traceback|File \"|line \d+, in |site-packages|node_modules|\.py\b|\.mjs\b|\.rs:\d|\bat [\w.]+ \(|/home/|/root/"
    r"|/work/|/app/|(?i:asyncpg|sqlalchemy|psycopg|postgres|redis|kafka|strawberry|uvicorn|starlette|pydantic)"
    r"|graphql-core|ECONN|127\.0\.0\.1:\d|localhost:\d|password_hash|SELECT |INSERT "
)
SUGGESTION = "Did you mean"


def leaks(text: str) -> list[str]:
    """What an answer says about the inside."""
    return [match[0] for match in LEAKS.finditer(text)]


def of_response(response: httpx.Response, *, shows: bool = False) -> str:
    """`200 ok`, `400 BAD_REQUEST`, `200 TOO_COMPLEX(depth)`, `200 userErrors NOT_FOUND(taskId)`, `404 text/html` …

    `shows`: the data itself stands for `ok`.
    """
    try:
        body = response.json()
    except ValueError:
        return f"{response.status_code} {response.headers.get('content-type', 'nothing').split(';')[0]}"
    return f"{response.status_code} {of_result(body, shows=shows)}"


def of_result(body: object, *, shows: bool = False) -> str:
    """What a GraphQL response says."""
    if not isinstance(body, dict) or not ({"data", "errors"} & set(body)):
        return f"JSON {json.dumps(body)[:60]}"
    data = body.get("data")
    if errors := body.get("errors"):
        return " ".join([_codes(errors), *(["with data"] if _holds_something(data) else [])])
    refused = [refusal for payload in (data or {}).values() for refusal in _user_errors(payload)]
    if refused:
        return f"userErrors {' '.join(dict.fromkeys(map(_user_error, refused)))}"
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False) if shows else "ok"


def _codes(errors: Iterable[Mapping[str, object]]) -> str:
    """The codes in their order, each once, with the limit that they name."""
    return " ".join(dict.fromkeys(map(_code, errors)))


def _code(error: Mapping[str, object]) -> str:
    extensions = error.get("extensions")
    if not isinstance(extensions, dict) or "code" not in extensions:
        return "NO_CODE"
    return extensions["code"] + (f"({extensions['limit']})" if "limit" in extensions else "")


def _user_errors(payload: object) -> list[Mapping[str, object]]:
    return payload.get("userErrors") or [] if isinstance(payload, dict) else []


def _user_error(error: Mapping[str, object]) -> str:
    path = error.get("field")
    return f"{error['code']}({'.'.join(path)})" if isinstance(path, list) and path else str(error["code"])


def _holds_something(value: object) -> bool:
    """Whether there is anything in the data but nulls and empty lists."""
    if isinstance(value, dict):
        return any(_holds_something(each) for name, each in value.items() if name != "__typename")
    if isinstance(value, list):
        return any(map(_holds_something, value))
    return value is not None
