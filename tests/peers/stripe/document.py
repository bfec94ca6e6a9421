"""Stripe's published OpenAPI document: what its answers look like."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from deploy.local import stripe_mock

Json = dict[str, Any]


class Document:
    """Raises AssertionError for what Stripe would not say."""

    def __init__(self) -> None:
        self._document = _without_nullable(json.loads(stripe_mock.document().read_bytes()))
        self._examples: dict[str, Json] = json.loads(stripe_mock.fixtures().read_bytes())["resources"]
        self._schemas: dict[str, Json] = self._document["components"]["schemas"]
        self._registry = Registry().with_resource("stripe:", Resource(self._document, DRAFT4))
        self._paths = [(path.split("/")[2:], path) for path in self._document["paths"] if path.startswith("/v1/")]

    def example(self, resource: str) -> Json:
        """An object with all that Stripe says of one, empty where it may be."""
        properties = self._schemas[resource]["properties"]
        return {
            name: None if properties[name].get("x-nullable") else value
            for name, value in json.loads(json.dumps(self._examples[resource])).items()
            if name in properties
        }

    def statuses(self, resource: str) -> Sequence[str]:
        """All that an object of this kind may have."""
        found: Sequence[str] = self._schemas[resource]["properties"]["status"]["enum"]
        return found

    def check_answer(self, method: str, segments: Sequence[str], status: int, answer: Json) -> None:
        """An answer to a request of this path, without `/v1`."""
        fitting = [
            (sum(each.startswith("{") for each in template), path)
            for template, path in self._paths
            if len(template) == len(segments)
            and all(one.startswith("{") or one == other for one, other in zip(template, segments, strict=True))
        ]
        responses = self._document["paths"][min(fitting)[1]][method.lower()]["responses"]
        self._check(
            responses[str(status) if status == 200 else "default"]["content"]["application/json"]["schema"], answer
        )
        self._check_names(answer)

    def check_object(self, resource: str, found: Json) -> None:
        self._check({"$ref": f"#/components/schemas/{resource}"}, found)
        self._check_names(found)

    def _check(self, schema: Json, found: Json) -> None:
        absolute = json.loads(json.dumps(schema).replace('"#/', '"stripe:#/'))
        errors = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
            for error in Draft4Validator(absolute, registry=self._registry).iter_errors(found)
        ]
        if errors:
            raise AssertionError(errors)

    def _check_names(self, found: object) -> None:
        """What an object has that the document does not name."""
        if isinstance(found, list):
            for each in found:
                self._check_names(each)
        elif isinstance(found, dict):
            schema = self._schemas.get(str(found.get("object")), {})
            if "properties" in schema:
                unknown = found.keys() - schema["properties"].keys()
                assert not unknown, f"Stripe's {found['object']} has no {sorted(unknown)}."
            for each in found.values():
                self._check_names(each)


@cache
def document() -> Document:
    return Document()


def _without_nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema has it; Stripe means null to be an answer beside any `enum` too."""
    if isinstance(schema, list):
        return [_without_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: _without_nullable(value) for name, value in schema.items()}
    if changed.pop("nullable", None) is True:
        return {"anyOf": [changed, {"enum": [None]}], "x-nullable": True}
    return changed
