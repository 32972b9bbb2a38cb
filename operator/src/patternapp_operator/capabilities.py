"""Which kinds the server serves, and what follows from that for how an app is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.render import capabilities as rendering
from patternapp_operator import resources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from patternapp_operator.resources import ApiKind

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
        return rendering.Capabilities(
            kafka_source="v1beta1" if self.has(old) and not self.has(new) else "v1",
            retry_after=base.retry_after,
            services_image=base.services_image,
            namespace=namespace,
            cluster_domain=base.cluster_domain,
        )


def served(discovery: Mapping[str, Any]) -> Served:
    """What an APIGroupDiscoveryList says.

    Raises:
        errors.EnvironmentProblem: it is none; the server is older than Kubernetes 1.30.
    """
    if discovery.get("kind") != "APIGroupDiscoveryList":
        raise errors.EnvironmentProblem(
            "the API server has no aggregated discovery; Kubernetes 1.30 or newer is needed"
        )
    found = {
        (f"{item['metadata']['name']}/{version['version']}", resource.get("responseKind", {}).get("kind"))
        for item in discovery["items"]
        for version in item["versions"]
        for resource in version.get("resources") or ()
    }
    return Served(frozenset(kind for kind in resources.KINDS if kind.api_version == _CORE or tuple(kind) in found))
