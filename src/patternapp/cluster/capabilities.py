"""Which kinds the server serves, and what follows from that for how an app is written down."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.cluster import resources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal

    from patternapp.cluster.resources import ApiKind
    from patternapp.render import capabilities as rendering

_CORE = "v1"


@dataclass(frozen=True, slots=True)
class Served:
    """The kinds of an app that the server serves."""

    kinds: frozenset[ApiKind] = frozenset()

    def preferred(self) -> Iterator[ApiKind]:
        """One version of every kind that is served, in the order of application."""
        done: set[tuple[str, str]] = set()
        for kind in resources.KINDS:
            if kind in self.kinds and (kind.group, kind.kind) not in done:
                done.add((kind.group, kind.kind))
                yield kind

    def has(self, kind: ApiKind) -> bool:
        """Whether a kind is served at this version."""
        return kind in self.kinds

    def rendering(self, base: rendering.Capabilities, namespace: str) -> rendering.Capabilities:
        """The capabilities to render for a namespace; where no KafkaSource is served, `v1` is what is missed."""
        old = resources.ApiKind("sources.knative.dev/v1beta1", "KafkaSource")
        new = resources.ApiKind("sources.knative.dev/v1", "KafkaSource")
        version: Literal["v1", "v1beta1"] = "v1beta1" if self.has(old) and not self.has(new) else "v1"
        return dataclasses.replace(base, kafka_source=version, namespace=namespace)


def unserved(kind: ApiKind) -> str:
    """What to say of a kind that is not served."""
    return f"the cluster has no {kind.definition} at {kind.api_version}; install what serves it"


def served(discovery: Mapping[str, Any]) -> Served:
    """What an APIGroupDiscoveryList says.

    Raises:
        errors.EnvironmentProblem: it is none; the server is older than Kubernetes 1.30.
    """
    found = _kinds(discovery)
    return Served(frozenset(kind for kind in resources.KINDS if kind.api_version == _CORE or tuple(kind) in found))


def serves_apps(discovery: Mapping[str, Any]) -> bool:
    """Whether an APIGroupDiscoveryList has PatternApps; raises as `served` does."""
    return tuple(resources.APP_KIND) in _kinds(discovery)


def _kinds(discovery: Mapping[str, Any]) -> set[tuple[str, str | None]]:
    """Every kind of every group, as apiVersion and kind."""
    if discovery.get("kind") != "APIGroupDiscoveryList":
        raise errors.EnvironmentProblem(
            "the API server has no aggregated discovery; Kubernetes 1.30 or newer is needed"
        )
    return {
        (f"{item['metadata']['name']}/{version['version']}", resource.get("responseKind", {}).get("kind"))
        for item in discovery["items"]
        for version in item["versions"]
        for resource in version.get("resources") or ()
    }
