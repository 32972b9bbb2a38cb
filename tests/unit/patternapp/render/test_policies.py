from __future__ import annotations

from typing import Any

from patternapp.render.capabilities import Capabilities

OIDC = Capabilities(authentication_oidc=True)
KAFKA = {"bootstrapServers": ["kafka:9092"], "topic": "invoices"}
QUEUE = {"name": "invoices", "kafka": KAFKA, "function": "orders"}
PAID = {"name": "paid", "function": "orders"}
NIGHTLY = {"name": "nightly", "cron": "@daily", "function": "orders"}
REPORT = {"name": "report", "cron": "@yearly", "function": "orders", "job": True}
SQS = {"queueArn": "arn:aws:sqs:eu-central-1:123456789012:uploads", "secretName": "aws"}
UPLOADS = {"name": "uploads", "function": "orders", "source": {"bucket": {"name": "uploads", "aws": SQS}}}


def senders(policy: dict[str, Any]) -> list[tuple[str, str]]:
    return [(sender["ref"]["kind"], sender["ref"]["name"]) for sender in policy["spec"]["from"]]


def test_where_senders_are_unknown_there_is_no_policy(made: Any) -> None:
    assert not [kind for kind, _ in made(eventDriven=[PAID], schedules=[REPORT]) if kind == "EventPolicy"]


def test_only_the_app_s_own_objects_send_to_its_broker(made: Any) -> None:
    items = made(OIDC, eventDriven=[UPLOADS], schedules=[NIGHTLY])

    policy = items["EventPolicy", "shop"]
    assert policy["spec"]["to"] == [
        {"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "shop"}}
    ]
    assert set(senders(policy)) == {
        ("IntegrationSource", "shop-source-uploads"),
        ("PingSource", "shop-schedule-nightly"),
        ("SinkBinding", "shop-services"),
        ("SinkBinding", "shop-deployments"),
        ("Trigger", "shop-event-driven-uploads"),
        ("Trigger", "shop-schedule-nightly"),
    }


def test_a_trigger_sends_only_where_there_can_be_a_reply(made: Any) -> None:
    items = made(OIDC, queues=[QUEUE], eventDriven=[PAID], schedules=[REPORT])

    triggers = [name for kind, name in senders(items["EventPolicy", "shop"]) if kind == "Trigger"]
    assert triggers == ["shop-event-driven-paid"]


def test_a_job_starts_by_its_own_schedule_alone(made: Any) -> None:
    policy = made(OIDC, schedules=[REPORT, NIGHTLY])["EventPolicy", "shop-schedule-report"]

    assert policy["spec"]["to"][0]["ref"]["kind"] == "JobSink"
    assert senders(policy) == [("Trigger", "shop-schedule-report")]
