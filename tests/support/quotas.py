"""Trying a mutation again and again, which shows whom its quotas count."""

from typing import Any, cast

from strawberry.federation import Schema
from strawberry.types.base import StrawberryObjectDefinition

from shared.ids import new_id
from tests.conftest import AccessToken
from tests.support.serving import Served

LIMIT = "7/15 minutes"
_ALIASES = 30


def mutations_of(schema: Schema) -> set[str]:
    """The names of all mutations of a subgraph."""
    fields = cast("StrawberryObjectDefinition", schema.get_type_by_name("Mutation")).fields
    return {schema.config.name_converter.get_graphql_name(field) for field in fields}


class Tries:
    """Somebody's tries at a mutation, where a quota of it is `LIMIT`."""

    def __init__(self, served: Served, access_token: AccessToken, name: str, given: dict[str, Any]) -> None:
        self._served, self._access_token, self._name, self._given = served, access_token, name, given

    async def count_for_the_account(self) -> None:
        """Each field of a request is a try of its person, from wherever, and of nobody else."""
        one, other = new_id("user"), new_id("user")
        # Non-null payloads: the first refusal empties the data, so the allowed ones are tried before.
        assert await self.codes(one, 7) == []
        assert await self.codes(one, 1, address="203.0.113.2") == ["RATE_LIMITED"]
        assert set(await self.codes(one, _ALIASES)) == {"RATE_LIMITED"}
        assert await self.codes(other, 7) == []

    async def count_for_the_address(self) -> None:
        """Each field of a request is a try from its address, whoever is signed in there, and from no other one."""
        one, other = new_id("user"), new_id("user")
        assert await self.codes(one, 4) == []
        assert await self.codes(other, 3) == []
        assert await self.codes(new_id("user"), 1) == ["RATE_LIMITED"]
        assert set(await self.codes(other, _ALIASES)) == {"RATE_LIMITED"}
        assert await self.codes(one, 7, address="203.0.113.2") == []

    async def codes(self, user_id: str, aliases: int, address: str = "203.0.113.1") -> list[str]:
        """The codes of the top-level errors of so many tries in one request."""
        input_type = f"{self._name[0].upper()}{self._name[1:]}Input"
        fields = " ".join(f"a{n}: {self._name}(input: $input) {{ userErrors {{ code }} }}" for n in range(aliases))
        document = f"mutation($input: {input_type}!) {{ {fields} }}"
        answer = await self._served.execute(
            document, {"input": self._given}, token=self._access_token(user_id), address=address
        )
        return [error["extensions"]["code"] for error in answer.get("errors", ())]
