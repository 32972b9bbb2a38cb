"""The CustomResourceDefinitions of the projects whose objects a PatternApp becomes, from their own modules.

What holds here: definitions are the projects' own but for conversion webhooks, which do not run here: an object is
judged by the schema of the version it is written in.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from cluster import versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster import api

_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SERVED_WITHIN = 30.0
_LOOK_EVERY = 0.02
_LOADER: Any = type("Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
_LOADER.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_scalar)  # a bare `=`, which PyYAML refuses
_KIND = "CustomResourceDefinition"


@dataclass(frozen=True, slots=True)
class Source:
    """A module that has definitions.

    Attributes:
        name: What they are kept as.
        module: The Go module.
        line: Which line of `versions.env` is its version.
        folder: Where in the module they lie. What is a symbolic link there is missing from the module.
    """

    name: str
    module: str
    line: str
    folder: str

    def version(self, known: versions.Versions) -> str:
        """The version of the module."""
        found: str = getattr(known, self.line)
        return found

    def kept(self, known: versions.Versions) -> str:
        """The name of the folder that holds them."""
        return f"{self.name}-crds-{self.version(known)}"


SOURCES = (
    Source("knative-serving", "knative.dev/serving", "knative", "config/core/300-resources"),
    Source("knative-eventing", "knative.dev/eventing", "knative", "config/core/resources"),
    Source("kafka-source", "knative.dev/eventing-kafka", "eventing_kafka", "config/source"),
    Source("keda", "github.com/kedacore/keda/v2", "keda", "config/crd/bases"),
)
KRO = Source("kro", "github.com/kubernetes-sigs/kro", "kro", "helm/crds")
"""What a benchmark is measured against; a server has it only if that asks."""
PROMETHEUS = Source(
    "prometheus-operator",
    "github.com/prometheus-operator/prometheus-operator",
    "prometheus_operator",
    "example/prometheus-operator-crd",
)
"""What the chart's monitors and alerts are judged by; no server has it."""
OWN = versions.ROOT / "manifests" / "crd"


def collect(source: Source, place: Path) -> None:
    """Write a module's definitions into a new folder, one file each."""
    module = f"{source.module}@v{source.version(versions.read())}"
    command = ("go", "mod", "download", "-json", module)
    answer = subprocess.run(command, cwd=place.parent, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise subprocess.CalledProcessError(answer.returncode, command, stderr=answer.stdout + answer.stderr)
    place.mkdir()
    for definition in read(Path(json.loads(answer.stdout)["Dir"]) / source.folder):
        (place / f"{definition['metadata']['name']}.json").write_text(json.dumps(definition))


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The definitions in a folder's YAML files, without conversion webhooks."""
    for file in sorted(folder.rglob("*.yaml")):
        for document in documents(file.read_text()):
            if document.get("kind") == _KIND:
                document["spec"].pop("conversion", None)
                yield document


def documents(text: str) -> Iterator[dict[str, Any]]:
    """The objects of a text of YAML."""
    yield from filter(None, yaml.load_all(text, Loader=_LOADER))


def install(server: api.Api) -> None:
    """Give a server the definitions that it has not, and this tree's own; they are served afterwards."""
    there = {item["metadata"]["name"] for item in server.get(_PATH).object()["items"]}
    kept = (versions.cache() / source.kept(versions.read()) for source in SOURCES)
    foreign = [json.loads(file.read_text()) for folder in kept for file in sorted(folder.glob("*.json"))]
    own = list(read(OWN))
    fresh = [item for item in foreign if item["metadata"]["name"] not in there]
    for definition in fresh:
        server.create(definition).object()
    for definition in own:
        server.apply(definition).object()
    deadline = time.monotonic() + _SERVED_WITHIN
    for definition in (*fresh, *own):
        while not _established(server, definition["metadata"]["name"]):
            assert time.monotonic() < deadline, f"{definition['metadata']['name']} is not established"
            time.sleep(_LOOK_EVERY)


def conditions(server: api.Api, name: str) -> dict[str, str]:
    """The status of each condition of a definition, by type."""
    status = server.get(f"{_PATH}/{name}").object().get("status", {})
    return {condition["type"]: condition["status"] for condition in status.get("conditions") or ()}


def _established(server: api.Api, name: str) -> bool:
    return conditions(server, name).get("Established") == "True"
