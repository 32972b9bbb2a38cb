"""Users of the API server with rights of their own, and what the server says to them."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import harness
from cluster import api

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RBAC = "rbac.authorization.k8s.io"


def rule(name: str, *verbs: str, names: Iterable[str] = ()) -> dict[str, Any]:
    """A rule about one resource, as ``plural.group``."""
    plural, _, group = name.partition(".")
    only = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": [plural], "verbs": list(verbs)} | only


APPS = rule("patternapps.patternapp.dev", "get", "create", "update", "patch")


@dataclass(frozen=True)
class Person:
    """A user who has rights in one namespace."""

    name: str
    namespace: str
    api: api.Api

    def judged(self, app: Mapping[str, Any]) -> str | None:
        """Why the server refuses an app of this user, None where it would take it."""
        return self.api.judge(app, namespace=self.namespace).refusal

    def may(self, name: str, verb: str) -> bool:
        """Whether the server's authorizer says so."""
        plural, _, group = name.partition(".")
        asked = {"namespace": self.namespace, "group": group, "resource": plural, "verb": verb}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        answer = self.api.create(review | {"spec": {"resourceAttributes": asked}}).object()
        return bool(answer["status"]["allowed"])


@contextlib.contextmanager
def person(server: api.Api, namespace: str, *rules: Mapping[str, Any]) -> Iterator[Person]:
    """A new user who may write PatternApps and has these rights, once the server knows of them."""
    name = f"user-{uuid.uuid4().hex[:8]}"
    head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": name}}
    role = head | {"kind": "Role", "rules": [APPS, *rules]}
    server.create(role, namespace=namespace).object()
    reference = {"apiGroup": RBAC, "kind": "Role", "name": name}
    subjects = [{"apiGroup": RBAC, "kind": "User", "name": name}]
    binding = head | {"kind": "RoleBinding", "roleRef": reference, "subjects": subjects}
    server.create(binding, namespace=namespace).object()
    with contextlib.closing(api.Api(server.access, user=name)) as client:
        made = Person(name, namespace, client)
        harness.eventually(lambda: made.may("patternapps.patternapp.dev", "create"))
        yield made
