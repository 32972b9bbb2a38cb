"""`patternapp status`: how apps on a real API server are, whose objects a real operator has made."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import harness
from apiserver.operator import rig

from patternapp.cluster import resources

if TYPE_CHECKING:
    from apiserver.cli.conftest import Commands


def lease(operator: rig.Replica) -> tuple[str, str]:
    """The option that names the operator's Lease."""
    return ("--lease", f"default/{operator.lease}")


def works(shop: rig.Kubectl) -> None:
    """Let all controllers say that all is well, until the app is ready."""
    shop.work()
    harness.eventually(lambda: shop.condition().get("status") == "True")


def test_apps_are_a_table(shop: rig.Kubectl, patternapp: Commands) -> None:
    works(shop)

    head, line = patternapp.run("status").out.splitlines()

    assert head.split() == ["NAME", "READY", "REASON", "AGE", "FUNCTIONS", "URL"]
    assert line.split()[:3] == ["shop", "True", "Ready"]
    assert line.split()[4:] == ["1/1", "-"]


def test_an_app_that_is_ready_is_a_tree_of_what_works(
    shop: rig.Kubectl, operator: rig.Replica, patternapp: Commands
) -> None:
    works(shop)

    result = patternapp.run("status", "shop", *lease(operator))

    lines = result.out.splitlines()
    assert (result.code, lines[0]) == (0, f"✓ shop  namespace {shop.namespace}")
    assert lines[1] == "  dead letters: the app's store, Service shop-dead-letters"
    assert "├─ ✓ Functions" in lines
    assert "│  └─ ✓ Service.serving.knative.dev shop-orders  http://shop-orders.example.com" in lines
    assert sum(line.startswith(("│  ", "   ")) for line in lines) == len(shop.wanted())
    assert "!" not in result.out


def test_what_does_not_work_is_shown_with_its_controller_s_reason(
    shop: rig.Kubectl, operator: rig.Replica, patternapp: Commands
) -> None:
    works(shop)
    shop.report(shop.live()[rig.SERVICE], "Ready", "False", "RevisionFailed", "the image is not there")
    harness.eventually(lambda: shop.condition().get("status") == "False")

    result = patternapp.run("status", "shop", *lease(operator))

    assert result.code == 1
    assert result.out.startswith("✗ shop  RevisionFailed")
    assert "✗ Service.serving.knative.dev shop-orders  RevisionFailed  the image is not there" in result.out


def test_json_has_every_object_under_its_pattern(
    shop: rig.Kubectl, operator: rig.Replica, patternapp: Commands
) -> None:
    works(shop)

    found: dict[str, Any] = patternapp.run("status", "shop", "-o", "json", *lease(operator)).json()

    assert (found["name"], found["ready"], found["current"], found["notes"]) == ("shop", "True", True, [])
    named = {(one["kind"], one["name"]) for part in found["patterns"] for one in part["objects"]}
    assert named == {(item["kind"], item["metadata"]["name"]) for item in shop.wanted().values()}
    (functions,) = (part for part in found["patterns"] if part["name"] == "Functions")
    assert functions["objects"][0]["url"] == "http://shop-orders.example.com"


def test_a_paused_app_says_so(shop: rig.Kubectl, operator: rig.Replica, patternapp: Commands) -> None:
    shop.apply(rig.APP | {"metadata": {"name": "shop", "annotations": {resources.PAUSED: "true"}}})
    harness.eventually(lambda: shop.condition("Paused"))

    result = patternapp.run("status", "shop", *lease(operator))

    assert (
        "  ! it is paused: nothing is made, mended or deleted until the annotation patternapp.dev/paused" in result.out
    )


def test_waiting_ends_as_soon_as_the_app_is_ready(shop: rig.Kubectl, patternapp: Commands) -> None:
    waiting = patternapp.start("status", "shop", "--wait", "--timeout", "2m")
    shop.work()

    out, _ = waiting.communicate(timeout=2 * harness.DEADLINE)

    assert waiting.returncode == 0
    assert out.startswith("✓ shop")


def test_waiting_in_vain_ends_with_how_the_app_is(shop: rig.Kubectl, patternapp: Commands) -> None:
    result = patternapp.run("status", "shop", "--wait", "--timeout", "1ms")

    assert shop.condition()["status"] == "Unknown"
    assert result.code == 1
    assert result.out.startswith("? shop  NoCondition")


def test_watching_shows_every_change(shop: rig.Kubectl, patternapp: Commands) -> None:
    watching = patternapp.start("status", "--watch")
    assert watching.stdout is not None
    first = [watching.stdout.readline() for _ in range(2)]

    shop.work()

    assert "Unknown" in first[1]
    while "True" not in (line := watching.stdout.readline()):
        assert line, watching.communicate()
    watching.send_signal(signal.SIGINT)
    assert watching.wait(harness.DEADLINE) == 0


def test_an_app_that_is_not_there_is_wrong_input(operator: rig.Replica, patternapp: Commands) -> None:
    result = patternapp.run("status", "nothing", *lease(operator))

    assert (result.code, result.out) == (1, "")
    assert f"there is no PatternApp nothing in the namespace {patternapp.namespace}" in result.err


def test_an_object_that_was_deleted_is_missed_until_it_is_made_again(shop: rig.Kubectl, patternapp: Commands) -> None:
    works(shop)
    shop.apply(rig.APP | {"metadata": {"name": "shop", "annotations": {resources.PAUSED: "true"}}})
    harness.eventually(lambda: shop.condition("Paused"))
    shop.server.delete(shop.path(shop.live()[rig.TRIGGER])).object()

    result = patternapp.run("status", "shop")

    assert "? Trigger.eventing.knative.dev shop-event-driven-paid  Absent  it does not exist yet" in result.out
