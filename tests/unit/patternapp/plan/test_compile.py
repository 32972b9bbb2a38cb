from __future__ import annotations

from typing import Any

import spec_strategies

from patternapp.plan import compile as compiler
from patternapp.plan.model import Broker, Consume, Feed, Function, Plan, Route, Trigger, Uri

FUNCTIONS = [{"name": "orders", "handler": "shop.orders:app"}, {"name": "email", "handler": "shop.email:app"}]


def plan_of(**sections: Any) -> Plan:
    resource = {
        "apiVersion": "patternapp.dev/v1alpha1",
        "kind": "PatternApp",
        "metadata": {"name": "shop"},
        "spec": {"functions": FUNCTIONS} | sections,
    }
    return compiler.compile_app(spec_strategies.parsed(resource))


def test_an_app_of_functions_alone_has_a_broker_to_publish_to() -> None:
    plan = plan_of()

    assert [node.key for node in plan.nodes] == ["function/orders", "function/email", "broker"]
    assert plan.edges == ()


def test_a_function_variable_wins_over_the_app_variable_of_that_name() -> None:
    functions = [FUNCTIONS[0] | {"env": [{"name": "LEVEL", "value": "debug"}, {"name": "OWN", "value": "1"}]}]

    plan = plan_of(env=[{"name": "LEVEL", "value": "info"}, {"name": "REGION", "value": "eu"}], functions=functions)

    (function,) = plan.nodes_of(Function)
    assert [(variable.name, variable.value) for variable in function.env] == [
        ("LEVEL", "debug"),
        ("REGION", "eu"),
        ("OWN", "1"),
    ]


def test_events_of_a_source_are_told_apart_by_its_marker_before_the_user_filters() -> None:
    entry = {
        "name": "payment",
        "source": {"webhook": {"path": "/hooks/payment"}},
        "filters": [{"exact": {"type": "paid"}}],
        "function": "orders",
    }

    plan = plan_of(eventDriven=[entry])

    assert plan.edges_of(Feed) == (Feed(key="event-driven/payment/feed", tail="source/payment"),)
    (trigger,) = plan.edges_of(Trigger)
    assert trigger.key == "event-driven/payment"
    assert trigger.filters == ({"exact": {"patternappsource": "event-driven.payment"}}, {"exact": {"type": "paid"}})


def test_a_subscriber_narrows_the_filters_of_its_fan_out() -> None:
    entry = {
        "name": "placed",
        "filters": [{"exact": {"type": "placed"}}],
        "subscribers": [
            {"name": "email", "function": "email"},
            {"name": "partner", "uri": "https://partner.example.com", "filters": [{"cesql": "EXISTS eu"}]},
        ],
    }

    plan = plan_of(fanOut=[entry])

    assert [(edge.key, edge.head, edge.filters) for edge in plan.edges_of(Trigger)] == [
        ("fan-out/placed/email", "function/email", ({"exact": {"type": "placed"}},)),
        (
            "fan-out/placed/partner",
            "https://partner.example.com",
            ({"exact": {"type": "placed"}}, {"cesql": "EXISTS eu"}),
        ),
    ]


def test_an_address_is_one_node_however_often_it_is_named() -> None:
    address = {"uri": "https://partner.example.com"}
    entry = {"name": "placed", "subscribers": [{"name": "one"} | address, {"name": "two"} | address]}

    plan = plan_of(fanOut=[entry], delivery={"deadLetter": address})

    assert plan.nodes_of(Uri) == (Uri(uri="https://partner.example.com"),)


def test_a_queue_keeps_its_delivery_for_the_worker_and_shares_its_dead_letter() -> None:
    entry = {
        "name": "invoices",
        "kafka": {"bootstrapServers": ["kafka:9092"], "topic": "invoices"},
        "function": "orders",
        "delivery": {"timeout": "10m", "deadLetter": {"function": "email"}},
    }

    plan = plan_of(queues=[entry], delivery={"retry": 3})

    (trigger,), (consume,) = plan.edges_of(Trigger), plan.edges_of(Consume)
    assert (trigger.key, trigger.head, trigger.delivery.timeout) == ("queue/invoices", "queue/invoices", 30.0)
    assert (consume.key, consume.head, consume.delivery.timeout) == ("queue/invoices/worker", "function/orders", 600.0)
    assert (consume.batch_max, consume.ordered) == (1, False)
    assert {trigger.dead_letter, consume.dead_letter} == {"function/email"}
    assert {trigger.delivery.retry, consume.delivery.retry} == {3}


def stream(**fields: Any) -> dict[str, Any]:
    kafka = {"bootstrapServers": ["kafka:9092"], "topics": ["clicks"], "consumerGroup": "shop-clicks"}
    return {"name": "clicks", "kafka": kafka, "function": "orders"} | fields


def test_a_stream_without_filters_is_filled_by_others() -> None:
    plan = plan_of(streams=[stream()])

    assert plan.edges_of(Trigger) == ()
    (consume,) = plan.edges_of(Consume)
    assert (consume.batch_max, consume.ordered) == (None, True)


def test_a_stream_with_filters_is_filled_by_the_broker_even_where_they_are_empty() -> None:
    plan = plan_of(streams=[stream(filters=[])])

    (trigger,) = plan.edges_of(Trigger)
    assert (trigger.key, trigger.head, trigger.filters) == ("stream/clicks", "stream/clicks", ())


def test_a_schedule_reaches_its_function_over_the_broker() -> None:
    plan = plan_of(schedules=[{"name": "nightly", "cron": "0 2 * * *", "function": "orders"}])

    assert plan.edges_of(Feed) == (Feed(key="schedule/nightly/feed", tail="schedule/nightly"),)
    (trigger,) = plan.edges_of(Trigger)
    assert trigger.filters == ({"exact": {"patternappsource": "schedule.nightly"}},)


def test_a_route_takes_its_own_auth_over_the_gateway_and_none_lets_everybody_in() -> None:
    jwt = {"jwt": {"issuer": "https://id.example.com", "audience": "shop", "jwksUri": "https://id.example.com/jwks"}}
    keys = {"apiKeys": {"secretName": "partners"}}
    routes = [
        {"name": "default", "path": "/a", "function": "orders"},
        {"name": "own", "path": "/b", "function": "orders", "auth": keys},
        {"name": "open", "path": "/c", "publish": {"type": "shop.click"}, "auth": "none"},
    ]

    plan = plan_of(gateway={"auth": jwt, "routes": routes})

    default, own, everybody = plan.edges_of(Route)
    assert default.auth is not None
    assert default.auth.jwt is not None
    assert own.auth is not None
    assert own.auth.api_keys is not None
    assert everybody.auth is None
    assert (default.head, everybody.head) == ("function/orders", "broker")


def test_the_broker_carries_the_delivery_of_everything_that_says_nothing_else() -> None:
    plan = plan_of(delivery={"retry": 1, "deadLetter": {"function": "email"}}, broker={"class": "Kafka"})

    (broker,) = plan.nodes_of(Broker)
    assert (broker.class_, broker.delivery.retry, broker.dead_letter) == ("Kafka", 1, "function/email")
