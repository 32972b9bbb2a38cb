"""The chart of an earlier commit is upgraded to that of this tree while events flow through an app."""

from __future__ import annotations

import io
import subprocess
import tarfile
from typing import TYPE_CHECKING

import harness
import pytest
from cluster import versions
from e2e import books, floods, install, kube, topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import api
    from cluster.stack import state
    from e2e.books import Book
    from e2e.topics import Topic

WITHIN = 300.0
EVENTS = 100
"""Accepted events of which a phase of the flow is certain to have some."""
_CHART = "charts/patternapp"
_SPEC = """
functions:
  - {{name: single, handler: "tally:singles", env: {singles}, scale: {{min: 1}}}}
  - {{name: batches, handler: "tally:batches", env: {batches}}}
fanOut:
  - name: counted
    filters: [{{prefix: {{type: e2e}}}}]
    subscribers: [{{name: single, function: single}}]
queues:
  - name: counted
    filters: [{{prefix: {{type: e2e}}}}]
    kafka: {{bootstrapServers: ["{kafka}"], topic: {topic}}}
    function: batches
    scale: {{min: 1, max: 1, lag: 1000}}
"""


@pytest.fixture(scope="module")
def ends(stack: state.Stack) -> Iterator[tuple[Book, Book]]:
    """What was written down at the ends of both ways that an event goes: through a Trigger, and through a queue."""
    with books.opened(stack) as singles, books.opened(stack) as batches:
        yield singles, batches


@pytest.fixture(scope="module")
def topic(stack: state.Stack) -> Iterator[Topic]:
    with topics.made(stack, partitions=1) as made:
        yield made


@pytest.fixture(scope="module")
def before(stack: state.Stack, server: api.Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The operator by the chart of an earlier commit; by that of this tree in the end."""
    kube.make(stack, server, name=install.SYSTEM)
    install.operator(stack, server, chart=_earlier(tmp_path_factory.mktemp("earlier")))
    yield
    install.operator(stack, server)


@pytest.fixture(scope="module")
def app(
    before: None,  # noqa: ARG001 - that operator makes the app
    namespace: kube.Namespace,
    ends: tuple[Book, Book],
    topic: Topic,
) -> Iterator[kube.App]:
    singles, batches = ends
    told = {"singles": singles.env(), "batches": batches.env(), "kafka": namespace.stack.kafka, "topic": topic.name}
    item = kube.manifest("flow", _SPEC.format(**told), image="e2e")
    yield namespace.app(item)
    namespace.delete(item)


def test_an_upgrade_of_the_chart_loses_no_event_and_restarts_no_pod_of_an_app(
    stack: state.Stack, server: api.Api, app: kube.App, ends: tuple[Book, Book]
) -> None:
    with floods.flowing(app.broker, topics.COUNTED) as flow:
        harness.eventually(lambda: len(flow.accepted) > EVENTS, within=kube.WITHIN)
        pods = _pods(app)
        install.operator(stack, server)
        harness.eventually(app.ready, within=WITHIN)
        upgraded = len(flow.accepted)
        harness.eventually(lambda: len(flow.accepted) > upgraded + EVENTS, within=kube.WITHIN)

    assert flow.refused == 0
    harness.eventually(lambda: all({*book.names()} >= {*flow.accepted} for book in ends), within=WITHIN)
    assert app.dead() == []
    assert _pods(app) == pods


def _pods(app: kube.App) -> dict[str, int]:
    """How often the containers of each Pod were restarted."""
    return {
        pod["metadata"]["uid"]: sum(one["restartCount"] for one in pod["status"].get("containerStatuses", ()))
        for pod in app.namespace.pods()
    }


def _earlier(folder: Path) -> Path:
    """The newest chart of a commit that differs from the tree's, or the oldest there is."""
    commits = _git("rev-list", "HEAD", "--", _CHART).decode().split()
    differing = (commit for commit in commits if _git("diff", "--name-only", commit, "--", _CHART))
    with tarfile.open(fileobj=io.BytesIO(_git("archive", next(differing, commits[-1]), _CHART))) as archive:
        archive.extractall(folder, filter="data")
    return folder / _CHART


def _git(*arguments: str) -> bytes:
    return subprocess.run(("git", *arguments), cwd=versions.ROOT, check=True, capture_output=True).stdout
