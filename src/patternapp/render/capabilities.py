"""What the cluster can do, as far as it decides how an app is written down."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What differs from cluster to cluster; the defaults fit Knative 1.22 and KEDA 2.20.

    Attributes:
        kafka_source: The version of KafkaSource that is served.
        retry_after: Whether Eventing's flag ``delivery-retryafter`` is on.
        authentication_oidc: Whether Eventing's flag ``authentication-oidc`` is on: senders prove who they are, and
            EventPolicies, which are refused otherwise, say who may send.
        services_image: The image of PatternApp's own services.
        eventing_namespace: Where Eventing's data plane runs, which delivers to what is closed to others.
        namespace: Where the app will live. Only objects for programs outside the namespace need a whole address.
        cluster_domain: The cluster's DNS domain, for the same addresses.
    """

    kafka_source: Literal["v1", "v1beta1"] = "v1"
    retry_after: bool = False
    authentication_oidc: bool = False
    services_image: str = "ghcr.io/patternapp/services:0.1.0"
    eventing_namespace: str = "knative-eventing"
    namespace: str = "default"
    cluster_domain: str = "cluster.local"


DEFAULT = Capabilities()
KAFKA_SOURCE_VERSIONS = ("v1", "v1beta1")


def from_mapping(data: Mapping[str, Any], *, file: str = "") -> Capabilities:
    """The capabilities that a file names in camelCase, the rest as by default.

    Raises:
        errors.SpecError: `data` has unknown names or values of the wrong type; one Problem for each.
    """
    fields = {_camel(field.name): field for field in dataclasses.fields(Capabilities)}
    problems = tuple(
        problem for name, value in data.items() if (problem := _problem(name, value, fields.get(name), file))
    )
    if problems:
        raise errors.SpecError(problems)
    return Capabilities(**{fields[name].name: value for name, value in data.items()})


def _problem(name: str, value: Any, field: dataclasses.Field[Any] | None, file: str) -> errors.Problem | None:
    if field is None:
        known = ", ".join(_camel(known.name) for known in dataclasses.fields(Capabilities))
        return errors.Problem(file, 0, name, "UnknownField", f"no such capability; there are {known}")
    told = f"{value!r:.60}"
    if name == "kafkaSource" and value not in KAFKA_SOURCE_VERSIONS:
        return errors.Problem(file, 0, name, "InvalidValue", f"{told} is not one of v1 and v1beta1")
    if type(value) is not type(field.default):
        wanted = type(field.default).__name__
        return errors.Problem(file, 0, name, "InvalidValue", f"{told} is not a {wanted}; write one")
    return None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
