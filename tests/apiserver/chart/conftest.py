"""What the chart's tests on a server share: both Helms, and a server that does not know PatternApps yet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import harness
import pytest
from apiserver.chart import releases
from charts import helm as helms
from cluster import build as building
from cluster import definitions
from tools import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import api, controlplane


@pytest.fixture(params=helms.VERSIONS)
def helm(
    request: pytest.FixtureRequest, control_plane: controlplane.ControlPlane, tmp_path: Path
) -> Iterator[helms.Helm]:
    """Each Helm that the chart has to work with; its releases go again."""
    try:
        build.require()
    except building.NotBuiltError as problem:
        missing = str(problem)
    else:
        made = helms.Helm(request.param, tmp_path / "helm", control_plane.kubeconfig)
        yield made
        for one in json.loads(made.done("list", "--all-namespaces", "--output", "json")):
            made.done("uninstall", one["name"], "--namespace", one["namespace"])
        return
    pytest.fail(missing, pytrace=False)


@pytest.fixture
def fresh(server: api.Api) -> Iterator[api.Api]:
    """The server, without the definition of PatternApps; afterwards it has this tree's again, of no release."""
    releases.undefine(server)
    yield server
    releases.undefine(server)
    definitions.install(server)
    server.forget(releases.VERSION)
    harness.eventually(lambda: server.serves(releases.VERSION, "PatternApp"))


@pytest.fixture
def release(helm: helms.Helm, fresh: api.Api, namespace: str, tmp_path: Path) -> releases.Release:
    """A release that is not installed yet, in a fresh namespace that admits only restricted Pods."""
    return releases.Release(helm, fresh, namespace, tmp_path)


@pytest.fixture
def unmade(helm: helms.Helm, server: api.Api, namespace: str, tmp_path: Path) -> releases.Release:
    """A release that is never installed, on a server as all other tests have it."""
    return releases.Release(helm, server, namespace, tmp_path)
