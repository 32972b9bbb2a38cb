from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from golden import rewrite

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
