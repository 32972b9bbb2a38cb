"""What the API server refuses itself: each family of rules in `patternapp.spec.cel`, with the message a user sees."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from apiserver import rule_cases

from patternapp import errors
from patternapp.spec import load

if TYPE_CHECKING:
    from cluster import api

HEAD = """\
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: shop}
spec:
  functions: [{name: orders, handler: "shop.orders:app"}]
"""
STREAM = f"streams: [{{name: s, kafka: {rule_cases.LOG}, function: orders}}]"


def app(spec: str) -> dict[str, Any]:
    written: dict[str, Any] = yaml.safe_load(HEAD)
    written["spec"] |= yaml.safe_load(spec)
    return written


@pytest.mark.parametrize("case", rule_cases.WRONG, ids=lambda case: case.title)
def test_the_server_refuses_a_wrong_app_where_it_is_wrong(
    case: rule_cases.Case, server: api.Api, namespace: str
) -> None:
    answer = server.create(app(case.spec), namespace=namespace)

    assert answer.refusal is not None
    assert case.message in answer.refusal
    assert case.path in answer.refusal


@pytest.mark.parametrize("spec", rule_cases.RIGHT)
def test_the_server_takes_what_is_just_within_its_rules(spec: str, server: api.Api, namespace: str) -> None:
    assert server.create(app(spec), namespace=namespace).refusal is None


@pytest.mark.parametrize("spec", [*(case.spec for case in rule_cases.WRONG), *rule_cases.RIGHT])
def test_a_file_is_judged_as_the_server_judges_it(spec: str) -> None:
    try:
        load.load(yaml.safe_dump(app(spec)), file="app.yaml")
    except errors.SpecError:
        assert spec not in rule_cases.RIGHT
    else:
        assert spec in rule_cases.RIGHT


def test_the_server_refuses_another_consumer_group(server: api.Api, namespace: str) -> None:
    stream = app(STREAM)
    server.create(stream, namespace=namespace).object()

    moved = copy.deepcopy(stream["spec"]["streams"])
    moved[0]["kafka"]["consumerGroup"] = "h"
    answer = server.merge(server.path(stream, namespace), {"spec": {"streams": moved}})

    assert answer.refusal is not None
    assert "consumerGroup is the stream's position and never changes" in answer.refusal


def test_the_server_takes_another_topic_of_a_stream(server: api.Api, namespace: str) -> None:
    stream = app(STREAM)
    server.create(stream, namespace=namespace).object()

    stream["spec"]["streams"][0]["kafka"]["topics"] = ["u"]

    assert server.apply(stream, namespace=namespace).refusal is None
