"""Where a cluster that runs has its files, and what its programs are configured with.

What holds here: all of it lies in one folder, which is made with the cluster and, but for the logs, goes with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.stack import addresses, pki

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NODE = "node"
"""The node's name."""
BRIDGE = "cni0"
PAUSE = "localhost/pause:1"
"""The image that holds a Pod's namespaces."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of a cluster."""

    folder: Path

    @property
    def logs(self) -> Path:
        """One file a program, and a folder of those of Pods."""
        return self.folder / "logs"

    @property
    def data(self) -> Path:
        """What is thrown away when the cluster goes."""
        return self.folder / "data"

    @property
    def lock(self) -> Path:
        """Held as long as the node lives; it says the id of the process with which the node goes."""
        return self.folder / "lock"

    @property
    def containerd(self) -> Path:
        """The socket."""
        return self.data / "containerd.sock"

    @property
    def envoy(self) -> Path:
        """The files that Envoy reads."""
        return self.data / "envoy"

    @property
    def pki(self) -> pki.Files:
        return pki.Files(self.data / "pki")

    def kubeconfig(self, user: str) -> Path:
        """The access of one of `pki.CLIENTS`."""
        return self.data / f"{user}.kubeconfig"

    def configuration(self, program: str) -> Path:
        """The configuration of containerd, kubelet or kube-proxy."""
        return self.data / f"{program}.config"


def write(layout: Layout) -> None:
    """Write what the programs are configured with."""
    pki.make(layout.pki.folder)
    for user in pki.CLIENTS:
        layout.kubeconfig(user).write_text(json.dumps(_kubeconfig(layout.pki, user), indent=2))
    network = layout.data / "cni"
    network.mkdir()
    (network / "10-pods.conflist").write_text(json.dumps(_pod_network()))
    layout.configuration("containerd").write_text("\n".join(_containerd(layout)) + "\n")
    layout.configuration("kubelet").write_text(json.dumps(_kubelet(layout)))
    layout.configuration("kube-proxy").write_text(json.dumps(_kube_proxy(layout)))


def _kubeconfig(files: pki.Files, user: str) -> dict[str, Any]:
    server = f"https://{addresses.NODE}:{addresses.API_SERVER}"
    keys = {"client-certificate": str(files.certificate(user)), "client-key": str(files.key(user))}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": server, "certificate-authority": str(files.authority)}}],
        "users": [{"name": user, "user": keys}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": user}}],
        "current-context": "it",
    }


def _pod_network() -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "hairpinMode": True,
        # Whatever a Pod sends out of the bridge comes from the node: this machine knows no way to Pods but the node's.
        "ipMasq": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": addresses.PODS, "gateway": addresses.POD_GATEWAY}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}


def _containerd(layout: Layout) -> Iterator[str]:
    runtime = '[plugins."io.containerd.grpc.v1.cri"'
    yield "version = 2"
    yield f'root = "{layout.data}/containerd"'
    yield 'state = "/run/containerd"'
    yield "[grpc]"
    yield f'address = "{layout.containerd}"'
    yield f"{runtime}]"
    yield f'sandbox_image = "{PAUSE}"'
    # Without CAP_SYS_RESOURCE no process may be made less likely to be killed than its parent.
    yield "restrict_oom_score_adj = true"
    yield f"{runtime}.cni]"
    yield 'bin_dir = "/usr/lib/cni"'
    yield f'conf_dir = "{layout.data}/cni"'


def _kubelet(layout: Layout) -> dict[str, Any]:
    files = layout.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # Fine on machines with either version of cgroups.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": f"unix://{layout.containerd}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(files.authority)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(files.certificate("kubelet")),
        "tlsPrivateKeyFile": str(files.key("kubelet")),
        "clusterDNS": [addresses.DNS],
        "clusterDomain": "cluster.local",
        "failSwapOn": False,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,  # what is imported cannot be had again
        "maxPods": 200,
        "podLogsDir": str(layout.logs / "pods"),
        "volumePluginDir": str(layout.data / "volume-plugins"),
        # Its default of 50 requests a second would make tests wait for it.
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "registryPullQPS": 0,
    }


def _kube_proxy(layout: Layout) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig("kube-proxy"))},
        "mode": "iptables",
        # Who is not of this range, such as this machine, comes to Pods from the node's address.
        "clusterCIDR": addresses.PODS,
        "hostnameOverride": NODE,
        # These are of the whole machine.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "iptables": {"minSyncPeriod": "0.1s"},
    }
