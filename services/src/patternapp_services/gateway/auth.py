"""Who calls: a bearer token of an identity provider, or an API key.

What holds here:

* Only signatures that a public key verifies are taken: never ``none``, never a shared secret, whatever the token says.
* A token without an end, for another audience or of another issuer is refused.
* What a caller sent to prove itself is never logged and never quoted.

Sources: RFC 6750 (bearer tokens), RFC 7519 (claims), RFC 8725 (best practices), RFC 9110 section 11.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import jwt

from patternapp_services import wire

if TYPE_CHECKING:
    import pathlib

    from patternapp_services.gateway.keys import Keys

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SKEW = 30.0
"""Seconds that the provider's clock and ours may differ."""
REQUIRED = ("exp", "iss", "aud", "sub")
API_KEY = b"x-api-key"
API_KEY_KIND, USER_KIND = "api_key", "user"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was proven.

    Attributes:
        kind: As the CloudEvents extension "Auth Context" calls it: ``user`` or ``api_key``.
        subject: The token's ``sub``, or the client's name in the Secret.
    """

    kind: str
    subject: str


class RefusedError(Exception):
    """The caller is not proven. Its text is for the caller; `challenge` says what would be a proof."""

    def __init__(self, detail: str, *, challenge: str) -> None:
        self.challenge = challenge.encode()
        super().__init__(detail)


class UnavailableError(Exception):
    """Callers cannot be proven now; why is for the log."""


class Proof(Protocol):
    """One way to prove a caller."""

    async def __call__(self, headers: wire.Headers) -> Caller:
        """The caller.

        Raises:
            RefusedError: It is not proven.
            UnavailableError: It cannot be proven now.
            wire.BadRequest: A header is doubled or not text.
        """


class Tokens:
    """Bearer tokens that an identity provider signed."""

    def __init__(self, *, issuer: str, audience: str, keys: Keys) -> None:
        self._issuer, self._audience, self._keys = issuer, audience, keys

    async def __call__(self, headers: wire.Headers) -> Caller:
        given = wire.header(headers, b"authorization") or ""
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise RefusedError("Send a token: Authorization: Bearer TOKEN.", challenge="Bearer")
        try:
            key = await self._keys.key(jwt.get_unverified_header(token.strip()))
            claims = jwt.decode(
                token.strip(),
                key.key,
                algorithms=_allowed(key),
                issuer=self._issuer,
                audience=self._audience,
                leeway=SKEW,
                options={"require": list(REQUIRED)},
            )
        except jwt.InvalidTokenError as error:
            why = str(error).replace('"', "'").rstrip(".")
            challenge = f'Bearer error="invalid_token", error_description="{why}"'
            raise RefusedError(f"The token is refused: {why}.", challenge=challenge) from None
        return Caller(USER_KIND, str(claims["sub"]))


def _allowed(key: jwt.PyJWK) -> list[str]:
    """The algorithms of a key: the one it names, so that no token chooses another for it."""
    if key.algorithm_name not in ALGORITHMS:
        raise jwt.InvalidAlgorithmError("Its key is not one that is taken here")
    return [key.algorithm_name]


class ApiKeys:
    """API keys whose digests are in a Secret, laid out as Kubernetes mounts it: a file for each client.

    A Secret that is changed counts from the next request on.
    """

    def __init__(self, secret: pathlib.Path) -> None:
        self._secret = secret
        self._read: tuple[object, dict[str, str]] = (None, {})

    async def __call__(self, headers: wire.Headers) -> Caller:
        given = wire.header(headers, API_KEY)
        if given is None:
            raise RefusedError("Send your API key in the header X-API-Key.", challenge="ApiKey")
        client = self._clients().get(hashlib.sha256(given.encode()).hexdigest())
        if client is None:
            raise RefusedError("The API key is not known.", challenge="ApiKey")
        return Caller(API_KEY_KIND, client)

    def _clients(self) -> dict[str, str]:
        """The clients by their digests; read again where the folder or a file in it changed."""
        try:
            files = sorted(file for file in self._secret.iterdir() if not file.name.startswith("."))
            state = [(file.name, (seen := file.stat()).st_mtime_ns, seen.st_ino) for file in files]
            if state != self._read[0]:
                self._read = (state, {file.read_text().strip().lower(): file.name for file in files})
        except OSError as error:
            raise UnavailableError(f"the Secret {self._secret.name} cannot be read: {error.strerror}") from error
        return self._read[1]
