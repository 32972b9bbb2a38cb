from __future__ import annotations

from typing import Any

from patternapp import delivery

SCHEDULE = {"name": "report", "cron": "@yearly", "function": "orders", "job": True, "delivery": {"retry": 2}}


def job_of(made: Any) -> dict[str, Any]:
    job: dict[str, Any] = made(schedules=[SCHEDULE])["JobSink", "shop-schedule-report"]["spec"]["job"]
    return job


def test_a_job_runs_its_function_once_on_the_event_that_the_job_sink_mounts(made: Any) -> None:
    (container,) = job_of(made)["spec"]["template"]["spec"]["containers"]

    assert container["command"] == ["patternapp", "serve", "shop.orders:app", "--event", "/etc/jobsink-event/event"]


def test_a_program_finds_the_event_by_itself(made: Any) -> None:
    program = {"name": "orders", "command": ["./orders"]}

    sink = made(functions=[program], schedules=[SCHEDULE])["JobSink", "shop-schedule-report"]

    (container,) = sink["spec"]["job"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["./orders"]


def test_a_job_tries_again_as_often_as_its_delivery_says(made: Any) -> None:
    spec = job_of(made)["spec"]

    assert (spec["backoffLimitPerIndex"], spec["completions"]) == (2, 1)


def test_a_job_does_not_try_a_refused_event_again_and_does_not_count_disruptions(made: Any) -> None:
    disrupted, refused = job_of(made)["spec"]["podFailurePolicy"]["rules"]

    assert (disrupted["action"], disrupted["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
    assert (refused["action"], refused["onExitCodes"]["values"]) == ("FailJob", [delivery.EXIT_REFUSED])
    assert refused["onExitCodes"]["containerName"] == "function"


def test_a_job_learns_the_address_of_the_broker_by_its_labels(made: Any) -> None:
    items = made(schedules=[SCHEDULE])

    subject = items["SinkBinding", "shop-jobs"]["spec"]["subject"]
    assert (subject["apiVersion"], subject["kind"]) == ("batch/v1", "Job")
    labels = items["JobSink", "shop-schedule-report"]["spec"]["job"]["metadata"]["labels"]
    assert subject["selector"]["matchLabels"].items() <= labels.items()


def test_without_jobs_nothing_is_bound_to_any(made: Any) -> None:
    assert ("SinkBinding", "shop-jobs") not in made(schedules=[SCHEDULE | {"job": False}])


def test_a_job_knows_its_last_attempt_and_where_its_dead_letters_go(made: Any) -> None:
    (container,) = job_of(made)["spec"]["template"]["spec"]["containers"]

    told = {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container["env"]}
    assert told["PATTERNAPP_DEAD_LETTER"] == "http://shop-dead-letters.$(PATTERNAPP_NAMESPACE).svc.cluster.local"
    assert told["PATTERNAPP_RETRIES"] == "2"
    assert "job-index-failure-count" in told["PATTERNAPP_FAILURES"]["fieldRef"]["fieldPath"]


def test_an_address_for_dead_letters_is_passed_on_as_it_is(made: Any) -> None:
    sink = made(
        schedules=[SCHEDULE | {"delivery": {"deadLetter": {"uri": "https://a.example/$(B)"}}}],
    )["JobSink", "shop-schedule-report"]

    (container,) = sink["spec"]["job"]["spec"]["template"]["spec"]["containers"]
    # Kubernetes reads `$$` as a dollar sign.
    assert {"name": "PATTERNAPP_DEAD_LETTER", "value": "https://a.example/$$(B)"} in container["env"]
