"""The manifests of Knative, KafkaSource and KEDA from their own modules, fit for one small node without a registry.

What holds here: objects are the projects' own but for what `fit` says.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from cluster import build, definitions, programs, versions
from cluster.stack import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Object = dict[str, Any]
_LEFT_OUT = ("HorizontalPodAutoscaler", "PodDisruptionBudget")
"""One Pod of each is enough, and a drain is nothing that happens to the only node."""
_KO = re.compile(r"ko://[\w./-]+")
_RELEASED = {
    "ghcr.io/kedacore/keda:main": "keda-operator",
    "ghcr.io/kedacore/keda-metrics-apiserver:main": "keda-adapter",
}
"""Which programs are in images that manifests name as they are released."""
_CPU = "10m"
_MEMORY = "32Mi"
_SETTINGS = Path(__file__).with_name("settings.yaml")


@dataclass(frozen=True, slots=True)
class Source:
    """Where manifests are.

    Attributes:
        name: What they are kept as.
        version: Which line of `versions.env` says which they are.
        pinned: The folder of `modules` whose `go.mod` names the release.
        folders: Of modules, in the order in which they count: an object that comes again takes the place of the first.
        without: Objects that belong to what is not built here, by kind and name.
    """

    name: str
    version: str
    pinned: str
    folders: tuple[tuple[str, str], ...]
    without: frozenset[tuple[str, str]] = frozenset()

    def kept(self) -> Path:
        """The file of objects that is made once a version."""
        return versions.cache() / f"{self.name}-manifests-{getattr(versions.read(), self.version)}.json"


_EVENTING = "knative.dev/eventing"
_KAFKA = "knative.dev/eventing-kafka"
KNATIVE = (
    Source(
        "knative-serving",
        "knative",
        programs.TOGETHER,
        # The first two lie in Serving's own folder as symbolic links, which a module cannot have.
        (
            ("knative.dev/networking", "config"),
            ("knative.dev/caching", "config"),
            ("knative.dev/serving", "config/core"),
        ),
    ),
    Source(
        "knative-eventing",
        "knative",
        programs.TOGETHER,
        (
            (_EVENTING, "config/core"),
            (_EVENTING, "third_party/eventing-integrations-latest"),
            (_EVENTING, "config/channels/in-memory-channel"),
            (_EVENTING, "config/brokers/mt-channel-broker"),
        ),
        frozenset({("StatefulSet", "request-reply")}),
    ),
    Source(
        "kafka-source",
        "eventing_kafka",
        programs.ALONE,
        ((_KAFKA, "config/source/common"), (_KAFKA, "config/source/multi")),
    ),
)
KEDA = Source(
    "keda",
    "keda",
    programs.TOGETHER,
    (("github.com/kedacore/keda/v2", "config/default"),),
    frozenset(
        {("Deployment", "keda-admission"), ("ValidatingWebhookConfiguration", "keda-admission")},
    ),
)
SOURCES = (*KNATIVE, KEDA)


def collect() -> None:
    """Keep the objects of all modules, once a version; `kubectl` has to be built.

    Raises:
        cluster.build.NotBuiltError: there is no Go, or it refused.
    """
    for source in SOURCES:
        read = _kustomized if source is KEDA else _read
        build.once(source.kept(), functools.partial(_keep, source, read))


def objects() -> Iterator[Object]:
    """All objects, fit for the node."""
    settings = {item["metadata"]["name"]: item["data"] for item in yaml.safe_load_all(_SETTINGS.read_text())}
    for source in SOURCES:
        for item in json.loads(source.kept().read_text()):
            if (item["kind"], item["metadata"]["name"]) not in source.without and item["kind"] not in _LEFT_OUT:
                yield fit(item, settings)


def fit(item: Object, settings: dict[str, dict[str, str]]) -> Object:
    """An object whose images are those that are built here, whose Pods ask for little, and with settings merged in."""
    made: Object = _with_images(item)
    if made["kind"] == "ConfigMap" and made["metadata"]["name"] in settings:
        made["data"] = {**made.get("data", {}), **settings[made["metadata"]["name"]]}
    if made["kind"] in {"Deployment", "StatefulSet"}:
        for container in made["spec"]["template"]["spec"]["containers"]:
            container["resources"] = {"requests": {"cpu": _CPU, "memory": _MEMORY}}
            container["imagePullPolicy"] = "Never"
            # Who is ready is found out at once, not after the time that it may take elsewhere.
            container.get("readinessProbe", {}).pop("initialDelaySeconds", None)
            if container["image"] in _RELEASED:
                program = _RELEASED[container["image"]]
                container |= {"image": image(program), "command": [archive.entry(program)]}
    return made


def image(name: str) -> str:
    """The reference of a program's image; Serving does not ask a registry about those of `dev.local`."""
    return f"dev.local/{name}:{build.version(name)}"


def _with_images(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_images(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_images(one) for one in value]
    return _KO.sub(_image, value) if isinstance(value, str) else value


def _image(reference: re.Match[str]) -> str:
    name = reference[0].removeprefix("ko://").removeprefix("knative.dev/").replace("/cmd/", "-").replace("/", "-")
    # What is not built here is named all the same: nothing of it is used.
    return image(name) if name in programs.IMAGES else f"dev.local/{name}:not-built"


def _keep(source: Source, read: Callable[[Path], Iterable[Object]], place: Path) -> None:
    found: dict[tuple[str, str, str], Object] = {}
    for module, folder in source.folders:
        for item in read(directory(source.pinned, module) / folder):
            metadata = item["metadata"]
            found[item["kind"], metadata.get("namespace", ""), metadata["name"]] = item
    place.write_text(json.dumps(list(found.values())))


def directory(pinned: str, module: str) -> Path:
    """Where the release of a module is that one of ours pins.

    Raises:
        subprocess.CalledProcessError: Go does not get it.
    """
    command = ("go", "mod", "download", "-json", module)
    answer = subprocess.run(command, cwd=build.module(pinned), capture_output=True, text=True, check=False)
    if answer.returncode:
        raise subprocess.CalledProcessError(answer.returncode, command, stderr=answer.stdout + answer.stderr)
    return Path(json.loads(answer.stdout)["Dir"])


def _read(folder: Path) -> Iterator[Object]:
    for file in sorted(folder.rglob("*.yaml")):
        yield from definitions.documents(file.read_text())


def _kustomized(folder: Path) -> Iterator[Object]:
    command = (str(build.program("kubectl")), "kustomize", str(folder))
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise subprocess.CalledProcessError(answer.returncode, command, stderr=answer.stderr)
    yield from definitions.documents(answer.stdout)
