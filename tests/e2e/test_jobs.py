"""Schedules with `job: true` on the real cluster: PingSource, Broker, JobSink, and a Job that ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

import harness
import pytest
from e2e import books, jobs, kube

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.stack import state
    from e2e.books import Book

JOBS = "app.kubernetes.io/component=job,patternapp.dev/app={app}"
_APP = """
functions:
  - {{name: work, handler: "tally:jobs", env: {env}}}
schedules:
  - {{name: report, cron: "*/20 * * * * *", function: work, job: true, data: {data}, delivery: {{retry: 2}}}}
"""


class Run:
    """An app with one schedule, and what its Jobs wrote down."""

    def __init__(self, app: kube.App, book: Book) -> None:
        self.app, self.book = app, book

    def jobs(self, condition: str) -> list[kube.Object]:
        """Its Jobs that have ended so: Complete or Failed."""
        found = self.app.namespace.listed("Job", "batch/v1", selector=JOBS.format(app=self.app.name))
        return [job for job in found if _has(job, condition)]

    def pods(self, job: kube.Object) -> list[kube.Object]:
        """The Pods of a Job."""
        return self.app.namespace.pods(f"batch.kubernetes.io/job-name={job['metadata']['name']}")


def _has(item: kube.Object, condition: str) -> bool:
    conditions = item.get("status", {}).get("conditions", ())
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)


@pytest.fixture
def run(request: pytest.FixtureRequest, stack: state.Stack, namespace: kube.Namespace) -> Iterator[Run]:
    """The app of a test, whose schedule has the data that the test names."""
    name, data = request.param
    with books.opened(stack) as book:
        item = kube.manifest(name, _APP.format(env=book.env(), data=data), image="e2e")
        try:
            yield Run(namespace.app(item), book)
        finally:
            jobs.end(namespace, item)


def _with(name: str, data: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("run", [(name, data)], ids=[name], indirect=True)


@_with("good", "{}")
def test_a_schedule_runs_its_function_as_a_job_that_ends(run: Run) -> None:
    (job, *_) = harness.eventually(lambda: run.jobs("Complete"), within=kube.WITHIN)

    (pod,) = run.pods(job)
    assert pod["status"]["phase"] == "Succeeded"
    assert pod["spec"]["hostname"] in run.book.pods()


@_with("late", "{failures: 1}")
def test_a_job_that_fails_is_tried_again_until_it_goes_well(run: Run) -> None:
    (job, *_) = harness.eventually(lambda: run.jobs("Complete"), within=kube.WITHIN)

    phases = sorted(pod["status"]["phase"] for pod in run.pods(job))
    assert phases == ["Failed", "Succeeded"]
    assert run.app.dead() == []


@_with("refused", "{refused: true}")
def test_what_a_job_refuses_is_a_dead_letter_at_once(run: Run) -> None:
    (job, *_) = harness.eventually(lambda: run.jobs("Failed"), within=kube.WITHIN)

    assert len(run.pods(job)) == 1
    (letter, *_) = harness.eventually(run.app.dead, within=kube.WITHIN)
    assert letter["type"] == "dev.knative.sources.ping"
    assert run.book.names() == []


@_with("lost", "{failures: 9}")
def test_what_a_job_could_not_do_in_all_its_attempts_is_a_dead_letter(run: Run) -> None:
    (job, *_) = harness.eventually(lambda: run.jobs("Failed"), within=kube.WITHIN)

    assert len(run.pods(job)) == 3
    (letter, *_) = harness.eventually(run.app.dead, within=kube.WITHIN)
    assert letter["type"] == "dev.knative.sources.ping"
