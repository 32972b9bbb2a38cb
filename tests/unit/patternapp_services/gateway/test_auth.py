"""Tokens of an identity provider that is a real server with real keys, and API keys in a folder."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
import loopback
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from patternapp_services import wire
from patternapp_services.gateway import auth, keys, proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ISSUER, AUDIENCE = "https://id.example.com", "shop"
RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def published(key: Any, kid: str, **more: str) -> dict[str, Any]:
    """A public key as a provider publishes it."""
    algorithm = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256"}
    name = next((name for kind, name in algorithm.items() if isinstance(key, kind)), "EdDSA")
    known = jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)
    return {**known, "kid": kid, "use": "sig", **more}


@dataclass
class Provider:
    """Publishes keys; can be away."""

    keys: list[dict[str, Any]] = field(default_factory=lambda: [published(RSA, "rsa"), published(EC, "ec")])
    status: int = 200
    asked: int = 0
    now: float = 0.0

    async def __call__(self, _scope: wire.Scope, _receive: wire.Receive, send: wire.Send) -> None:
        self.asked += 1
        await wire.respond(send, self.status, body=json.dumps({"keys": self.keys}).encode())


@contextlib.asynccontextmanager
async def tokens(provider: Provider) -> AsyncIterator[auth.Tokens]:
    async with loopback.served(provider) as url, proxy.open_session() as session:
        known = keys.PublishedKeys(f"{url}/jwks", session=lambda: session, clock=lambda: provider.now)
        yield auth.Tokens(issuer=ISSUER, audience=AUDIENCE, keys=known)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def proof(provider: Provider) -> AsyncIterator[auth.Tokens]:
    async with tokens(provider) as made:
        yield made


def token(key: Any = RSA, kid: str = "rsa", algorithm: str = "RS256", **changes: Any) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": time.time() + 60} | changes
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid})


def bearer(value: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {value}".encode())]


@pytest.mark.parametrize(("key", "kid", "algorithm"), [(RSA, "rsa", "RS256"), (EC, "ec", "ES256"), (ED, "ed", "EdDSA")])
async def test_a_token_that_the_provider_signed_proves_its_subject(
    proof: auth.Tokens, provider: Provider, key: Any, kid: str, algorithm: str
) -> None:
    provider.keys.append(published(ED, "ed"))

    caller = await proof(bearer(token(key, kid, algorithm)))

    assert caller == auth.Caller("user", "ann")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (lambda: token(exp=time.time() - 60), "expired"),
        (lambda: token(exp=None), '"exp"'),
        (lambda: token(sub=None), '"sub"'),
        (lambda: token(aud="other"), "Audience"),
        (lambda: token(iss="https://evil.example"), "issuer"),
        (lambda: token(nbf=time.time() + 600), "not yet valid"),
        (lambda: token(OTHER), "Signature"),
        (lambda: token(kid="nobody's"), "no such key"),
        (lambda: token(algorithm="RS384"), "alg value is not allowed"),
        (lambda: "no.token.at-all", "header"),
        (lambda: "x", "segments"),
    ],
    ids=["late", "endless", "nobody", "audience", "issuer", "early", "signature", "key", "algorithm", "garbage", "x"],
)
async def test_a_token_that_does_not_prove_is_refused_with_the_reason(proof: auth.Tokens, given: Any, why: str) -> None:
    with pytest.raises(auth.RefusedError) as refused:
        await proof(bearer(given()))

    assert why.replace('"', "'") in str(refused.value).replace('"', "'")
    assert b'error="invalid_token"' in refused.value.challenge


def unsigned(algorithm: str, sign: Any) -> str:
    """A token by hand, as libraries refuse to make it."""

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "mallory", "exp": time.time() + 60}
    signed = part({"alg": algorithm, "kid": "rsa"}) + b"." + part(claims)
    return (signed + b"." + base64.urlsafe_b64encode(sign(signed)).rstrip(b"=")).decode()


async def test_a_token_without_a_signature_is_refused(proof: auth.Tokens) -> None:
    with pytest.raises(auth.RefusedError):
        await proof(bearer(unsigned("none", lambda _: b"")))


async def test_the_public_key_cannot_be_used_as_a_shared_secret(proof: auth.Tokens) -> None:
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(auth.RefusedError):
        await proof(bearer(unsigned("HS256", lambda signed: hmac.new(pem, signed, hashlib.sha256).digest())))


async def test_a_shared_secret_that_the_provider_publishes_verifies_nothing(
    proof: auth.Tokens, provider: Provider
) -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    encoded = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    provider.keys = [{"kty": "oct", "k": encoded, "kid": "rsa", "use": "sig"}]

    with pytest.raises(auth.RefusedError):
        await proof(bearer(unsigned("HS256", lambda signed: hmac.new(secret, signed, hashlib.sha256).digest())))


@pytest.mark.parametrize("headers", [[], [(b"authorization", b"Basic YTpi")], [(b"authorization", b"Bearer ")]])
async def test_who_sends_no_token_is_told_to(proof: auth.Tokens, headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(auth.RefusedError) as refused:
        await proof(headers)

    assert refused.value.challenge == b"Bearer"


async def test_two_tokens_are_refused(proof: auth.Tokens) -> None:
    with pytest.raises(wire.BadRequest):
        await proof([*bearer(token()), *bearer(token())])


async def test_keys_are_asked_for_once_and_again_when_they_are_old(proof: auth.Tokens, provider: Provider) -> None:
    for _ in range(5):
        await proof(bearer(token()))
    first = provider.asked

    provider.now = keys.FRESH + 1
    await proof(bearer(token()))

    assert (first, provider.asked) == (1, 2)


async def test_a_new_key_of_the_provider_is_found_without_a_restart(proof: auth.Tokens, provider: Provider) -> None:
    await proof(bearer(token()))
    provider.keys = [published(OTHER, "new")]
    provider.now = keys.PAUSE + 1

    caller = await proof(bearer(token(OTHER, "new")))

    assert caller.subject == "ann"


async def test_unknown_keys_do_not_make_the_provider_asked_for_every_request(
    proof: auth.Tokens, provider: Provider
) -> None:
    await proof(bearer(token()))

    for number in range(20):
        with pytest.raises(auth.RefusedError):
            await proof(bearer(token(kid=f"made-up-{number}")))

    assert provider.asked == 1


async def test_known_keys_stay_good_while_the_provider_is_away(proof: auth.Tokens, provider: Provider) -> None:
    await proof(bearer(token()))
    provider.status, provider.now = 503, keys.FRESH + 1

    caller = await proof(bearer(token()))

    assert (caller.subject, provider.asked) == ("ann", 2)


async def test_while_no_key_is_known_callers_cannot_be_proven(proof: auth.Tokens, provider: Provider) -> None:
    provider.status = 503

    with pytest.raises(auth.UnavailableError, match="503"):
        await proof(bearer(token()))


async def test_keys_are_not_asked_of_a_name_that_turns_out_to_be_the_metadata(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rebound = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("169.254.169.254", 80))]
    async with proxy.open_session() as session:
        known = keys.PublishedKeys("http://rebound.example/jwks", session=lambda: session, clock=lambda: 0.0)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rebound)

        with pytest.raises(auth.UnavailableError, match="metadata addresses are not called"):
            await auth.Tokens(issuer=ISSUER, audience=AUDIENCE, keys=known)(bearer(token()))


async def test_a_redirect_to_other_keys_is_not_followed(provider: Provider) -> None:
    async def elsewhere(_scope: wire.Scope, _receive: wire.Receive, send: wire.Send) -> None:
        await wire.respond(send, 302, headers=[(b"location", url.encode())])

    async with loopback.served(provider) as url, loopback.served(elsewhere) as start, proxy.open_session() as session:
        proof = auth.Tokens(issuer=ISSUER, audience=AUDIENCE, keys=keys.PublishedKeys(start, session=lambda: session))
        with pytest.raises(auth.UnavailableError):
            await proof(bearer(token()))

    assert provider.asked == 0


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "shop-keys"
    folder.mkdir()
    (folder / "mobile").write_text(hashlib.sha256(b"k1").hexdigest() + "\n")
    return folder


async def test_an_api_key_proves_its_client(secret: Path) -> None:
    caller = await auth.ApiKeys(secret)([(b"x-api-key", b"k1")])

    assert caller == auth.Caller("api_key", "mobile")


@pytest.mark.parametrize("sent", [b"k2", hashlib.sha256(b"k1").hexdigest().encode(), b"mobile"])
async def test_an_api_key_that_is_not_known_is_refused(secret: Path, sent: bytes) -> None:
    with pytest.raises(auth.RefusedError, match="not known"):
        await auth.ApiKeys(secret)([(b"x-api-key", sent)])


async def test_a_client_that_is_added_counts_at_once_and_one_that_is_removed_no_more(secret: Path) -> None:
    proof = auth.ApiKeys(secret)
    await proof([(b"x-api-key", b"k1")])

    (secret / "desk").write_text(hashlib.sha256(b"k2").hexdigest())
    (secret / "mobile").unlink()

    assert (await proof([(b"x-api-key", b"k2")])).subject == "desk"
    with pytest.raises(auth.RefusedError):
        await proof([(b"x-api-key", b"k1")])


async def test_without_the_secret_callers_cannot_be_proven(tmp_path: Path) -> None:
    with pytest.raises(auth.UnavailableError, match="nowhere"):
        await auth.ApiKeys(tmp_path / "nowhere")([(b"x-api-key", b"k1")])
