from __future__ import annotations

from typing import Any

from patternapp.render.capabilities import Capabilities

KAFKA = {"bootstrapServers": ["kafka:9092"], "topic": "invoices"}
QUEUE = {"name": "invoices", "kafka": KAFKA, "function": "orders"}
DATABASE = {"name": "rows", "function": "orders", "source": {"database": {"secretName": "db", "table": "stock"}}}
JOB = {"name": "report", "cron": "@yearly", "function": "orders", "job": True}


def test_of_workers_outbox_readers_and_jobs_only_the_metrics_are_read(made: Any) -> None:
    spec = made(queues=[QUEUE], eventDriven=[DATABASE], schedules=[JOB])["NetworkPolicy", "shop-closed"]["spec"]

    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": 9090}]}]
    (chosen,) = spec["podSelector"]["matchExpressions"]
    assert chosen["values"] == ["job", "outbox", "worker"]
    assert spec["podSelector"]["matchLabels"] == {"patternapp.dev/app": "shop"}


def test_dead_letters_come_from_this_namespace_and_from_where_eventing_runs(made: Any) -> None:
    items = made(Capabilities(eventing_namespace="events"))

    (rule,) = items["NetworkPolicy", "shop-dead-letters"]["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert rule["from"] == [
        {"podSelector": {}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "events"}}},
    ]


def test_an_app_of_functions_alone_closes_only_its_dead_letters(made: Any) -> None:
    policies = [name for kind, name in made() if kind == "NetworkPolicy"]

    assert policies == ["shop-dead-letters"]


def test_whoever_pulls_is_looked_after_on_the_port_of_its_metrics(made: Any) -> None:
    pod = made(queues=[QUEUE])["Deployment", "shop-queue-invoices"]["spec"]["template"]["spec"]

    (worker,) = pod["containers"]
    assert worker["args"][-2:] == ["--port", "9090"]
    assert worker["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 9090}
    assert worker["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 9090}
