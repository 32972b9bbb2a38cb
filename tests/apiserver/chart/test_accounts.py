"""What the accounts of a release may do, in the server's own words, and that it is enough."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import harness
import pytest
from apiserver.chart import releases
from apiserver.operator import people, rig
from charts import helm as helms
from cluster import api

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "can-i"
EVERYBODYS = {"authentication.k8s.io", "authorization.k8s.io"}
"""Groups of which every authenticated user may ask about itself."""
pytestmark = pytest.mark.timeout(300)


def listed(who: api.Api, namespace: str) -> list[str]:
    """What `kubectl auth can-i --list` says: a line for each resource, sorted."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
    status = who.create(review | {"spec": {"namespace": namespace}}).object()["status"]
    assert not status["incomplete"]
    lines = []
    for rule in status["resourceRules"]:
        for group, resource in itertools.product(rule["apiGroups"], rule["resources"]):
            names = f" {','.join(rule['resourceNames'])}" if "resourceNames" in rule else ""
            if group not in EVERYBODYS:
                lines.append(f"{'.'.join(filter(None, [resource, group]))}{names}: {' '.join(rule['verbs'])}")
    return sorted(lines)


def told(release: releases.Release) -> str:
    """What the operator's account may do in its own namespace, and in another."""
    with contextlib.closing(release.server.with_token(token(release, "patternapp-operator"))) as who:
        sections = {"in its own namespace": release.namespace, "in another": "default"}
        return "".join(
            f"{title}:\n" + "".join(f"  {line}\n" for line in listed(who, namespace))
            for title, namespace in sections.items()
        )


def token(release: releases.Release, account: str) -> str:
    return release.server.token(release.namespace, account)


@pytest.mark.parametrize(
    ("golden", "chosen"),
    [
        ("everywhere", "replicas=2"),
        ("in-one-namespace-without-streams", "watchNamespaces={{{namespace}}},patterns.streams=false"),
    ],
)
def test_the_operator_may_do_what_the_golden_list_says(release: releases.Release, golden: str, chosen: str) -> None:
    wanted = (GOLDEN / f"{golden}.txt").read_text()

    release.do("install", helms.CHART, "--set", chosen.format(namespace=release.namespace))

    with contextlib.suppress(AssertionError):
        harness.eventually(lambda: told(release) == wanted)
    assert told(release) == wanted


@contextlib.contextmanager
def controllers(kubectl: rig.Kubectl) -> Iterator[None]:
    """Do what the controllers of Knative do, until the end of the block."""
    ended = threading.Event()
    client = api.Api(kubectl.server.access)
    own = rig.Kubectl(client, kubectl.namespace)

    def work() -> None:
        while not ended.wait(0.2):
            own.work()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        client.close()


def trial(release: releases.Release, *, timeout: int) -> subprocess.CompletedProcess[str]:
    """What the Pod of `helm test` does, logged in as it is."""
    items = [item for item in release.helm.template(namespace=release.namespace) if helms.testing(item)]
    *before, pod = items
    for item in before:
        release.server.apply(item, namespace=release.namespace).object()
    (container,) = pod["spec"]["containers"]
    kubeconfig = release.login(pod["spec"]["serviceAccountName"])
    flags = [flag for flag in container["args"] if not flag.startswith("--timeout=")]
    command = [sys.executable, *container["command"][1:], *flags, f"--timeout={timeout}", f"--kubeconfig={kubeconfig}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def in_force(release: releases.Release) -> None:
    """Wait until the release's policies judge apps."""
    with people.person(release.server, release.namespace) as nobody:
        harness.eventually(lambda: "may not create" in (nobody.judged(rig.APP) or ""))


def apps(release: releases.Release) -> list[helms.Object]:
    path = f"/apis/{releases.VERSION}/namespaces/{release.namespace}/patternapps"
    found: list[helms.Object] = release.server.get(path).object()["items"]
    return found


def test_the_test_makes_an_app_under_the_policies_and_takes_it_away_again(release: releases.Release) -> None:
    release.do("install", helms.CHART)
    releases.defined(release.server)
    in_force(release)

    with release.running(), controllers(rig.Kubectl(release.server, release.namespace)):
        done = trial(release, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "an app was made, it worked, and it is deleted again\n"
    assert apps(release) == []


def test_the_test_says_what_does_not_work(release: releases.Release) -> None:
    release.do("install", helms.CHART)
    releases.defined(release.server)

    silent = trial(release, timeout=1)
    with release.running():
        unfinished = trial(release, timeout=10)

    assert (silent.returncode, unfinished.returncode) == (1, 1)
    assert "the operator has said nothing of it: does it run" in silent.stdout
    assert "does not work after 10 s: " in unfinished.stdout
    assert "its controller has not said whether it is ready" in unfinished.stdout
    assert apps(release) == []
