"""Reviews and states as plain JSON data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.cluster import difference

if TYPE_CHECKING:
    from patternapp.cluster.difference import Change
    from patternapp.cluster.readiness import Readiness
    from patternapp.cluster.resources import ApiKind, Object
    from patternapp.cluster.review import AppReview, Review
    from patternapp.cluster.state import AppState


def review(found: AppReview) -> Object:
    """``{"namespace", "name", "paused", "app", "objects"}``; each object with its verdict, changes and conflicts."""
    return {
        "namespace": found.key.namespace,
        "name": found.key.name,
        "paused": found.paused,
        "app": _review(found.app),
        "objects": [_review(one) for one in found.objects],
    }


def state(one: AppState) -> Object:
    """An app and its patterns' objects; `patterns` is empty where only the app's own status was asked for."""
    return {
        "namespace": one.key.namespace,
        "name": one.key.name,
        "created": one.created,
        **_told(one.ready),
        "current": one.current,
        "url": one.url,
        "functions": [{"name": name, "ready": able, "url": url} for name, able, url in one.functions],
        "deadLetters": list(one.dead_letters),
        "notes": list(one.notes),
        "patterns": [
            {
                "name": part.pattern,
                **_told(part.readiness),
                "objects": [
                    {**_head(item.kind, item.ref.name), **_told(item.readiness), "url": item.url}
                    for item in part.objects
                ],
            }
            for part in one.parts
        ],
    }


def _review(one: Review) -> Object:
    return {
        **_head(one.kind, one.name),
        "verdict": str(one.verdict),
        "message": one.message,
        "changes": [_change(change) for change in one.changes],
        "conflicts": [{"path": claim.path, "manager": claim.manager} for claim in one.claims],
    }


def _change(change: Change) -> Object:
    """A value that is absent has no field, as null is one."""
    values = {"old": change.old, "new": change.new}
    known = {name: value for name, value in values.items() if value is not difference.ABSENT}
    return {"path": change.path, "change": str(change.verb), **known}


def _head(kind: ApiKind, name: str) -> Object:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "name": name}


def _told(told: Readiness) -> Object:
    return {"ready": told.status, "reason": told.reason, "message": told.message}
