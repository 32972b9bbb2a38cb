from __future__ import annotations

from patternapp_operator import settings


def test_a_flag_counts_before_the_environment_and_that_before_the_default() -> None:
    environment = {"PATTERNAPP_WORKERS": "3", "PATTERNAPP_LEASE": "theirs", "KUBECONFIG": "/k"}

    chosen = settings.parse(["--lease", "mine"], environment)

    assert (chosen.lease, chosen.workers, chosen.kubeconfig, chosen.port) == ("mine", 3, "/k", 8080)
