from __future__ import annotations

import json

import spec_strategies

from patternapp.plan import compile as compiler
from patternapp.plan import describe

APP = """
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: shop}
spec:
  broker: {class: Kafka}
  functions: [{name: orders, handler: "shop.orders:app"}]
  gateway: {routes: [{name: any, path: /, function: orders}]}
  schedules: [{name: nightly, cron: "@daily", function: orders, data: {some_key: null, list_of: [{not_set: 1}]}}]
"""


def test_a_plan_is_json_with_its_kinds_and_keys() -> None:
    plan = compiler.compile_app(spec_strategies.app_of(APP))

    data = describe.describe(plan)

    assert json.loads(json.dumps(data)) == data
    assert [(node["kind"], node["key"]) for node in data["nodes"]] == [
        ("Function", "function/orders"),
        ("Broker", "broker"),
        ("Gateway", "gateway"),
        ("Schedule", "schedule/nightly"),
    ]


def test_field_names_are_camel_case_and_the_words_of_users_stay() -> None:
    plan = compiler.compile_app(spec_strategies.app_of(APP))

    _, broker, _, schedule = describe.describe(plan)["nodes"]

    assert (broker["class"], broker["delivery"]["backoffDelay"]) == ("Kafka", 1.0)
    assert schedule["timeZone"] == "UTC"
    assert schedule["data"] == {"some_key": None, "list_of": [{"not_set": 1}]}
