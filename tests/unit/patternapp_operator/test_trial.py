from __future__ import annotations

import pytest

from patternapp.cluster import desired, resources
from patternapp.render import capabilities
from patternapp_operator import needs, permissions, trial

CHOSEN = trial.Trial(namespace="here", name="patternapp-test", image="ghcr.io/acme/operator:1", timeout=1)


def test_its_app_becomes_no_kind_that_its_role_does_not_cover() -> None:
    app = trial.app(CHOSEN) | {"metadata": {"name": "patternapp-test-abcde", "namespace": "here", "uid": "1"}}

    made = desired.desired(app, capabilities.DEFAULT)

    kinds = {needs.resource(one.kind) for one in made.objects}
    creatable = {
        ".".join(filter(None, [plural, rule["apiGroups"][0]]))
        for rule in permissions.trial()
        if "create" in rule["verbs"]
        for plural in rule["resources"]
    }
    assert kinds
    assert kinds <= creatable - {needs.resource(resources.APP_KIND)}


def test_without_a_cluster_it_says_that_it_could_not_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    code = trial.main(["--namespace", "here", "--image", "i", "--kubeconfig", "/nowhere"])

    assert code == 3
    assert capsys.readouterr().err.startswith("it could not be tried: ")


def test_it_has_to_be_told_where(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        trial.main(["--image", "i"])

    assert caught.value.code == 2
    assert "--namespace" in capsys.readouterr().err
