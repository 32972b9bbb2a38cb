"""The command lines of the node's programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cluster import build
from cluster.stack import addresses, envoy_program, layout, pki

if TYPE_CHECKING:
    from collections.abc import Iterator

Command = tuple[str, ...]
_ETCD = f"http://127.0.0.1:{addresses.ETCD}"


def first(place: layout.Layout) -> Iterator[tuple[str, Command]]:
    """What needs nothing else, or waits for it by itself."""
    yield "containerd", ("containerd", "--config", str(place.configuration("containerd")))
    yield "etcd", (_built("etcd"), *_etcd(place))
    yield "kube-apiserver", (_built("kube-apiserver"), *_api_server(place))
    yield "redis", _redis(place)
    yield "envoy", (str(envoy_program.path()), *_envoy(place))


def second(place: layout.Layout) -> Iterator[tuple[str, Command]]:
    """What ends where no API server answers."""
    yield "kube-controller-manager", (_built("kube-controller-manager"), *_controller_manager(place))
    yield "kube-scheduler", (_built("kube-scheduler"), *_scheduler(place))
    yield "kubelet", (_built("kubelet"), *_kubelet(place))
    yield "kube-proxy", (_built("kube-proxy"), f"--config={place.configuration('kube-proxy')}")
    admin = str(place.kubeconfig("admin"))
    yield "ingress", (sys.executable, "-m", "cluster.stack.ingress", admin, str(place.envoy))


def _built(name: str) -> str:
    return str(build.program(name))


def _etcd(place: layout.Layout) -> Iterator[str]:
    yield f"--data-dir={place.data / 'etcd'}"
    yield f"--listen-client-urls={_ETCD}"
    yield f"--advertise-client-urls={_ETCD}"
    yield "--listen-peer-urls=http://127.0.0.1:0"
    yield "--unsafe-no-fsync"


def _api_server(place: layout.Layout) -> Iterator[str]:
    files = place.pki
    yield f"--etcd-servers={_ETCD}"
    yield f"--advertise-address={addresses.NODE}"
    yield f"--secure-port={addresses.API_SERVER}"
    yield f"--service-cluster-ip-range={addresses.SERVICES}"
    yield f"--tls-cert-file={files.certificate('kube-apiserver')}"
    yield f"--tls-private-key-file={files.key('kube-apiserver')}"
    yield f"--client-ca-file={files.authority}"
    yield "--authorization-mode=Node,RBAC"
    yield "--allow-privileged"
    yield f"--service-account-key-file={files.accounts_key}"
    yield f"--service-account-signing-key-file={files.accounts_key}"
    yield "--service-account-issuer=https://kubernetes.default.svc"
    yield f"--kubelet-client-certificate={files.certificate('admin')}"
    yield f"--kubelet-client-key={files.key('admin')}"
    yield "--kubelet-preferred-address-types=InternalIP"
    yield from _aggregation(files)


def _aggregation(files: pki.Files) -> Iterator[str]:
    """How the servers of aggregated APIs, such as KEDA's, know that it is this server that asks, and for whom."""
    yield f"--requestheader-client-ca-file={files.authority}"
    # The same authority signs everybody: without names anyone of the cluster could ask for anyone.
    yield "--requestheader-allowed-names=front-proxy"
    yield "--requestheader-username-headers=X-Remote-User"
    yield "--requestheader-group-headers=X-Remote-Group"
    yield "--requestheader-extra-headers-prefix=X-Remote-Extra-"
    yield f"--proxy-client-cert-file={files.certificate('front-proxy')}"
    yield f"--proxy-client-key-file={files.key('front-proxy')}"
    yield "--enable-aggregator-routing"


def _controller_manager(place: layout.Layout) -> Iterator[str]:
    files = place.pki
    kubeconfig = place.kubeconfig("kube-controller-manager")
    # The last two ask what a request's own kubeconfig may: its health and metrics.
    for option in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"):
        yield f"--{option}={kubeconfig}"
    yield "--bind-address=127.0.0.1"
    yield f"--service-account-private-key-file={files.accounts_key}"
    yield f"--root-ca-file={files.authority}"
    yield "--use-service-account-credentials"
    yield f"--cluster-signing-cert-file={files.authority}"
    yield f"--cluster-signing-key-file={files.authority_key}"
    yield "--controllers=*,-nodeipam"
    yield "--leader-elect=false"
    yield "--kube-api-qps=200"
    yield "--kube-api-burst=400"
    # How soon a HorizontalPodAutoscaler goes down is what tests of scaling wait for: 300 s unless said.
    yield "--horizontal-pod-autoscaler-sync-period=5s"


def _scheduler(place: layout.Layout) -> Iterator[str]:
    kubeconfig = place.kubeconfig("kube-scheduler")
    for option in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"):
        yield f"--{option}={kubeconfig}"
    yield "--bind-address=127.0.0.1"
    yield "--leader-elect=false"


def _kubelet(place: layout.Layout) -> Iterator[str]:
    yield f"--config={place.configuration('kubelet')}"
    yield f"--kubeconfig={place.kubeconfig('kubelet')}"
    yield f"--hostname-override={layout.NODE}"
    yield f"--node-ip={addresses.NODE}"
    yield f"--root-dir={place.data / 'kubelet'}"


def _redis(place: layout.Layout) -> Command:
    options = {
        "bind": f"127.0.0.1 {addresses.NODE}",
        "port": str(addresses.REDIS),
        # Only the cluster and this machine reach it.
        "protected-mode": "no",
        "dir": str(place.data),
        "save": "",
        "appendonly": "no",
    }
    return ("redis-server", *(word for name, value in options.items() for word in (f"--{name}", value)))


def _envoy(place: layout.Layout) -> Iterator[str]:
    yield "--config-path"
    yield str(place.envoy / "bootstrap.json")
    yield from ("--log-level", "warning", "--concurrency", "2")
