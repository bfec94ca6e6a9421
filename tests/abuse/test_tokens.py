"""Access tokens that somebody else signed, or that are for somebody else, another time or another use."""

import base64
import json
import time
from collections.abc import Callable, Mapping

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.abuse import answers
from tests.abuse.arena import Arena, Attack, Case, Target
from tests.abuse.scene import Scene
from tests.abuse.table import defended, everywhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

REFUSED = "200 UNAUTHENTICATED"
ME = "{ me { id } }"
LONG_AGO = 1_000_000_000
Forge = Callable[[Scene], str]


def sends(forge: Forge, document: str = ME, scheme: str = "Bearer ") -> Attack:
    """An operation with a token of the forger's."""

    async def attack(target: Target) -> str:
        token = forge(target.scene)
        async with target.client() as client:
            response = await client.post(
                target.url, json={"query": document}, headers={"authorization": (scheme + token).encode()}
            )
            return answers.of_response(response)

    return attack


def claims(scene: Scene, **changes: object) -> dict[str, object]:
    """Those of an administrator, with changes; None leaves one out."""
    moment = int(time.time())
    values: dict[str, object] = {
        "iss": "service-exchange", "aud": "service-exchange", "sub": scene["ada"], "sid": scene["ada session"],
        "roles": ["POSTER", "ADMIN"], "scope": "marketplace admin", "iat": moment, "exp": moment + 900,
    }  # fmt: skip
    return {name: value for name, value in (values | changes).items() if value is not None}


def ours(headers: Mapping[str, object] | None = None, **changes: object) -> Forge:
    """A token that is signed with our own key, as only an error of ours could make it."""

    def forge(scene: Scene) -> str:
        key = scene.signing_key
        sent = {"kid": key["kid"], **(headers or {})}
        return jwt.encode(claims(scene, **changes), jwt.PyJWK(key), algorithm="EdDSA", headers=sent)

    return forge


def foreign(headers: Mapping[str, object] | None = None) -> Forge:
    """A token that is signed with a key of the forger's own, under the name of ours unless told otherwise."""

    def forge(scene: Scene) -> str:
        sent = {"kid": scene.signing_key["kid"], **(headers or {})}
        return jwt.encode(claims(scene), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=sent)

    return forge


def encoded(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def by_hand(header: Mapping[str, object], signature: str = "") -> Forge:
    """A token without a signature, or with this one."""
    return lambda scene: ".".join(
        [encoded({"typ": "JWT", "kid": scene.signing_key["kid"], **header}), encoded(claims(scene)), signature]
    )


def keyed_with_the_public_key(scene: Scene) -> str:
    """The algorithm confusion of RFC 8725, section 2.1: the public key as an HMAC's secret."""
    secret = base64.urlsafe_b64decode(scene.signing_key["x"] + "=")
    return jwt.encode(claims(scene), secret, algorithm="HS256", headers={"kid": scene.signing_key["kid"]})


def changed(change: Callable[[list[str]], list[str]]) -> Forge:
    """Tina's token, changed."""
    return lambda scene: ".".join(change(scene["tina token"].split(".")))


def own_jwk() -> dict[str, str]:
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": encoded(public)}


def case(forge: Forge, expected: str = REFUSED, document: str = ME, scheme: str = "Bearer ") -> Case:
    return Case(sends(forge, document, scheme), expected, expected, at="users")


CASES = {
    # --- signatures ---
    "no algorithm": case(by_hand({"alg": "none"})),
    "no algorithm in other letters": case(by_hand({"alg": "nOnE"})),
    "an algorithm that is a list": case(by_hand({"alg": ["EdDSA"]})),
    "the public key as a secret": case(keyed_with_the_public_key),
    "RS256 without a signature": case(by_hand({"alg": "RS256"}, "AAAA")),
    "our algorithm with an empty signature": case(by_hand({"alg": "EdDSA"})),
    "our algorithm with a signature of zeros": case(by_hand({"alg": "EdDSA"}, "A" * 86)),
    "another key under the name of ours": case(foreign()),
    "a key that nobody knows": case(foreign({"kid": "another"})),
    "a key named by a path": case(foreign({"kid": "../../../../dev/null"})),
    "a key named by SQL": case(foreign({"kid": "' UNION SELECT 'key' --"})),
    "a key named by 5,000 letters": case(foreign({"kid": "a" * 5_000})),
    "a key named by an object": case(
        lambda scene: ".".join([encoded({"alg": "EdDSA", "kid": {"a": 1}}), encoded(claims(scene)), "AAAA"])
    ),
    "no name of a key": case(lambda scene: ".".join([encoded({"alg": "EdDSA"}), encoded(claims(scene)), "AAAA"])),
    "a key in the token": case(foreign({"jwk": own_jwk()})),
    "a key at an address": case(foreign({"jku": "https://evil.example/jwks.json"})),
    "a certificate at an address": case(foreign({"x5u": "https://evil.example/cert.pem"})),
    "a certificate in the token": case(foreign({"x5c": ["MIIB"]})),
    "an extension that must be understood": case(ours({"crit": ["exp2"], "exp2": 1})),
    "a payload that is not encoded": case(by_hand({"alg": "EdDSA", "b64": False, "crit": ["b64"]}, "AAAA")),
    # --- claims, signed by ourselves ---
    "expired": case(ours(exp=LONG_AGO)),
    "no expiry": case(ours(exp=None)),
    "an expiry that is a text": case(ours(exp="never")),
    "an expiry in a trillion years": case(ours(exp=10**30)),
    "an expiry that is not a number": case(ours(exp=float("nan"))),
    "an expiry of minus infinity": case(ours(exp=float("-inf"))),
    "not valid yet": case(ours(nbf=2**33)),
    "issued by somebody else": case(ours(iss="evil")),
    "no issuer": case(ours(iss=None)),
    "for somebody else": case(ours(aud="another service")),
    "for nobody": case(ours(aud=None)),
    "for a list without us": case(ours(aud=["a", "b"])),
    "no subject": case(ours(sub=None)),
    "no session": case(ours(sid=None)),
    "a subject that is an object": case(ours(sub={"$ne": ""})),
    "no time of issue": case(ours(iat=None)),
    "roles that nobody has": case(ours(roles=["ROOT"])),
    "roles that are a number": case(ours(roles=1)),
    "roles that are an object": case(ours(roles=[{"a": 1}])),
    "a scope that is a number": case(ours(scope=1), "200 FORBIDDEN"),
    "a scope that is a list": case(ours(scope=["admin"]), "200 FORBIDDEN"),
    # --- changed on the way ---
    "a letter of the signature changed": case(changed(lambda parts: [*parts[:2], parts[2][:-4] + "AAAA"])),
    "the claims of an administrator under Tina's signature": case(
        lambda scene: ".".join(
            [scene["tina token"].split(".")[0], encoded(claims(scene)), scene["tina token"].split(".")[2]]
        )
    ),
    "the signature cut off": case(changed(lambda parts: parts[:2])),
    "four parts": case(changed(lambda parts: [*parts, parts[2]])),
    "an encrypted token's five parts": case(changed(lambda parts: [*parts, *parts[:2]])),
    # The same signature, written otherwise.
    "padding": case(changed(lambda parts: [*parts[:2], parts[2] + "=="]), "200 ok"),
    "another alphabet of base64": case(changed(lambda parts: [parts[0], parts[1], "+/" + parts[2][2:]])),
    "a header that is no JSON": case(changed(lambda parts: [encoded(b"{"), *parts[1:]])),
    "a header nested 2,000 deep": case(changed(lambda parts: [encoded(b"[" * 2_000), *parts[1:]])),
    "claims that are a list": case(changed(lambda parts: [parts[0], encoded([]), parts[2]])),
    "a token of 8 kB and more": Case(sends(lambda scene: "a" * 8_200), REFUSED, "400 BAD_REQUEST", at="users"),
    "a token of dots": case(lambda scene: "." * 7_000),
    "a token of bytes that are no text": case(lambda scene: "\xff\xfe"),
    # --- other uses of the header ---
    "a password instead of a token": case(lambda scene: base64.b64encode(b"admin:admin").decode(), scheme="Basic "),
    "a token without its scheme": case(lambda scene: scene["tina token"], scheme=""),
    "a token of another scheme": case(lambda scene: scene["tina token"], scheme="DPoP "),
    "two tokens": case(lambda scene: f"{scene['tina token']}, Bearer {scene['ada token']}"),
    "a refresh token as an access token": case(lambda scene: scene["tina refresh"]),
    "an id instead of a token": case(lambda scene: scene["ada"]),
}


@everywhere(CASES, share=1 / 2)
async def test_such_a_token_is_nobodys(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
