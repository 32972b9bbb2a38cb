"""What the operator may do, and what people may do with PatternApps, as RBAC: made from the kinds that apps become.

What holds here:

* No wildcard, no Secrets, no Pods, nothing that gives or borrows rights (escalate, bind, impersonate), and no verb that
  is never used: objects are applied (patch, create), read (get, list, watch) and pruned (delete), never updated.
* Only the operator writes a status: it says which objects an app made, and the operator deletes by it.
* Every authenticated user may ask which kinds there are and what it may do itself (Kubernetes' own roles
  ``system:discovery`` and ``system:basic-user``), so nothing of that is granted here.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.cluster import resources
from patternapp_operator import needs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from patternapp.cluster.resources import Object

VERBS = ("get", "list", "watch", "create", "patch", "delete")
"""What the operator does with the objects of apps. Applying one that is not there takes both `create` and `patch`."""
UNPRUNED = frozenset({"brokers.eventing.knative.dev"})
"""What an app has for as long as it lives, so that the operator never deletes it; the garbage collector does."""
READS = ("get", "list", "watch")
WRITES = ("create", "update", "patch", "delete", "deletecollection")
_RBAC = "rbac.authorization.k8s.io"
_APPS = resources.APP_KIND.plural
_LABELS = {"app.kubernetes.io/name": "patternapp-operator", "app.kubernetes.io/part-of": "patternapp"}
AGGREGATION = f"{_RBAC}/aggregate-to-"
"""What the labels begin with that give a role to one of Kubernetes' own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One operator in a cluster.

    Attributes:
        name: Its ServiceAccount, its roles and its Lease.
        namespace: Where it runs.
        patterns: What its apps may use.
        watched: The namespaces whose apps it keeps; none means all of the cluster.
    """

    name: str = "patternapp-operator"
    namespace: str = "patternapp-system"
    patterns: tuple[str, ...] = needs.PATTERNS
    watched: tuple[str, ...] = ()


def rules(patterns: Collection[str] = needs.PATTERNS) -> list[Object]:
    """What the operator needs wherever it keeps apps with these patterns.

    Raises:
        ValueError: there is no such pattern.
    """
    return [*_own(), *_keeping(needs.resources(patterns))]


def by_patterns() -> list[tuple[tuple[str, ...], list[Object]]]:
    """The same rules for whoever chooses patterns later.

    Each list is for those that use any of the patterns beside it, and the first, beside none, for everybody.
    """
    users = {name: needs.users(name) for name in needs.resources(needs.PATTERNS)}
    groups = sorted({patterns for patterns in users.values() if patterns}, key=lambda them: [*map(_place, them)])
    always = [*_own(), *_keeping(name for name, patterns in users.items() if not patterns)]
    chosen = [(group, _keeping(name for name, patterns in users.items() if patterns == group)) for group in groups]
    return [((), always), *chosen]


def verbs(name: str) -> tuple[str, ...]:
    """What the operator does with the objects of a resource."""
    return tuple(verb for verb in VERBS if verb != "delete" or name not in UNPRUNED)


def lease_rules(name: str) -> list[Object]:
    """What electing a leader needs in the operator's own namespace. A creation has no name that a rule could hold."""
    group = "coordination.k8s.io"
    return [
        _rule(group, ["leases"], ["create"]),
        _rule(group, ["leases"], ["get", "update"]) | {"resourceNames": [name]},
    ]


def installed(chosen: Installation) -> Iterator[Object]:
    """The ServiceAccount of an operator and all that it may do, in the order of application."""
    yield _head("v1", "ServiceAccount", chosen.name, chosen.namespace) | {"automountServiceAccountToken": False}
    subject = {"kind": "ServiceAccount", "name": chosen.name, "namespace": chosen.namespace}
    for namespace in chosen.watched or (None,):
        yield from _granted(chosen.name, namespace, rules(chosen.patterns), subject)
    yield from _granted(f"{chosen.name}-lease", chosen.namespace, lease_rules(chosen.name), subject)


def tenants() -> Iterator[Object]:
    """What people get through Kubernetes' own roles view, edit and admin. Nobody gets the status to write."""
    group = resources.APP_KIND.group
    view = {f"{AGGREGATION}{role}": "true" for role in ("view", "edit", "admin")}
    edit = {f"{AGGREGATION}{role}": "true" for role in ("edit", "admin")}
    for name, verbs, labels in (("patternapp-view", READS, view), ("patternapp-edit", WRITES, edit)):
        role = _head(f"{_RBAC}/v1", "ClusterRole", name)
        role["metadata"]["labels"] = _LABELS | labels
        yield role | {"rules": [_rule(group, [_APPS], verbs)]}


def trial() -> list[Object]:
    """What whoever tries an installation out may do (`patternapp_operator.trial`).

    Making an app takes the rights to make what it becomes, as the policies want it (`admission`).
    """
    kinds = {name for need in needs.NEEDS if need.name in {"app", "functions"} for name in need.resources}
    made = sorted(map(needs.split, kinds))
    return [
        _rule(resources.APP_KIND.group, [_APPS], ["get", "create", "delete"]),
        *(_rule(group, [plural], ["create"]) for group, plural in made),
    ]


def _granted(name: str, namespace: str | None, listed: list[Object], subject: Object) -> Iterator[Object]:
    """A role and its binding: in one namespace, or in all."""
    cluster = "Cluster" if namespace is None else ""
    reference = {"apiGroup": _RBAC, "kind": f"{cluster}Role", "name": name}
    yield _head(f"{_RBAC}/v1", f"{cluster}Role", name, namespace) | {"rules": listed}
    yield _head(f"{_RBAC}/v1", f"{cluster}RoleBinding", name, namespace) | {"roleRef": reference, "subjects": [subject]}


def _own() -> list[Object]:
    """What the operator needs whatever its apps become."""
    group = resources.APP_KIND.group
    return [
        _rule(group, [_APPS], READS),
        _rule(group, [f"{_APPS}/status"], ["patch"]),
        _rule("events.k8s.io", ["events"], ["create"]),
    ]


def _keeping(names: Iterable[str]) -> list[Object]:
    """What keeping the objects of resources takes."""
    return [_rule(group, plurals, verbs) for (group, verbs), plurals in _grouped(names)]


def _place(pattern: str) -> int:
    return needs.PATTERNS.index(pattern)


def _grouped(names: Iterable[str]) -> Iterator[tuple[tuple[str, tuple[str, ...]], list[str]]]:
    """The plurals of each group with the same verbs."""
    listed = sorted((needs.split(name)[0], verbs(name), needs.split(name)[1]) for name in names)
    for head, members in itertools.groupby(listed, key=lambda one: one[:2]):
        yield head, [plural for _, _, plural in members]


def _rule(group: str, plurals: Iterable[str], verbs: Iterable[str]) -> Object:
    return {"apiGroups": [group], "resources": list(plurals), "verbs": list(verbs)}


def _head(api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
    metadata: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {}) | {"labels": _LABELS}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
