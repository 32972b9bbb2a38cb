"""RFC 9111 and 9110 as far as they decide what a shared cache may keep and give. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp_services import wire

if TYPE_CHECKING:
    from patternapp_services.wire import Scope

Key = tuple[object, ...]
Pairs = tuple[tuple[bytes, bytes], ...]
KEPT = frozenset({200, 203, 301, 308})
"""The statuses of answers that may be kept."""
_FORBIDDING = frozenset({"no-store", "private", "no-cache"})
_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How long a route's answers are kept.

    Attributes:
        route: The route's name.
        ttl: Seconds that an answer is fresh.
        stale: Seconds beyond, in which it is still given while a fresh one is fetched.
        vary: The request headers that make answers differ, in lower case.
    """

    route: str
    ttl: float
    stale: float = 0.0
    vary: tuple[str, ...] = ()


def shareable(rule: Rule, scope: Scope, *, subject: str) -> bool:
    """Whether another caller's answer could be given to this request."""
    names = {name for name, _ in scope["headers"]}
    if b"range" in names or "no-store" in directives(scope["headers"]):
        return False
    if b"cookie" in names and "cookie" not in rule.vary:
        return False
    return b"authorization" not in names or bool(subject) or "authorization" in rule.vary


def key_of(rule: Rule, scope: Scope, subject: str) -> Key:
    """What two requests have in common that may have the same answer."""
    varied = tuple(tuple(value for name, value in scope["headers"] if name.decode() == wanted) for wanted in rule.vary)
    return rule.route, subject, wire.target(scope), scope.get("query_string", b""), varied


def storable(headers: Pairs, rule: Rule) -> bool:
    """Whether an answer with these headers may be kept."""
    if any(name == b"set-cookie" for name, _ in headers) or directives(headers) & _FORBIDDING:
        return False
    varied = b",".join(value for name, value in headers if name == b"vary").decode("latin-1").lower()
    return {name.strip() for name in varied.split(",") if name.strip()} <= set(rule.vary)


def directives(headers: wire.Headers) -> set[str]:
    """The names of the Cache-Control directives."""
    text = b",".join(value for name, value in headers if name == b"cache-control").decode("latin-1").lower()
    return {part.partition("=")[0].strip() for part in text.split(",")}


def has_it(scope: Scope, headers: Pairs) -> bool:
    """Whether the caller named this answer's ETag (compared weakly, RFC 9110 section 13.1.2)."""
    tag = next((value for name, value in headers if name == b"etag"), None)
    asked = b",".join(value for name, value in scope["headers"] if name == b"if-none-match")
    if tag is None or not asked:
        return False
    tags = {one.strip().removeprefix(b"W/") for one in asked.split(b",")}
    return b"*" in tags or tag.removeprefix(b"W/") in tags


def validators(headers: Pairs) -> list[tuple[bytes, bytes]]:
    """The headers that a 304 has of the 200 it stands for (RFC 9110 section 15.4.5)."""
    wanted = {b"etag", b"cache-control", b"content-location", b"date", b"expires", b"vary", b"age", b"cache-status"}
    return [(name, value) for name, value in headers if name in wanted]


def unconditional(scope: Scope) -> Scope:
    """The request without its conditions: the whole answer is wanted, and the conditions are met here."""
    return {**scope, "headers": [item for item in scope["headers"] if item[0] not in _CONDITIONS]}
