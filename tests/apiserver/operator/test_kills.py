"""A replica that is killed again and again in the middle of its work."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import harness
import pytest
from apiserver.operator import faults, nursery, rig, storm

if TYPE_CHECKING:
    from pathlib import Path

    from cluster import api

CRASHES = 100
SEED = 4
WRITES = ("apply", "patch", "delete")
NAMES = ("one", "two", "three")
SPECS = (
    {"eventDriven": rig.APP["spec"]["eventDriven"]},
    {
        "eventDriven": rig.APP["spec"]["eventDriven"][:1],
        "delivery": {"deadLetter": {"uri": "https://dead.example.com/"}},
    },
    {"eventDriven": rig.APP["spec"]["eventDriven"], "image": "ghcr.io/acme/shop:2"},
)


@pytest.mark.timeout(1800)
def test_a_hundred_crashes_in_the_middle_of_work_leave_no_orphan_and_nothing_that_cannot_go(
    account: rig.Account, server: api.Api, namespace: str, tmp_path: Path
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a story that is the same every time
    with nursery.nursery() as forks, storm.pods(account, tmp_path, 1, spawn=forks.start) as (pod,):
        sea = storm.Sea(server, namespace, [pod])

        amid = sum(crash(sea, pod, chance) for _ in range(CRASHES))
        pod.ensure()
        sea.settle()

        assert amid > CRASHES / 2
        for name in sea.apps():
            sea.delete(name)
        harness.eventually(lambda: {key[0] for key in sea.live()} <= {"PersistentVolumeClaim"})
        assert sea.apps() == {}


def crash(sea: storm.Sea, pod: storm.Pod, chance: random.Random) -> bool:
    """Change an app, and kill the replica at one of the writes that follow; False if there were fewer."""
    hold = faults.Hold(after=chance.randrange(8))
    rules = [pod.proxy.meet(verb, "*", hold, times=faults.ALWAYS) for verb in WRITES]
    name = chance.choice(NAMES)
    if chance.random() < 1 / 3:
        sea.delete(name)
    sea.apply(rig.changed(**chance.choice(SPECS)) | {"metadata": {"name": name}})
    pod.start()
    harness.eventually(lambda: hold.comes(within=0.1) or sea.told(), within=storm.SETTLED_WITHIN)
    reached = hold.comes(within=0.0)
    pod.kill()
    for rule in rules:
        rule.left = 0
    hold.release()
    return reached
