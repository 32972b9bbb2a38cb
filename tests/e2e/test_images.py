"""The images, as Pods that may do nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import harness
import pytest
from e2e import images, kube

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED = ("operator", "services", "shop")
_LOOK = """
import importlib.util, json, os, pathlib, re, sys

needless = re.compile("/client/(models|api)/")
places = [pathlib.Path(place) for place in ("/opt", "/srv")]
sources = [file for place in places for file in place.rglob("*.py") if not needless.search(f"{file}")]
compiled = [file for file in sources if os.path.exists(importlib.util.cache_from_source(file))]
try:
    pathlib.Path(sys.prefix, "there").write_text("")
    writable = True
except OSError:
    writable = False
tools = [name for name in ("pip", "setuptools") if importlib.util.find_spec(name)]
print(json.dumps({
    "user": os.getuid(),
    "writable": writable,
    "tools": tools,
    "sources": len(sources),
    "interpreted": sorted(map(str, set(sources) - set(compiled))),
}))
"""
_CLOSED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture(scope="module", params=SHIPPED)
def looked(request: pytest.FixtureRequest, namespace: kube.Namespace) -> Iterator[dict[str, Any]]:
    """What a Pod of an image finds in it, and how it ended."""
    name: str = request.param
    image = {"image": images.reference(name), "imagePullPolicy": "Never", "securityContext": _CLOSED}
    containers = [
        {"name": "look", "command": ["python", "-c", _LOOK], **image},
        {"name": "start", "args": ["--help"], **image},
    ]
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": containers}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    namespace.apply(pod)

    def ended() -> str | None:
        phase = (namespace.get("Pod", name) or {}).get("status", {}).get("phase")
        return phase if phase in {"Succeeded", "Failed"} else None

    phase = harness.eventually(ended, within=kube.WITHIN)
    said = namespace.logs(name, "look")
    yield {"phase": phase, "help": namespace.logs(name, "start"), **json.loads(said)}
    namespace.delete(pod)


def test_an_image_starts_without_rights_on_a_root_that_is_read_only(looked: dict[str, Any]) -> None:
    assert looked["phase"] == "Succeeded"
    assert "usage:" in looked["help"].lower()
    assert not looked["writable"]


def test_an_image_runs_as_the_user_who_owns_nothing(looked: dict[str, Any]) -> None:
    assert looked["user"] == 65532


def test_an_image_has_the_bytecode_of_all_that_it_runs(looked: dict[str, Any]) -> None:
    assert looked["sources"] > 100
    assert looked["interpreted"] == []


def test_an_image_cannot_install_anything(looked: dict[str, Any]) -> None:
    assert looked["tools"] == []
