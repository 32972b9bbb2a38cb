"""What people apply without Helm, before a real API server: installations, samples, and the steps of the kind scripts.

No controller of others runs, so nothing becomes ready; Strimzi's definitions are in no Go module, so its objects are
not judged.
"""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cluster import build

from patternapp.plan import compile as compiler
from patternapp.render import capabilities, objects
from patternapp.spec import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster import api, controlplane

ROOT = Path(__file__).parents[2]
INSTALLATIONS = ("manifests", *(f"manifests/overlays/{name}" for name in ("kind", "production", "namespaced")))
APPS = sorted([*(ROOT / "examples" / "patterns").glob("*/app.yaml"), ROOT / "examples" / "shop" / "app.yaml"])
STRIMZI = "kafka.strimzi.io/v1"
HERE = capabilities.Capabilities(kafka_source="v1beta1")
"""The one version of KafkaSource that the test control plane serves."""


def kubectl(*arguments: str | Path) -> list[dict[str, Any]]:
    """What kubectl prints as YAML."""
    done = subprocess.run([build.program("kubectl"), *arguments], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def complaints(server: api.Api, namespace: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """What the server has against objects, as if they were in a namespace that admits only restricted Pods."""
    for item in items:
        item["metadata"].pop("namespace", None)
    answers = {f"{item['kind']} {item['metadata']['name']}": server.judge(item, namespace=namespace) for item in items}
    return {name: answer.refusal or answer.warnings for name, answer in answers.items() if not clean(answer)}


def clean(answer: api.Answer) -> bool:
    return answer.refusal is None and not answer.warnings


@pytest.mark.parametrize("folder", INSTALLATIONS)
def test_the_server_takes_every_object_of_an_installation(folder: str, server: api.Api, namespace: str) -> None:
    items = kubectl("kustomize", ROOT / folder)

    assert complaints(server, namespace, items) == {}
    assert complaints(server, namespace, pods(items)) == {}


def pods(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A Pod for every Deployment. Accounts of Pods are made by a controller that does not run here."""
    made = []
    for item in items:
        if item["kind"] == "Deployment":
            spec = {
                **item["spec"]["template"]["spec"],
                "serviceAccountName": None,
                "automountServiceAccountToken": False,
            }
            made.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec})
    return made


@pytest.mark.parametrize("file", APPS, ids=lambda file: file.parent.name)
def test_the_server_takes_a_sample_and_all_that_it_becomes(file: Path, server: api.Api, namespace: str) -> None:
    made = objects.render(compiler.compile_app(load.load(file.read_text(), file=str(file))), HERE)

    assert complaints(server, namespace, [yaml.safe_load(file.read_text())]) == {}
    assert complaints(server, namespace, list(made)) == {}


def test_the_server_takes_what_the_kind_demo_applies(server: api.Api, namespace: str) -> None:
    items = kubectl("kustomize", ROOT / "kind" / "shop")

    assert {item["kind"] for item in items if item["apiVersion"] == STRIMZI} == {"KafkaTopic"}
    assert complaints(server, namespace, [item for item in items if item["apiVersion"] != STRIMZI]) == {}


@pytest.fixture
def kind(control_plane: controlplane.ControlPlane, tmp_path: Path) -> Kind:
    """The kind scripts, with the test control plane in the place of their cluster."""
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    (context,) = config["contexts"]
    context["name"] = config["current-context"] = "kind-patternapp"
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    (tmp_path / "kubectl").symlink_to(build.program("kubectl"))
    return Kind(tmp_path)


class Kind:
    """Runs steps of the scripts in `kind/`, with the folder's kubectl and kubeconfig."""

    def __init__(self, folder: Path) -> None:
        self._environment = {
            **os.environ,
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(folder / "config"),
            "WITHIN": "30",
        }

    def run(self, script: str, *steps: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The functions of a script, one after the other."""
        text = "\n".join(["set -euo pipefail", f"source kind/{script}", *steps])
        environment = {**self._environment, **more}
        command = ["bash", "-c", text]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def upstream(server: api.Api) -> Iterator[api.Api]:
    """The server with the namespaces, and a ConfigMap, that the releases of others bring."""
    names = [name for name in ("knative-serving", "kourier-system", "knative-eventing") if not there(server, name)]
    for name in names:
        server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).object()
    network = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-network"},
        "data": {"_example": "x"},
    }
    server.apply(network, namespace="knative-serving").object()
    yield server
    for name in names:
        server.delete(f"/api/v1/namespaces/{name}")


def there(server: api.Api, namespace: str) -> bool:
    return server.get(f"/api/v1/namespaces/{namespace}").refusal is None


def test_settings_are_merged_into_what_a_release_brought_and_survive_its_second_coming(
    kind: Kind, upstream: api.Api, tmp_path: Path
) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"_example": "new"}}
    placed = config | {"metadata": {"name": "config-network", "namespace": "knative-serving"}}
    (tmp_path / "release-1.0.yaml").write_text(yaml.safe_dump(placed))
    (tmp_path / "placeless-1.0.yaml").write_text(yaml.safe_dump(config | {"metadata": {"name": "placeless"}}))
    settings = "apply settings --filename kind/settings.yaml"

    done = kind.run(
        "up.sh",
        f"RELEASES={tmp_path}",
        *("install release-1.0", "install placeless-1.0 kourier-system", settings, "install release-1.0"),
    )

    assert done.returncode == 0, done.stderr
    assert upstream.get("/api/v1/namespaces/knative-serving/configmaps/config-network").object()["data"] == {
        "_example": "new",
        "ingress-class": "kourier.ingress.networking.knative.dev",
        "autocreate-cluster-domain-claims": "true",
    }
    assert upstream.get("/api/v1/namespaces/kourier-system/configmaps/placeless").refusal is None


def test_the_demo_makes_a_secret_once_and_signs_with_it_ever_after(kind: Kind, server: api.Api, namespace: str) -> None:
    steps = (f"NAMESPACE={namespace}", "secret", 'cat "$SCRATCH/secret"')

    first, second = kind.run("demo.sh", *steps), kind.run("demo.sh", *steps)

    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    held = server.get(f"/api/v1/namespaces/{namespace}/secrets/pay-hook").object()["data"]["secret"]
    printed = first.stdout.splitlines()[-1]
    assert base64.b64decode(held).decode() == printed == second.stdout
    assert len(base64.b64decode(printed.removeprefix("whsec_"))) == 32


def test_a_wait_ends_when_it_came_true_and_otherwise_says_what_did_not(kind: Kind) -> None:
    established = kind.run("lib.sh", "is Established customresourcedefinition patternapps.patternapp.dev")
    never = kind.run("lib.sh", "is Ready patternapp/none --namespace default", WITHIN="1")

    assert (established.returncode, never.returncode) == (0, 1)
    assert "There is no Ready of patternapp/none --namespace default after 1 s." in never.stderr
    assert '"none" not found' in never.stderr


def test_what_the_server_refuses_for_good_ends_the_script_with_its_words(kind: Kind, tmp_path: Path) -> None:
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Wrong"}, "data": {}}
    (tmp_path / "wrong-1.0.yaml").write_text(yaml.safe_dump(wrong))

    done = kind.run("up.sh", f"RELEASES={tmp_path}", "install wrong-1.0", "echo never")

    assert (done.returncode, done.stdout) == (1, "")
    assert 'The ConfigMap "Wrong" is invalid' in done.stderr
