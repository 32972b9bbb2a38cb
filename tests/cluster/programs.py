"""The programs of a cluster that are built here, and the modules in which their libraries are pinned.

What holds here: one module has all that can be built with the same libraries, so that each of these is compiled once.
"""

from __future__ import annotations

from dataclasses import dataclass

TOGETHER = "cluster"
"""The folder of the module that has nearly all."""
ALONE = "kafka-source"
"""The folder of the module of what wants libraries of years ago."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program.

    Attributes:
        package: What `go build` is told.
        version: Which line of `versions.env` is its version.
        module: The folder of `modules` whose `go.mod` pins its libraries.
    """

    package: str
    version: str
    module: str = TOGETHER


@dataclass(frozen=True, slots=True)
class _Product:
    """Programs of one repository that are named alike."""

    prefix: str
    packages: str
    version: str
    commands: tuple[str, ...]
    module: str = TOGETHER

    def programs(self) -> dict[str, Program]:
        return {
            f"{self.prefix}{command.replace('/', '-')}": Program(f"{self.packages}{command}", self.version, self.module)
            for command in self.commands
        }


_KUBERNETES = _Product(
    "",
    "k8s.io/kubernetes/cmd/",
    "kubernetes",
    ("kube-apiserver", "kube-controller-manager", "kubectl", "kube-scheduler", "kube-proxy", "kubelet"),
)
_SERVING = _Product(
    "serving-",
    "knative.dev/serving/cmd/",
    "knative",
    ("activator", "autoscaler", "controller", "queue", "webhook"),
)
_EVENTING = _Product(
    "eventing-",
    "knative.dev/eventing/cmd/",
    "knative",
    (
        *("controller", "webhook", "jobsink", "mtping"),
        *("mtchannel_broker", "broker/ingress", "broker/filter"),
        *("in_memory/channel_controller", "in_memory/channel_dispatcher"),
    ),
)
_KAFKA_SOURCE = _Product(
    "eventing-kafka-",
    "knative.dev/eventing-kafka/cmd/",
    "eventing_kafka",
    ("source/mtcontroller", "source/mtreceive_adapter"),
    ALONE,
)
_KEDA = _Product("keda-", "github.com/kedacore/keda/v2/cmd/", "keda", ("operator", "adapter"))
_ETCD = {"etcd": Program("go.etcd.io/etcd/server/v3", "etcd")}
# Its whole set of plugins would take minutes; modules/cluster/coredns names those that it has here.
_COREDNS = {"coredns": Program("./coredns", "coredns")}

IMAGES = {
    **_COREDNS,
    **_SERVING.programs(),
    **_EVENTING.programs(),
    **_KAFKA_SOURCE.programs(),
    **_KEDA.programs(),
}
"""What runs in Pods. The name is that which Knative's manifests have for the package, with ``-`` for ``/``."""
PROGRAMS = {**_ETCD, **_KUBERNETES.programs(), **IMAGES}
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
"""What a test control plane needs."""
