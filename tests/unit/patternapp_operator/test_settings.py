from __future__ import annotations

import pytest

from patternapp_operator import settings


def test_a_flag_counts_before_the_environment_and_that_before_the_default() -> None:
    environment = {"PATTERNAPP_WORKERS": "3", "PATTERNAPP_LEASE": "theirs", "KUBECONFIG": "/k"}

    chosen = settings.parse(["--lease", "mine"], environment)

    assert (chosen.lease, chosen.workers, chosen.kubeconfig, chosen.port) == ("mine", 3, "/k", 8080)


def test_namespaces_are_separated_by_commas_and_none_means_all() -> None:
    chosen = settings.parse(["--namespaces", "team-a, team-b"], {})

    assert chosen.namespaces == ("team-a", "team-b")
    assert settings.parse([], {}).namespaces == ()


@pytest.mark.parametrize(
    ("flag", "value"), [("--namespaces", "team-*"), ("--namespaces", "Team"), ("--authentication-oidc", "maybe")]
)
def test_a_value_that_is_none_is_a_usage_error(flag: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        settings.parse([flag, value], {})

    assert caught.value.code == 2
    assert f"argument {flag}: invalid" in capsys.readouterr().err


def test_what_is_told_about_the_cluster_reaches_the_renderer() -> None:
    environment = {"PATTERNAPP_AUTHENTICATION_OIDC": "true", "PATTERNAPP_EVENTING_NAMESPACE": "eventing"}

    told = settings.parse(["--cluster-domain", "corp.local"], environment).rendering()

    assert (told.authentication_oidc, told.eventing_namespace, told.cluster_domain) == (True, "eventing", "corp.local")
