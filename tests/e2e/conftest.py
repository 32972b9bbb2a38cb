"""What tests on the real cluster share. They fail, and never are left out, where there is none."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cluster import api
from cluster.stack import state
from e2e import install, kube

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

HERE = Path(__file__).parent
TIMEOUT = 900
"""Seconds after which a test hangs; every wait in it ends long before."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failure what there is to see in the namespaces of the test."""
    report = yield
    if report.failed and HERE in item.path.parents:
        for name, told in _seen(getattr(item, "funcargs", {})).items():
            report.sections.append((f"namespace {name}", told))
    return report


def _seen(arguments: dict[str, Any]) -> dict[str, str]:
    apps = [one.namespace for one in arguments.values() if isinstance(one, kube.App)]
    spaces = [one for one in arguments.values() if isinstance(one, kube.Namespace)]
    told = {}
    for namespace in (*apps, *spaces):
        try:
            told[namespace.name] = namespace.told()
        except Exception as problem:  # noqa: BLE001 - the test's own failure is what has to be seen
            told[namespace.name] = f"it cannot be told: {problem!r}"
    return told


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[state.Stack]:
    """The cluster of `make cluster-up`; its kubectl is what programs find."""
    try:
        found = state.read()
    except state.NotUpError as problem:
        pytest.fail(f"{problem}", pytrace=False)
    folder = tmp_path_factory.mktemp("bin")
    (folder / "kubectl").symlink_to(found.kubectl)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield found


@pytest.fixture(scope="session")
def server(stack: state.Stack) -> Iterator[api.Api]:
    """A client of its API server that may do everything."""
    with contextlib.closing(api.Api(api.access(stack.kubeconfig))) as client:
        yield client


@pytest.fixture(scope="session")
def shop(stack: state.Stack, server: api.Api) -> kube.App:
    """The shop that `python -m e2e.install` has installed."""
    app = kube.App(kube.Namespace(stack, server, install.SHOP), install.SHOP)
    if not server.serves(app.version, "PatternApp") or not app.ready():
        pytest.fail("the shop is not on the cluster: run `python -m e2e.install` in tests/", pytrace=False)
    return app


@pytest.fixture(scope="module")
def namespace(stack: state.Stack, server: api.Api) -> Iterator[kube.Namespace]:
    """A namespace of the module's own, which admits only restricted Pods."""
    made = kube.make(stack, server)
    yield made
    kube.remove(made)
