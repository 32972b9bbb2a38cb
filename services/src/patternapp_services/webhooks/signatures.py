"""How a webhook's caller proves who it is, over the bytes as they came. Pure: the time and the secrets are given.

What holds here:

* Secrets and signatures meet only in `hmac.compare_digest`; no message names a secret's value.
* Several secrets at once are allowed while keys are rotated, one a line: any of them will do. A space may be part of
  a secret, as in the example of GitHub's documentation.

Sources: Standard Webhooks (https://www.standardwebhooks.com, spec/standard-webhooks.md "Signature scheme"); GitHub's
"Validating webhook deliveries" (X-Hub-Signature-256); RFC 6750 (bearer tokens).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TOLERANCE = 300.0
"""Seconds that a Standard Webhooks timestamp may lie before or after the time."""
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")


class Refused(Exception):  # noqa: N818 - what became of the call
    """The caller did not prove who it is; the message says what is missing or wrong."""


class SecretUnusable(Exception):  # noqa: N818 - a fact about the operator's Secret, not about the call
    """The secret cannot be used; the message says why, never what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A webhook call: its headers as ASGI gives them, its body as it came, and when it came (seconds since 1970)."""

    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    at: float


def standard_webhooks(call: Call, secrets: Sequence[bytes]) -> None:
    """`webhook-id`, `webhook-timestamp` and one of the v1 signatures of `webhook-signature` fit together."""
    identity, timestamp, signatures = (
        _one(call, name) for name in (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
    )
    if not _TIMESTAMP.fullmatch(timestamp) or abs(call.at - int(timestamp)) > TOLERANCE:
        raise Refused(f"webhook-timestamp is not within {TOLERANCE:g} seconds of the time here")
    keys = [_standard_key(secret) for secret in secrets]
    signed = b".".join((identity, timestamp, call.body))
    expected = [b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys]
    _require_match(expected, signatures.split(), "webhook-signature")


def github(call: Call, secrets: Sequence[bytes]) -> None:
    """`X-Hub-Signature-256` is the body's."""
    signature = _one(call, b"x-hub-signature-256")
    expected = [b"sha256=" + hmac.digest(secret, call.body, hashlib.sha256).hex().encode() for secret in secrets]
    _require_match(expected, [signature], "x-hub-signature-256")


def bearer(call: Call, secrets: Sequence[bytes]) -> None:
    """`Authorization` carries the secret itself."""
    scheme, _, token = _one(call, b"authorization").partition(b" ")
    if scheme.lower() != b"bearer":
        raise Refused("the Authorization header is not a bearer token")
    _require_match(secrets, [token.strip()], "the bearer token")


SCHEMES: Mapping[str, Callable[[Call, Sequence[bytes]], None]] = {
    "standardWebhooks": standard_webhooks,
    "github": github,
    "bearer": bearer,
}
"""Every scheme by its name in the resource. Each raises `Refused` or `SecretUnusable`, or returns."""


def verify(scheme: str, call: Call, secret: bytes) -> None:
    """Raises `Refused` or `SecretUnusable` unless the call is proven with one of the secrets, one a line."""
    secrets = [line.strip() for line in secret.splitlines() if line.strip()]
    if not secrets:
        raise SecretUnusable("it is empty")
    SCHEMES[scheme](call, secrets)


def _one(call: Call, name: bytes) -> bytes:
    values = [value for key, value in call.headers if key == name]
    if len(values) != 1:
        raise Refused(f"the header {name.decode()} is {'missing' if not values else 'there more than once'}")
    return values[0]


def _standard_key(secret: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except binascii.Error:
        raise SecretUnusable("it is not whsec_ followed by base64") from None
    if not key:
        raise SecretUnusable("it is whsec_ without a key")
    return key


def _require_match(expected: Sequence[bytes], given: Sequence[bytes], what: str) -> None:
    # Every pair is compared, so that the time taken does not tell which secret fitted.
    if not sum(hmac.compare_digest(ours, theirs) for ours in expected for theirs in given):
        raise Refused(f"{what} does not fit")
