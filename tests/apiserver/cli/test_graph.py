"""`patternapp graph --live`: a picture of an app as it is on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import harness
import pytest
from apiserver.operator import rig

if TYPE_CHECKING:
    from apiserver.cli.conftest import Commands


@pytest.fixture
def broken(shop: rig.Kubectl) -> rig.Kubectl:
    """The app with a Trigger that does not work."""
    shop.work()
    shop.report(shop.live()[rig.TRIGGER], "Ready", "False", "SubscriberNotFound", "it is gone")
    harness.eventually(lambda: shop.condition().get("reason") == "SubscriberNotFound")
    return shop


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("format_", ["mermaid", "dot", "svg"])
def test_a_picture_shows_what_works_and_why_the_rest_does_not(format_: str, patternapp: Commands) -> None:
    result = patternapp.run("graph", "--live", "shop", "--format", format_)

    assert result.code == 0
    assert result.out.count("SubscriberNotFound") >= 1
    assert "#2da44e" in result.out
    assert "#cf222e" in result.out


@pytest.mark.usefixtures("broken")
def test_an_svg_is_a_whole_document_with_the_app_s_state_on_top(patternapp: Commands) -> None:
    drawn = ET.fromstring(patternapp.run("graph", "--live", "shop", "--format", "svg").out)  # noqa: S314 - our own

    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "shop, not ready: SubscriberNotFound"


@pytest.mark.usefixtures("broken")
def test_json_is_the_plan_with_what_works(patternapp: Commands) -> None:
    plan = patternapp.run("graph", "--live", "shop", "--format", "json").json()

    edges = {edge["key"]: edge["ready"] for edge in plan["edges"]}
    assert edges == {"event-driven/paid": "False", "event-driven/sent": "True"}
    assert {node["ready"] for node in plan["nodes"]} == {"True"}


def test_an_app_that_is_not_there_has_no_picture(patternapp: Commands) -> None:
    result = patternapp.run("graph", "--live", "nothing")

    assert (result.code, result.out) == (1, "")
    assert "there is no PatternApp nothing" in result.err
