"""What Envoy is told: Knative's Ingress objects as its own resources, as Kourier would say it.

What holds here:

* Two listeners: one for what the world may call, one for what only the cluster may. A host is behind one of them.
* A request goes to the Pods of a Service, not to its address: Envoy spreads requests, not connections.
* Nothing is read or written here. Objects come in as the API server has them, resources go out as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.stack import addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Object = dict[str, Any]
_TYPES = "type.googleapis.com/envoy"
_VISIBILITIES = {
    "ExternalIP": ("external", addresses.INGRESS),
    "ClusterLocal": ("internal", addresses.INTERNAL_INGRESS),
}
"""What a rule says of who may call, the listener for them, and its port."""
_SERVICE_LABEL = "kubernetes.io/service-name"
_CONNECT_WITHIN = "5s"


@dataclass(frozen=True, slots=True)
class Backend:
    """A port of a Service, by number or name."""

    namespace: str
    service: str
    port: str

    @property
    def name(self) -> str:
        return f"{self.namespace}.{self.service}.{self.port}"

    @property
    def file(self) -> str:
        return f"endpoints.{self.name}"


@dataclass(frozen=True, slots=True)
class Known:
    """The objects that routes hang on, by ``(namespace, name)``."""

    ingresses: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    services: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    slices: Mapping[tuple[str, str], Object] = field(default_factory=dict)


VERSIONS = {
    "clusters": "cluster_manager.cds.version_text",
    "listeners": "listener_manager.lds.version_text",
    **{f"routes.{name}": f"http.{name}.rds.{name}.version_text" for name, _ in _VISIBILITIES.values()},
}
"""Which of Envoy's statistics names the version of a file that it works by. Those of endpoints have none."""


def bootstrap(folder: Path) -> Object:
    """The file that Envoy is started with: where it finds the others, by the names of `resources`."""
    return {
        "node": {"id": "node", "cluster": "node"},
        "admin": {"address": _address("127.0.0.1", addresses.ENVOY_ADMIN)},
        "dynamic_resources": {"lds_config": _file(folder, "listeners"), "cds_config": _file(folder, "clusters")},
    }


def resources(known: Known, folder: Path) -> dict[str, list[Object]]:
    """Every file that Envoy reads, by name, in the order in which they have to be there.

    Of routes and of endpoints it takes no more than one resource a file.
    """
    backends = {backend.name: backend for ingress in known.ingresses.values() for backend in _backends(ingress)}
    return {
        **{backend.file: [_endpoints(backend, known)] for backend in backends.values()},
        "clusters": [_cluster(backend, folder) for backend in backends.values()],
        **{f"routes.{listener}": [_routes(visibility, known)] for visibility, (listener, _) in _VISIBILITIES.items()},
        "listeners": [_listener(name, port, folder) for name, port in _VISIBILITIES.values()],
    }


def _backends(ingress: Object) -> Iterator[Backend]:
    for rule in ingress["spec"].get("rules", ()):
        for path in rule["http"]["paths"]:
            yield from map(_backend, path["splits"])


def _backend(split: Object) -> Backend:
    return Backend(split["serviceNamespace"], split["serviceName"], str(split["servicePort"]))


def _routes(visibility: str, known: Known) -> Object:
    """One virtual host a rule; of a host that two ingresses claim, the first by name has it."""
    hosts: list[Object] = []
    taken: set[str] = set()
    for (namespace, name), ingress in sorted(known.ingresses.items()):
        for number, rule in enumerate(ingress["spec"].get("rules", ())):
            free = [host for host in rule["hosts"] if host not in taken]
            if rule.get("visibility", "ExternalIP") == visibility and free:
                taken.update(free)
                hosts.append(_virtual_host(f"{namespace}/{name}/{number}", free, rule["http"]["paths"]))
    listener, _ = _VISIBILITIES[visibility]
    return {
        "@type": f"{_TYPES}.config.route.v3.RouteConfiguration",
        "name": listener,
        "virtual_hosts": hosts,
        "ignore_port_in_host_matching": True,
    }


def _virtual_host(name: str, hosts: list[str], paths: Iterable[Object]) -> Object:
    # Envoy takes the first route that matches: the one that asks for more has to come first.
    ordered = sorted(paths, key=lambda path: (len(path.get("headers", ())), len(path.get("path", ""))), reverse=True)
    return {"name": name, "domains": hosts, "routes": [_route(path) for path in ordered]}


def _route(path: Object) -> Object:
    headers = [
        {"name": name, "string_match": {"exact": wanted["exact"]}} for name, wanted in path.get("headers", {}).items()
    ]
    splits = [
        {
            "name": _backend(split).name,
            "weight": split.get("percent", 100),
            "request_headers_to_add": _added(split.get("appendHeaders", {})),
        }
        for split in path["splits"]
    ]
    rewritten = {"host_rewrite_literal": path["rewriteHost"]} if "rewriteHost" in path else {}
    return {
        "match": {"prefix": path.get("path") or "/", "headers": headers},
        "route": {
            "weighted_clusters": {"clusters": splits},
            "timeout": "0s",
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            **rewritten,
        },
        "request_headers_to_add": _added(path.get("appendHeaders", {})),
    }


def _added(headers: Mapping[str, str]) -> list[Object]:
    return [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for key, value in headers.items()
    ]


def _endpoints(backend: Backend, known: Known) -> Object:
    ends = sorted(set(_ends(backend, known)))
    return {
        "@type": f"{_TYPES}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": backend.name,
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(*end)}} for end in ends]}],
    }


def _ends(backend: Backend, known: Known) -> Iterator[tuple[str, int]]:
    """Addresses and ports of what is ready behind a port of a Service."""
    service = known.services.get((backend.namespace, backend.service))
    if service is None:
        return
    if service["spec"].get("type") == "ExternalName":
        # Serving makes such Services for the hosts of its own routes only, and their way is the internal listener.
        yield addresses.NODE, addresses.INTERNAL_INGRESS
        return
    names = {port.get("name", "") for port in service["spec"]["ports"] if backend.port in _called(port)}
    for (namespace, _), one in known.slices.items():
        if namespace != backend.namespace or one["metadata"].get("labels", {}).get(_SERVICE_LABEL) != backend.service:
            continue
        ports = [port["port"] for port in one.get("ports") or () if (port.get("name") or "") in names]
        for endpoint in one.get("endpoints") or ():
            if endpoint.get("conditions", {}).get("ready", True):
                yield from ((address, port) for address in endpoint["addresses"] for port in ports)


def _called(port: Object) -> tuple[str, ...]:
    return str(port["port"]), port.get("name", "")


def _cluster(backend: Backend, folder: Path) -> Object:
    return {
        "@type": f"{_TYPES}.config.cluster.v3.Cluster",
        "name": backend.name,
        "type": "EDS",
        "connect_timeout": _CONNECT_WITHIN,
        "eds_cluster_config": {"eds_config": _file(folder, backend.file)},
        # Serving has no limits here: a queue-proxy has them.
        "circuit_breakers": {
            "thresholds": [
                dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), 1_000_000)
            ]
        },
    }


def _listener(name: str, port: int, folder: Path) -> Object:
    manager = {
        "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "stream_idle_timeout": "0s",
        "rds": {"route_config_name": name, "config_source": _file(folder, f"routes.{name}")},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"}}
        ],
    }
    return {
        "@type": f"{_TYPES}.config.listener.v3.Listener",
        "name": name,
        "address": _address("0.0.0.0", port),  # noqa: S104 - of the node's own network namespace
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _address(host: str, port: int) -> Object:
    return {"socket_address": {"address": host, "port_value": port}}


def _file(folder: Path, name: str) -> Object:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(folder / f"{name}.json")}}
