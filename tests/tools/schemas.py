"""JSON Schemas for kubeconform: of Kubernetes' kinds from its own OpenAPI, of others from their definitions.

What holds here: an object has no unknown field, but where its kind keeps what it does not know.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster import build as building
from cluster import definitions, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCATION = "{{.Group}}/{{.ResourceKind}}-{{.ResourceAPIVersion}}.json"
"""Where in a folder of schemas kubeconform finds that of a kind."""
_TYPED = "x-kubernetes-group-version-kind"
_EITHER: dict[str, Any] = {"type": ["integer", "string"]}
_WORDED = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _EITHER,
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["number", "string"]},
}
"""What is written in other ways than its OpenAPI says."""
_LOOSE = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
"""What a definition's schema is made of: some of its parts may be a boolean or a list instead."""


def openapi() -> Path:
    """Where Kubernetes' OpenAPI is, or will be."""
    return versions.cache() / f"kubernetes-openapi-{versions.read().kubernetes}.json"


def collect(place: Path) -> None:
    """Take Kubernetes' OpenAPI from its own module."""
    command = ("go", "mod", "download", "-json", f"k8s.io/kubernetes@v{versions.read().kubernetes}")
    answer = subprocess.run(command, cwd=place.parent, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise subprocess.CalledProcessError(answer.returncode, command, stderr=answer.stdout + answer.stderr)
    shutil.copyfile(Path(json.loads(answer.stdout)["Dir"]) / "api" / "openapi-spec" / "swagger.json", place)


def write(folder: Path) -> None:
    """Write the schemas of every kind of Kubernetes, of what apps become, and of the Prometheus operator."""
    for group, kind, version, schema in (*_kubernetes(folder), *_defined()):
        place = folder / (group or version) / f"{kind.lower()}-{version}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(schema))


def _kubernetes(folder: Path) -> Iterator[tuple[str, str, str, Any]]:
    """Group, kind, version and schema, which refers to one file with all of them."""
    known: dict[str, Any] = json.loads(openapi().read_text())["definitions"]
    strict = {name: _WORDED.get(name) or _of_openapi(name, schema) for name, schema in known.items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kubernetes.json").write_text(json.dumps({"definitions": strict}))
    for name, schema in known.items():
        for kind in schema.get(_TYPED, ()):
            reference = {"$ref": f"../kubernetes.json#/definitions/{name}"}
            yield kind["group"], kind["kind"], kind["version"], reference


def _of_openapi(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name.startswith(_LOOSE) and "JSON" in name:
        return {}
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return {**{key: value for key, value in schema.items() if key != "format"}, **closed}


def _defined() -> Iterator[tuple[str, str, str, Any]]:
    sources = (*definitions.SOURCES, definitions.PROMETHEUS)
    folders = [building.resource_definitions(source) for source in sources]
    foreign = [json.loads(file.read_text()) for folder in folders for file in sorted(folder.glob("*.json"))]
    for definition in (*foreign, *definitions.read(definitions.OWN)):
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = _of_definition(version["schema"]["openAPIV3Schema"])
            head = {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
            schema["properties"] = schema.get("properties", {}) | head
            yield spec["group"], spec["names"]["kind"], version["name"], schema


def _of_definition(schema: Any) -> Any:
    """A structural schema as a JSON Schema."""
    if isinstance(schema, list):
        return [_of_definition(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return _EITHER
    made = {key: _of_definition(value) for key, value in schema.items() if key not in {"format", "properties"}}
    if "properties" in schema:
        # The name of a property may be a keyword's.
        made["properties"] = {name: _of_definition(value) for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    if schema.get("nullable") and "type" in schema:
        made["type"] = [schema["type"], "null"]
    return made
