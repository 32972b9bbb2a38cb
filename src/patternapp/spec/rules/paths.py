"""Paths of routes and webhooks: well-formed, each claimed once, none of them ours."""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING

from patternapp.spec import constraints, walk
from patternapp.spec.flaws import Flaw
from patternapp.spec.sources import Webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.flaws import Path
    from patternapp.spec.v1alpha1 import PatternApp

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LITERAL = "a webhook's path has no {}; write it out"
ONE, REST = "{}", "{...}"
Shape = tuple[str, ...]
"""The segments of a path, decoded, with parameters as `ONE` and `REST`: paths of one shape match the same requests."""


def routes(app: PatternApp) -> Iterator[Flaw]:
    """No two routes claim one path and method, and all paths are well-formed."""
    claimed: dict[tuple[Shape, str], str] = {}
    for index, route in enumerate(app.spec.gateway.routes if app.spec.gateway else ()):
        path: Path = ("spec", "gateway", "routes", index, "path")
        problem = malformed(route.path)
        if problem is not None:
            yield Flaw(path, "BadPath", problem)
            continue
        yield from _reserved(path, route.path)
        for method in dict.fromkeys(route.methods):
            other = claimed.setdefault((shape(route.path), method), route.name)
            if other != route.name:
                message = f"route {other!r} already has {method} {route.path}; change the path or the methods"
                yield Flaw(path, "DuplicateRoute", message)


def webhooks(app: PatternApp) -> Iterator[Flaw]:
    """Webhook paths are literal, unique, and not those of routes."""
    gateway = app.spec.gateway
    claimed = {
        shape(route.path): f"route {route.name!r}"
        for route in (gateway.routes if gateway else ())
        if malformed(route.path) is None
    }
    for path, webhook in walk.of_type(app, Webhook):
        problem = malformed(webhook.path) or (LITERAL if "{" in webhook.path else None)
        if problem is not None:
            yield Flaw((*path, "path"), "BadPath", problem)
            continue
        yield from _reserved((*path, "path"), webhook.path)
        found = shape(webhook.path)
        if found in claimed:
            yield Flaw((*path, "path"), "DuplicateRoute", f"{claimed[found]} already has this path; change one")
        else:
            claimed[found] = "another webhook"


def shape(path: str) -> Shape:
    """What requests a well-formed path matches."""
    return tuple(_segment(part) for part in path.removeprefix("/").split("/"))


def malformed(path: str) -> str | None:
    """What is wrong with a path and the mend; None where nothing is."""
    parts = path.removeprefix("/").split("/")
    names: list[str] = []
    for index, part in enumerate(parts):
        match = _PARAMETER.fullmatch(part)
        if match is None and ("{" in part or "}" in part):
            return f"write a whole segment as {{name}} or, at the end, {{name...}}, not {part!r}"
        if match is not None and match[2] and index < len(parts) - 1:
            return f"{part} stands for the rest of the path, so nothing can follow it"
        if match is not None:
            names.append(match[1])
        decoded = urllib.parse.unquote(part)
        if decoded in {".", ".."} or _CONTROL.search(decoded):
            return f"the segment {part!r} never reaches an app; write the path without it"
    if len(set(names)) < len(names):
        return "two segments have one name; give each its own"
    return None


def _segment(part: str) -> str:
    match = _PARAMETER.fullmatch(part)
    if match is None:
        return urllib.parse.unquote(part)
    return REST if match[2] else ONE


def _reserved(path: Path, written: str) -> Iterator[Flaw]:
    first = shape(written)[0]
    if first in constraints.RESERVED_PATHS:
        taken = ", ".join(f"/{name}" for name in sorted(constraints.RESERVED_PATHS))
        yield Flaw(path, "ReservedPath", f"/{first} is PatternApp's own, as are {taken}; choose another path")
