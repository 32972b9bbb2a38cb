"""What an operator is told when it starts: flags, and for each flag an environment variable as its default."""

from __future__ import annotations

import argparse
import os
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.render import capabilities
from patternapp.spec import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one replica.

    Attributes:
        kubeconfig: A kubeconfig file; empty inside a cluster.
        identity: The name of this replica, unlike any other's.
        namespace: Where the Lease is.
        lease: The Lease's name: operators with different names do not know each other.
        namespaces: The namespaces whose apps are kept; none means all of the cluster.
        workers: How many apps are reconciled at a time.
        resync: Seconds after which every app is looked at again, and everything is listed and compared.
        discovery: Seconds after which the server is asked which kinds it serves.
        binding_patience: Seconds that functions wait for their SinkBinding before they are made.
        host: The address that health and metrics are served on.
        port: The port for the same; 0 takes a free one.
        log_level: debug, info, warning or error.
        services_image: The image of PatternApp's own services.
        cluster_domain: The cluster's DNS domain.
        eventing_namespace: Where Eventing's data plane runs.
        retry_after: Whether Eventing's flag ``delivery-retryafter`` is on.
        authentication_oidc: Whether Eventing's flag ``authentication-oidc`` is on.
    """

    kubeconfig: str = ""
    identity: str
    namespace: str = "patternapp-system"
    lease: str = "patternapp-operator"
    namespaces: tuple[str, ...] = ()
    workers: int = 8
    resync: float = 600.0
    discovery: float = 10.0
    binding_patience: float = 30.0
    host: str = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus call the Pod's address
    port: int = 8080
    log_level: str = "info"
    services_image: str = capabilities.DEFAULT.services_image
    cluster_domain: str = capabilities.DEFAULT.cluster_domain
    eventing_namespace: str = capabilities.DEFAULT.eventing_namespace
    retry_after: bool = False
    authentication_oidc: bool = False

    def rendering(self) -> capabilities.Capabilities:
        """What is told about the cluster, as the renderer reads it; the server tells the rest."""
        return capabilities.Capabilities(
            services_image=self.services_image,
            cluster_domain=self.cluster_domain,
            eventing_namespace=self.eventing_namespace,
            retry_after=self.retry_after,
            authentication_oidc=self.authentication_oidc,
        )


def names(text: str) -> tuple[str, ...]:
    """Names of namespaces, separated by commas.

    Raises:
        ValueError: one is none; a pattern such as ``team-*`` is none either.
    """
    found = tuple(filter(None, (name.strip() for name in text.split(","))))
    if not all(re.fullmatch(formats.LABEL, name) for name in found):
        raise ValueError(text)
    return found


def switch(text: str) -> bool:
    """True or false.

    Raises:
        ValueError: neither.
    """
    words = {"true": True, "false": False}
    if text not in words:
        raise ValueError(text)
    return words[text]


_FLAGS: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("kubeconfig", str, "a kubeconfig file; inside a cluster none is needed"),
    ("identity", str, "the name of this replica (default: the host's and the process's)"),
    ("namespace", str, "where the Lease is"),
    ("lease", str, "the Lease's name"),
    ("namespaces", names, "the namespaces whose apps are kept, separated by commas; without any: all"),
    ("workers", int, "apps reconciled at a time"),
    ("resync", float, "seconds after which every app is looked at again"),
    ("discovery", float, "seconds after which the server is asked which kinds it serves"),
    ("binding-patience", float, "seconds that functions wait for their SinkBinding before they are made"),
    ("host", str, "the address that health and metrics are served on"),
    ("port", int, "the port for the same"),
    ("log-level", str, "debug, info, warning or error"),
    ("services-image", str, "the image of PatternApp's own services"),
    ("cluster-domain", str, "the cluster's DNS domain"),
    ("eventing-namespace", str, "where Knative Eventing's data plane runs"),
    ("retry-after", switch, "true where Eventing's flag delivery-retryafter is on"),
    ("authentication-oidc", switch, "true where Eventing's flag authentication-oidc is on"),
)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings of a command line; what it leaves out is taken from ``PATTERNAPP_<FLAG>``, then from the defaults.

    Raises:
        SystemExit: a flag is unknown or its value is wrong; the usage was printed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m patternapp_operator", description="Keeps the objects of every PatternApp in the cluster."
    )
    identity = f"{socket.gethostname()}-{os.getpid()}"
    defaults = Settings(identity=identity, kubeconfig=environment.get("KUBECONFIG", ""))
    for flag, kind, text in _FLAGS:
        name = flag.replace("-", "_")
        variable = f"PATTERNAPP_{name.upper()}"
        default = environment.get(variable) or getattr(defaults, name)
        # argparse converts a default only where it is text, as those of the environment are.
        parser.add_argument(f"--{flag}", type=kind, default=default, help=f"{text}; ${variable}")
    return Settings(**vars(parser.parse_args(arguments)))
