"""What happens between two requests of a replica, at the exact place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import harness
import pytest
from apiserver.operator import faults, rig, storm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import api


@pytest.fixture
def sea(account: rig.Account, server: api.Api, namespace: str, tmp_path: Path) -> Iterator[storm.Sea]:
    with storm.pods(account, tmp_path, 1) as pods:
        yield storm.Sea(server, namespace, pods)


@pytest.mark.parametrize("key", [rig.CONFIG, rig.TRIGGER, rig.SERVICE], ids=lambda key: key[0])
def test_what_a_stranger_makes_between_the_look_and_the_creation_is_not_touched(
    key: tuple[str, str], sea: storm.Sea
) -> None:
    (pod,) = sea.pods
    hold = faults.Hold()
    sea.apply(rig.APP)
    wanted = sea.wanted(sea.apps()["shop"])[key]
    pod.proxy.meet("apply", wanted["kind"].lower() + "s", hold, times=faults.ALWAYS)
    hold.wait()

    sea.visit(key, wanted)
    hold.release()

    assert sea.strangers
    sea.settle()
    assert "it exists and belongs to field manager 'patternapp-test'" in sea.kubectl.condition()["message"]


@pytest.mark.parametrize("status", [409, 410, 500])
def test_an_app_is_not_forgotten_because_its_status_could_not_be_written(status: int, sea: storm.Sea) -> None:
    (pod,) = sea.pods
    pod.proxy.meet("patch", "patternapps/status", faults.answering(status), times=3)

    sea.apply(rig.APP)

    sea.settle()


@pytest.mark.parametrize("verb", ["apply", "patch"])
def test_a_write_whose_answer_was_lost_is_made_once(verb: str, sea: storm.Sea) -> None:
    (pod,) = sea.pods
    pod.proxy.meet(verb, "*", faults.losing_answer, times=2)

    sea.apply(rig.APP)

    sea.settle()


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_a_kind_that_cannot_be_read_holds_up_no_other(verb: str, sea: storm.Sea) -> None:
    (pod,) = sea.pods
    pod.end()
    pod.proxy.meet(verb, "pingsources", faults.answering(500), times=faults.ALWAYS)

    pod.ensure()
    sea.apply(rig.APP)

    sea.settle()


def test_a_server_that_asks_to_wait_is_not_asked_earlier(sea: storm.Sea) -> None:
    (pod,) = sea.pods
    pod.proxy.meet("apply", "triggers", faults.answering(429, retry_after=2))

    sea.apply(rig.APP)

    sea.settle()
    refused = next(one for one in pod.proxy.requests if one.status == 429)
    again = [one for one in pod.proxy.requests if (one.verb, one.resource) == (refused.verb, refused.resource)]
    nexts = [one.began for one in again if one.name == refused.name and one.began > refused.began]
    assert min(nexts) - refused.began >= 2


def test_an_app_that_is_deleted_in_the_middle_of_its_creation_leaves_nothing(sea: storm.Sea) -> None:
    (pod,) = sea.pods
    hold = faults.Hold(after=3)
    pod.proxy.meet("apply", "*", hold, times=faults.ALWAYS)
    sea.apply(rig.APP)
    hold.wait()

    sea.delete("shop")
    hold.release()

    harness.eventually(lambda: sea.live().keys() <= {rig.CLAIM})
    harness.eventually(lambda: pod.replica.metric("patternapp_apps") == 0)


def test_an_app_that_is_made_again_while_the_first_one_is_made_has_its_own_objects(sea: storm.Sea) -> None:
    (pod,) = sea.pods
    hold = faults.Hold(after=3)
    pod.proxy.meet("apply", "*", hold, times=faults.ALWAYS)
    sea.apply(rig.APP)
    hold.wait()

    sea.delete("shop")
    sea.apply(rig.changed(image="ghcr.io/acme/shop:2"))
    hold.release()

    sea.settle()
    uid = sea.apps()["shop"]["metadata"]["uid"]
    owners = {owner["uid"] for item in sea.live().values() for owner in item["metadata"].get("ownerReferences", ())}
    assert owners == {uid}
