"""Rules inside one object, as tables. `patternapp.spec.rules.objects` applies them; the schemas are made from them.

What holds here: names of fields are those a user writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.spec import gateway, sources, v1alpha1
from patternapp.spec.filters import Filter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.spec.base import Model


@dataclass(frozen=True, slots=True)
class Choice:
    """Fields of which at most one is written, or, if `required`, exactly one."""

    fields: tuple[str, ...]
    required: bool = True

    @property
    def sentence(self) -> str:
        """The rule in words."""
        amount = "exactly" if self.required else "at most"
        return f"{amount} one of {', '.join(self.fields[:-1])} and {self.fields[-1]}"


CHOICES: Mapping[type[Model], Choice] = {
    Filter: Choice(("exact", "prefix", "suffix", "all", "any", "not", "cesql")),
    gateway.Auth: Choice(("jwt", "apiKeys")),
    gateway.Route: Choice(("function", "publish")),
    sources.Bucket: Choice(("aws", "ceph"), required=False),
    sources.Source: Choice(("bucket", "database", "webhook")),
    sources.Verify: Choice(("standardWebhooks", "github", "bearer")),
    v1alpha1.DeadLetter: Choice(("function", "uri")),
    v1alpha1.EnvVar: Choice(("value", "valueFrom"), required=False),
    v1alpha1.EnvVarSource: Choice(("secretKeyRef", "configMapKeyRef")),
    v1alpha1.Function: Choice(("handler", "command")),
    v1alpha1.Queue: Choice(("kafka", "rabbitmq")),
    v1alpha1.Subscriber: Choice(("function", "uri")),
}

MIN_MAX: frozenset[type[Model]] = frozenset({v1alpha1.Scale, v1alpha1.WorkerScale})
"""Objects whose `min` is not above their `max`."""

NEEDS: Mapping[type[Model], tuple[tuple[str, ...], str]] = {
    v1alpha1.QueueKafka: (("protocol", "saslMechanism"), "secretName"),
    v1alpha1.StreamKafka: (("protocol", "saslMechanism"), "secretName"),
}
"""Fields that mean nothing without another one."""

_HOUR = 3_600_000
DURATIONS: Mapping[tuple[type[Model], str], tuple[int, int]] = {
    (gateway.Cache, "staleWhileRevalidate"): (0, 8760 * _HOUR),
    (gateway.Cache, "ttl"): (1, 8760 * _HOUR),
    (gateway.Cors, "maxAge"): (0, 24 * _HOUR),
    (gateway.Throttle, "period"): (100, 24 * _HOUR),
    (v1alpha1.Batch, "wait"): (0, 60_000),
    (v1alpha1.Delivery, "backoffDelay"): (1, _HOUR),
    (v1alpha1.Delivery, "timeout"): (1, _HOUR),
    # Knative refuses a Revision over its max-revision-timeout-seconds, 600 as shipped.
    (v1alpha1.Function, "timeout"): (1, 600_000),
    # Knative's autoscaler looks back an hour at most.
    (v1alpha1.Scale, "idle"): (0, _HOUR),
    (v1alpha1.WorkerScale, "idle"): (0, _HOUR),
}
"""The least and the most of every duration, in milliseconds."""

SETS = frozenset({"methods", "events", "operations", "topics", "origins"})
"""Lists in which order means nothing and nothing stands twice."""

FILTER_DEPTH = 4
"""Levels of filters: the CRD spells every one of them out, as structural schemas cannot recurse."""

RESERVED_VARIABLES = frozenset(
    {"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION", "K_SINK", "K_CE_OVERRIDES", "K_CA_CERTS"}
)
"""Environment variables that Knative sets itself; it refuses a Service that sets the first four."""

RESERVED_PATHS = frozenset({"events", "topics", "s3", "api", "metrics", "healthz"})
"""First segments that are not the gateway's: one port serves all in ``dev``."""

ADDRESSES: Mapping[type[Model], str] = {
    v1alpha1.Subscriber: "uri",
    v1alpha1.DeadLetter: "uri",
    gateway.Jwt: "jwksUri",
}
"""Fields that hold an address which something in the cluster calls."""
