"""What an app stands on is away, or is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import harness
import pytest
from e2e import books, jobs, kube, topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster import api
    from cluster.stack import state
    from e2e.books import Book

WITHIN = 300.0
_DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jobsinks.sinks.knative.dev"
_EVENTS = """
functions:
  - {{name: single, handler: "tally:singles", env: {env}}}
fanOut:
  - name: counted
    filters: [{{exact: {{type: e2e.counted}}}}]
    subscribers: [{{name: single, function: single}}]
"""
_JOBS = """
functions:
  - {{name: work, handler: "tally:jobs", env: {env}}}
schedules:
  - {{name: often, cron: "*/20 * * * * *", function: work, job: true, data: {{}}}}
"""


@pytest.fixture
def book(stack: state.Stack) -> Iterator[Book]:
    with books.opened(stack) as opened:
        yield opened


@pytest.fixture
def no_serving(stack: state.Stack, server: api.Api) -> Iterator[_Deployment]:
    """Serving without its controller."""
    controller = _Deployment(kube.Namespace(stack, server, "knative-serving"), "controller")
    controller.scale(0)
    yield controller
    controller.scale(1)


@pytest.fixture
def no_job_sink(server: api.Api) -> Iterator[_Definition]:
    """A cluster whose definition of JobSinks was taken away."""
    definition = _Definition(server, _DEFINITION)
    definition.take()
    yield definition
    definition.put_back()


def test_without_knative_s_controller_the_status_names_what_it_waits_for_and_it_heals(
    namespace: kube.Namespace, book: Book, no_serving: _Deployment
) -> None:
    item = kube.manifest("waiting", _EVENTS.format(env=book.env()), image="e2e")
    namespace.apply(item)
    app = kube.App(namespace, "waiting")
    harness.eventually(lambda: _named(app, "Service.serving.knative.dev waiting-single"), within=kube.WITHIN)
    assert not app.ready()

    no_serving.scale(1)

    harness.eventually(app.ready, within=WITHIN)
    assert app.broker.send(topics.COUNTED, {}, id_="1").status == 202
    harness.eventually(lambda: book.names() == ["1"], within=kube.WITHIN)


def test_an_app_that_came_before_a_definition_works_once_it_is_there(
    namespace: kube.Namespace, book: Book, no_job_sink: _Definition
) -> None:
    item = kube.manifest("early", _JOBS.format(env=book.env()), image="e2e")
    namespace.apply(item)
    app = kube.App(namespace, "early")
    harness.eventually(lambda: _named(app, "the cluster has no jobsinks.sinks.knative.dev"), within=kube.WITHIN)
    assert not app.ready()

    no_job_sink.put_back()

    harness.eventually(app.ready, within=WITHIN)
    harness.eventually(book.names, within=kube.WITHIN)
    jobs.end(namespace, item)


def _named(app: kube.App, text: str) -> bool:
    """Whether a condition of an app that is not True says a text."""
    conditions = app.live().get("status", {}).get("conditions", ())
    return any(text in one["message"] for one in conditions if one["status"] != "True")


class _Deployment:
    """A Deployment whose Pods can be sent away."""

    def __init__(self, namespace: kube.Namespace, name: str) -> None:
        self._namespace, self._name = namespace, name

    def scale(self, replicas: int) -> None:
        """Have so many Pods; returns when it is so."""
        path = f"{self._namespace.path('Deployment', 'apps/v1')}/{self._name}"
        self._namespace.server.merge(path, {"spec": {"replicas": replicas}}).object()
        harness.eventually(lambda: self._pods() == (replicas, replicas), within=kube.WITHIN)

    def _pods(self) -> tuple[int, int]:
        found = self._namespace.get("Deployment", self._name, "apps/v1") or {}
        status = found.get("status", {})
        return status.get("replicas", 0), status.get("availableReplicas", 0)


class _Definition:
    """A CustomResourceDefinition that can be taken away and put back as it was."""

    def __init__(self, server: api.Api, path: str) -> None:
        self._server, self._path = server, path
        self._kept: dict[str, Any] = server.get(path).object()

    def take(self) -> None:
        """Delete it, with all objects of its kind."""
        self._server.delete(self._path).object()
        harness.eventually(lambda: self._server.get(self._path).status == 404, within=kube.WITHIN)

    def put_back(self) -> None:
        """Make it again if it is not there; returns when it is served."""
        kept = {key: self._kept["metadata"].get(key, {}) for key in ("name", "labels", "annotations")}
        fresh = {**{key: self._kept[key] for key in ("apiVersion", "kind", "spec")}, "metadata": kept}
        if self._server.get(self._path).status == 404:
            self._server.create(fresh).object()
        harness.eventually(self._established, within=kube.WITHIN)

    def _established(self) -> bool:
        status = self._server.get(self._path).object().get("status", {})
        conditions = status.get("conditions") or ()  # null until the server has looked at it
        return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
