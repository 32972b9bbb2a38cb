"""How far this operator reaches: which kinds the server serves, and with which of them its own role lets it work.

What holds here:

* Only what can be kept is watched: a watch that the server refuses would end the process.
* A kind that is out of reach is an obstacle with a reason and a mend, never a failure, and it is asked about again and
  again, so it heals by itself.
* In several namespaces a kind is within reach only if it is in all of them.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patternapp.cluster import capabilities, resources
from patternapp.cluster.capabilities import Served
from patternapp.cluster.readiness import Readiness
from patternapp_operator import needs, permissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from patternapp.cluster.resources import ApiKind, Object
    from patternapp_operator.cluster import Cluster

ANYWHERE = "-"
"""Stands for all namespaces where a review wants one: no namespace can have this name, so no role is bound in it, and
what is allowed there is allowed everywhere."""
_LOG = logging.getLogger(__name__)
_AUTHORIZATION = "authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Lack:
    """Verbs that the role does not give for a kind in a namespace, or, without one, in the cluster."""

    kind: ApiKind
    namespace: str
    verbs: tuple[str, ...]

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"the operator may not {', '.join(self.verbs)} {needs.resource(self.kind)}{where}"


@dataclass(frozen=True, slots=True)
class Reach:
    """What was found.

    Attributes:
        served: The kinds that the server serves.
        apps: Whether it serves PatternApps.
        lacks: The kinds among them that the role does not cover.
    """

    served: Served = field(default_factory=Served)
    apps: bool = False
    lacks: frozenset[Lack] = frozenset()

    def log(self) -> None:
        """Say what was found, and of each kind that is out of reach why."""
        _LOG.info("%d of %d kinds are within reach", len(list(self.kinds())), len(set(resources.KINDS)))
        for lack in sorted(self.lacks, key=str):
            _LOG.warning("%s", lack)

    def kinds(self) -> Iterator[ApiKind]:
        """One version of every kind of object that can be kept, in the order of application."""
        lacking = {lack.kind for lack in self.lacks}
        return (kind for kind in self.served.preferred() if kind not in lacking)

    def watched(self) -> tuple[ApiKind, ...]:
        """All that can be watched: `kinds`, and PatternApps themselves."""
        apps = self.apps and resources.APP_KIND not in {lack.kind for lack in self.lacks}
        return (*((resources.APP_KIND,) if apps else ()), *self.kinds())

    def obstacle(self, kind: ApiKind) -> Readiness | None:
        """Why objects of a kind are out of reach; None where they are not."""
        if not self.served.has(kind):
            return Readiness("False", "DependencyMissing", capabilities.unserved(kind))
        same = sorted(str(lack) for lack in self.lacks if needs.resource(lack.kind) == needs.resource(kind))
        return Readiness("False", "PermissionMissing", f"{same[0]}; {_mend(kind)}") if same else None


async def found(cluster: Cluster, namespaces: Sequence[str]) -> Reach:
    """What the server serves and this process may do in these namespaces, or, without any, in the whole cluster.

    Raises:
        failures.ClusterError: the server was not able to answer.
        errors.EnvironmentProblem: the server is too old.
    """
    discovery = await cluster.discover()
    served, apps = capabilities.served(discovery), capabilities.serves_apps(discovery)
    kinds = (*((resources.APP_KIND,) if apps else ()), *served.preferred())
    lacks = [await _lacks(cluster, namespace, kinds) for namespace in namespaces or ("",)]
    return Reach(served, apps, frozenset(itertools.chain.from_iterable(lacks)))


async def _lacks(cluster: Cluster, namespace: str, kinds: Iterable[ApiKind]) -> list[Lack]:
    """What is needed and not allowed: one request, unless an authorizer cannot list its rules."""
    status = await _review(cluster, "SelfSubjectRulesReview", {"namespace": namespace or ANYWHERE})
    rules = status.get("resourceRules") or ()
    wanted = ((kind, verb) for kind in kinds for verb in _verbs(kind))
    lacking = [(kind, verb) for kind, verb in wanted if not any(_covers(rule, kind, verb) for rule in rules)]
    if status.get("incomplete"):
        allowed = await asyncio.gather(*(_allowed(cluster, namespace, *one) for one in lacking))
        lacking = [one for one, yes in zip(lacking, allowed, strict=True) if not yes]
    by_kind = itertools.groupby(lacking, key=lambda one: one[0])
    return [Lack(kind, namespace, tuple(verb for _, verb in group)) for kind, group in by_kind]


async def _allowed(cluster: Cluster, namespace: str, kind: ApiKind, verb: str) -> bool:
    asked = {"group": kind.group, "resource": kind.plural, "verb": verb, "namespace": namespace}
    status = await _review(cluster, "SelfSubjectAccessReview", {"resourceAttributes": asked})
    return bool(status["allowed"])


async def _review(cluster: Cluster, kind: str, spec: Object) -> Object:
    answer = await cluster.create({"apiVersion": _AUTHORIZATION, "kind": kind, "spec": spec}, "")
    status: Object = answer["status"]
    return status


def _verbs(kind: ApiKind) -> tuple[str, ...]:
    return permissions.READS if kind == resources.APP_KIND else permissions.verbs(needs.resource(kind))


def _covers(rule: Mapping[str, Any], kind: ApiKind, verb: str) -> bool:
    """Whether a rule allows a verb for all objects of a kind."""
    wanted = (("verbs", verb), ("apiGroups", kind.group), ("resources", kind.plural))
    return not rule.get("resourceNames") and all({name, "*"} & set(rule.get(field) or ()) for field, name in wanted)


def _mend(kind: ApiKind) -> str:
    patterns = {need.pattern for need in needs.by_resource()[needs.resource(kind)]}
    if "" in patterns:
        return "give it the role of its installation"
    return f"give it the role for {' or '.join(sorted(patterns))}, or take that out of the app"
