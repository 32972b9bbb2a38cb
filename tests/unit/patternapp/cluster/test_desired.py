from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from golden import rewrite

from patternapp import errors
from patternapp.cluster import desired, resources
from patternapp.render import capabilities

if TYPE_CHECKING:
    import pathlib


def resource(case: pathlib.Path, **annotations: str) -> dict[str, Any]:
    """A golden case as the API server has it."""
    found: dict[str, Any] = yaml.safe_load((case / "in.yaml").read_text())
    found["metadata"] |= {"namespace": "ns", "uid": "a1", "generation": 1, "annotations": annotations}
    return found


@pytest.mark.parametrize("case", rewrite.cases(), ids=lambda case: case.name)
def test_an_app_wants_what_render_prints_and_its_owner_and_nothing_else(case: pathlib.Path) -> None:
    printed = list(yaml.safe_load_all((case / "out.yaml").read_text()))
    told = rewrite._capabilities(case)

    wanted = [one.body() for one in desired.desired(resource(case), told).objects]

    owned = [one["metadata"].pop("ownerReferences", None) for one in wanted]
    assert wanted == printed
    assert {one["kind"] for one, owner in zip(printed, owned, strict=True) if owner is None} <= resources.STATEFUL


@pytest.mark.parametrize("case", rewrite.cases(), ids=lambda case: case.name)
def test_equal_apps_want_equal_objects(case: pathlib.Path) -> None:
    first, second = (desired.desired(resource(case), capabilities.DEFAULT) for _ in range(2))

    assert first == second


def test_every_pattern_of_the_shop_has_a_condition_of_its_own() -> None:
    (shop,) = (case for case in rewrite.cases() if "whole-shop" in case.name)

    wanted = desired.desired(resource(shop), capabilities.DEFAULT)

    assert {one.aspect for one in wanted.objects} == {
        *(
            "Access",
            "Broker",
            "DeadLetters",
            "EventDriven",
            "FanOut",
            "Functions",
            "Gateway",
            "Queues",
            "Schedules",
            "Streams",
        )
    }


def many(functions: int, length: int) -> dict[str, Any]:
    """An app of so many functions, each of which gets so many characters of variables."""
    return {
        "apiVersion": "patternapp.dev/v1alpha1",
        "kind": "PatternApp",
        "metadata": {"name": "shop", "namespace": "ns", "uid": "a1"},
        "spec": {
            "image": "shop:1",
            "env": [{"name": f"V{number}", "value": "x" * 1000} for number in range(length // 1000)],
            "functions": [{"name": f"f{number}", "handler": "shop:app"} for number in range(functions)],
        },
    }


def test_an_app_that_would_become_too_much_is_refused() -> None:
    with pytest.raises(errors.SpecError, match="its objects have more than 4194304 characters together"):
        desired.desired(many(64, 64_000), capabilities.DEFAULT)

    assert desired.desired(many(64, 60_000), capabilities.DEFAULT)


def test_the_app_with_the_most_triggers_is_not_too_much() -> None:
    subscribers = [{"name": f"s{number}", "uri": "https://partner.example.com/events"} for number in range(64)]
    app = many(1, 0)
    app["spec"]["fanOut"] = [{"name": f"f{number}", "subscribers": subscribers} for number in range(64)]

    assert len(desired.desired(app, capabilities.DEFAULT).objects) > 64 * 64
