"""A cluster where something is missing: the operator, or the user's rights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import harness
import pytest
import yaml
from apiserver.operator import rig

if TYPE_CHECKING:
    from apiserver.cli.conftest import Commands
    from cluster import api

LEASE = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "old"}}


def test_an_app_that_no_operator_has_seen_says_so_and_how_to_start_one(
    kubectl: rig.Kubectl, patternapp: Commands
) -> None:
    kubectl.apply(rig.APP)

    result = patternapp.run("status", "shop", "--lease", "default/nobody")

    assert result.code == 1
    assert result.out.startswith("? shop  NoStatus")
    assert "! the operator has not seen this change yet: the spec is at generation 1, it has seen none" in result.out
    assert (
        "! no operator seems to run: there is no Lease default/nobody; install it with: helm install patternapp "
        in result.out
    )
    assert "? Service.serving.knative.dev shop-orders  Absent" in result.out


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"holderIdentity": "one", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"},
            "no operator runs: one renewed the Lease {} last at 2026-01-01T00:00:00Z",
        ),
        (
            {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": "2026-01-01T00:00:00.000000Z"},
            "no operator runs: the last one gave the Lease {} back",
        ),
    ],
    ids=["it died", "it ended"],
)
def test_an_operator_that_ran_once_is_named(
    spec: dict[str, str], message: str, kubectl: rig.Kubectl, patternapp: Commands
) -> None:
    kubectl.apply(rig.APP)
    kubectl.server.apply(LEASE | {"spec": spec}, namespace=kubectl.namespace).object()
    lease = f"{kubectl.namespace}/old"

    result = patternapp.run("status", "shop", "--lease", lease)

    assert message.format(lease) in result.out


@pytest.fixture
def nobody(patternapp: Commands, server: api.Api) -> Commands:
    """The commands of a user without any rights."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}}
    server.create(account, namespace=patternapp.namespace).object()
    return as_user(patternapp, server.token(patternapp.namespace, "nobody"))


def as_user(patternapp: Commands, token: str) -> Commands:
    """The commands of the holder of a token."""
    config = yaml.safe_load(patternapp.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = patternapp.folder / "kubeconfig"
    path.write_text(json.dumps(config))
    patternapp.kubeconfig = path
    return patternapp


@pytest.mark.parametrize("command", [("status",), ("status", "shop"), ("graph", "--live", "shop")], ids=" ".join)
def test_a_user_without_rights_is_told_which_are_missing(command: tuple[str, ...], nobody: Commands) -> None:
    result = nobody.run(*command)

    assert (result.code, result.out) == (3, "")
    assert "patternapps.patternapp.dev" in result.err
    assert "is forbidden" in result.err
    assert result.err.count("\n") == 1


def test_a_user_without_rights_sees_no_difference(nobody: Commands) -> None:
    result = nobody.diff(rig.APP)

    assert (result.code, result.out) == (3, "")
    assert "is forbidden" in result.err


def test_a_user_who_may_only_read_is_told_what_the_server_would_refuse(nobody: Commands, server: api.Api) -> None:
    reading = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "readers"}}
    server.create(head | {"kind": "Role", "rules": [reading]}, namespace=nobody.namespace).object()
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "readers"}
    subjects = [{"kind": "ServiceAccount", "name": "nobody", "namespace": nobody.namespace}]
    binding = head | {"kind": "RoleBinding", "roleRef": reference, "subjects": subjects}
    server.create(binding, namespace=nobody.namespace).object()
    harness.eventually(lambda: nobody.run("status").code == 0)

    result = nobody.diff(rig.APP)

    assert result.code == 1
    assert "x PatternApp.patternapp.dev shop refused: " in result.out
    assert "x ConfigMap shop-dead-letters refused: " in result.out
    assert 'cannot patch resource "configmaps"' in result.out


def test_a_token_that_ran_out_is_said_to_have(patternapp: Commands) -> None:
    result = as_user(patternapp, "expired").run("status")

    assert (result.code, result.out) == (3, "")
    assert "does not know you (401); log in again: your certificate or token ran out" in result.err


def test_a_server_whose_certificate_is_not_trusted_is_told_with_the_mend(patternapp: Commands) -> None:
    config = yaml.safe_load(patternapp.kubeconfig.read_text())
    config["clusters"][0]["cluster"] = {"server": config["clusters"][0]["cluster"]["server"]}
    path = patternapp.folder / "kubeconfig"
    path.write_text(json.dumps(config))

    result = patternapp.run("status", "--kubeconfig", str(path))

    assert (result.code, result.out) == (3, "")
    assert "shows a certificate that is not trusted: " in result.err
    assert "renew it, or the authority in your kubeconfig" in result.err
