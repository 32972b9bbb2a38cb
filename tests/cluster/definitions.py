"""The CustomResourceDefinitions of the projects whose objects a PatternApp becomes, from their own modules.

What holds here: definitions are the projects' own but for conversion webhooks, which do not run here: an object is
judged by the schema of the version it is written in.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cluster import versions

if TYPE_CHECKING:
    from collections.abc import Iterator

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


SOURCES = (
    Source("knative-serving", "knative.dev/serving", "knative", "config/core/300-resources"),
    Source("knative-eventing", "knative.dev/eventing", "knative", "config/core/resources"),
    Source("kafka-source", "knative.dev/eventing-kafka", "eventing_kafka", "config/source"),
    Source("keda", "github.com/kedacore/keda/v2", "keda", "config/crd/bases"),
)
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
    """The definitions in a folder's files, without conversion webhooks."""
    for file in sorted(path for path in folder.rglob("*") if path.suffix in {".yaml", ".json"}):
        for document in yaml.safe_load_all(file.read_text()):
            if document and document.get("kind") == _KIND:
                document["spec"].pop("conversion", None)
                yield document
