"""The API gateway as a user writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from patternapp.spec import formats
from patternapp.spec.base import Duration, HttpUri, Model, Name, Text

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Path = Annotated[str, StringConstraints(pattern=formats.PATH, max_length=1024)]
Origin = Annotated[str, StringConstraints(pattern=formats.ORIGIN, max_length=253)]


class Cors(Model):
    """Which web pages may call the gateway from a browser."""

    origins: Annotated[tuple[Origin, ...], Field(min_length=1, max_length=64)]
    """Origins such as https://shop.example.com, or * for all."""
    headers: Annotated[tuple[Text, ...], Field(max_length=64)] = ("authorization", "content-type")
    """Request headers a page may set."""
    credentials: bool = False
    """Whether cookies and credentials are sent along. Not with the origin *."""
    max_age: Duration = "10m"
    """How long a browser remembers the answer."""


class Jwt(Model):
    """Bearer tokens of an identity provider."""

    issuer: HttpUri
    """The token's `iss`."""
    audience: Text
    """The token's `aud`."""
    jwks_uri: HttpUri
    """Where the provider's keys are."""


class ApiKeys(Model):
    """API keys kept in a Secret."""

    secret_name: Name
    """A Secret; each key is a client, each value its API key's SHA-256."""


class Auth(Model):
    """Who may call: exactly one of the two."""

    jwt: Jwt | None = None
    """A bearer token."""
    api_keys: ApiKeys | None = None
    """An API key."""


def _kind_of_auth(value: object) -> str:
    return "(none)" if isinstance(value, str) else "(object)"


RouteAuth = Annotated[
    Annotated[Auth, Tag("(object)")] | Annotated[Literal["none"], Tag("(none)")],
    Discriminator(_kind_of_auth),
]
"""The tags keep errors about one alternative only; in parentheses, they cannot be taken for fields."""


class Throttle(Model):
    """How many requests a caller may make."""

    limit: Annotated[int, Field(ge=1, le=1_000_000)]
    """Requests in a period."""
    period: Duration = "1s"
    """The period."""
    burst: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Requests at once at most. Default: `limit`."""
    key: Literal["subject", "ip", "route"] = "subject"
    """Whose requests count together."""


class Cache(Model):
    """How long answers are kept."""

    ttl: Duration
    """How long an answer is fresh."""
    stale_while_revalidate: Duration | None = None
    """How long a stale answer is served while a fresh one is fetched."""
    vary: Annotated[tuple[Text, ...], Field(max_length=16)] = ()
    """Request headers that make answers differ."""


class Publish(Model):
    """A request becomes an event."""

    type: Text
    """The event's type."""
    source: Text | None = None
    """The event's source. Default: the gateway's own."""


class Route(Model):
    """Requests of a path: to a function, or accepted as events. Exactly one of `function` and `publish`."""

    name: Name
    """The name of this route."""
    path: Path
    """The path; `{name}` stands for one segment, `{name...}` at the end for the rest."""
    methods: Annotated[tuple[Method, ...], Field(min_length=1, max_length=7)] = ("GET",)
    """The methods."""
    function: Name | None = None
    """The function that answers."""
    publish: Publish | None = None
    """The event that is published; the answer is 202."""
    throttle: Throttle | None = None
    """How many requests a caller may make."""
    cache: Cache | None = None
    """How long answers are kept."""
    auth: RouteAuth | None = None
    """Who may call, instead of the gateway's `auth`; `none` lets everybody."""


class Gateway(Model):
    """API gateway: one address, routes to functions and events."""

    host: Annotated[str, StringConstraints(pattern=formats.HOST, max_length=253)] | None = None
    """The public host name."""
    cors: Cors | None = None
    """Which web pages may call."""
    auth: Auth | None = None
    """Who may call."""
    routes: Annotated[tuple[Route, ...], Field(min_length=1, max_length=128)]
    """The routes; of those that match, the most literal path wins."""
