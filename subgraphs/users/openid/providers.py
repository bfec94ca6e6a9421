"""The providers that the operator configured (`EXCHANGE_OPENID_PROVIDERS_FILE`)."""

from functools import cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from shared.config import Settings
from shared.errors import NotFound

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Provider(BaseModel):
    """One provider: who it is, and who we are to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    name: str = Field(min_length=1, max_length=60)
    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post", "none"] = "client_secret_basic"  # noqa: S105  # a method, not a secret
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    redirect_uri: str

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes must contain openid")
        if (self.secret() is None) is not (self.token_endpoint_auth_method == "none"):  # noqa: S105  # a method
            raise ValueError("a secret is needed, unless token_endpoint_auth_method is none")
        return self

    def secret(self) -> str | None:
        """The client secret, read from its file where it has one."""
        if self.client_secret_file is not None:
            return self.client_secret_file.read_text().strip()
        return self.client_secret.get_secret_value() if self.client_secret else None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    providers: tuple[Provider, ...]


def is_fetchable(settings: Settings, url: str) -> bool:
    """Whether we connect to it: https, or http on this machine in development; no user, no fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.fragment:
        return False
    on_this_machine = settings.environment == "development" and parts.hostname in _LOOPBACK
    return parts.scheme == "https" or (parts.scheme == "http" and on_this_machine)


def providers(settings: Settings) -> dict[str, Provider]:
    """The providers by id, in the order of the file. Raises ValueError for a file that does not hold such."""
    if settings.openid_providers_file is None:
        return {}
    return _providers(settings.openid_providers_file, settings)


def provider(settings: Settings, provider_id: str) -> Provider:
    """The provider of this id. Raises NotFound."""
    found = providers(settings).get(provider_id)
    if found is None:
        raise NotFound("There is no such provider.", field=("provider",))
    return found


@cache
def _providers(file: Path, settings: Settings) -> dict[str, Provider]:
    try:
        read = _File.model_validate_json(file.read_bytes()).providers
    except ValidationError as error:
        # Without its input, which holds secrets.
        details = error.errors(include_input=False, include_context=False, include_url=False)
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in details)
        raise ValueError(f"{file} is no list of OpenID Connect providers: {wrong}") from None
    for each in read:
        if not is_fetchable(settings, each.issuer) or urlsplit(each.issuer).query:
            raise ValueError(f"{file}: the issuer of {each.id} must be an https address")
    found = {each.id: each for each in read}
    if len(found) != len(read):
        raise ValueError(f"{file}: two providers with one id")
    return found
