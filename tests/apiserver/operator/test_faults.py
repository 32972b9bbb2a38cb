"""The proxy itself: the tests that stand on it rely on this."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import harness
import pytest
import yaml
from apiserver.operator import faults
from apiserver.operator import proxy as proxying
from cluster import api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import controlplane

SOON = 0.5


@pytest.fixture
def proxy(control_plane: controlplane.ControlPlane, tmp_path: Path) -> Iterator[proxying.Proxy]:
    with proxying.Proxy(control_plane.kubeconfig, tmp_path / "kubeconfig").running() as running:
        yield running


def ask(
    proxy: proxying.Proxy, method: str, path: str, body: Any = None, within: float = harness.DEADLINE
) -> tuple[int, dict[str, str], Any]:
    with closing(http.client.HTTPConnection(proxying.HOST, proxy.port, timeout=within)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), headers(proxy))
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), json.loads(answer.read())


def headers(proxy: proxying.Proxy) -> dict[str, str]:
    token = yaml.safe_load(proxy.kubeconfig.read_text())["users"][0]["user"]["token"]
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


@pytest.fixture
def maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


ONE = {"metadata": {"name": "one"}}


def test_without_a_rule_everything_passes_and_is_recorded(proxy: proxying.Proxy, maps: str, namespace: str) -> None:
    made = ask(proxy, "POST", maps, ONE)
    found = ask(proxy, "GET", f"{maps}/one")

    assert (made[0], found[0], found[2]) == (201, 200, made[2])
    assert [(one.verb, one.resource, one.namespace, one.name, one.status) for one in proxy.requests] == [
        ("create", "configmaps", namespace, "", 201),
        ("get", "configmaps", namespace, "one", 200),
    ]
    assert [one.verb for one in proxy.writes()] == ["create"]


def test_as_many_requests_as_were_named_are_refused(proxy: proxying.Proxy, maps: str) -> None:
    proxy.meet("list", "configmaps", faults.answering(429, retry_after=7))

    refused = ask(proxy, "GET", maps)
    passed = ask(proxy, "GET", maps)

    assert (refused[0], refused[1]["Retry-After"], refused[2]["kind"]) == (429, "7", "Status")
    assert passed[0] == 200


def test_a_rule_is_for_its_verb_and_its_resource_only(proxy: proxying.Proxy, maps: str) -> None:
    rule = proxy.meet("create", "configmaps", faults.answering(500))

    assert ask(proxy, "GET", maps)[0] == 200
    assert ask(proxy, "POST", maps.replace("configmaps", "services/x/proxy"), ONE)[0] != 500
    assert rule.left == 1


def test_a_write_whose_answer_is_lost_has_happened(proxy: proxying.Proxy, maps: str) -> None:
    proxy.meet("create", "configmaps", faults.losing_answer)

    with pytest.raises(http.client.RemoteDisconnected):
        ask(proxy, "POST", maps, ONE)

    assert ask(proxy, "GET", f"{maps}/one")[0] == 200
    assert proxy.writes()[0].status is None


def test_a_held_request_goes_on_when_it_is_released(proxy: proxying.Proxy, maps: str) -> None:
    hold = faults.Hold()
    proxy.meet("create", "configmaps", hold)
    with closing(http.client.HTTPConnection(proxying.HOST, proxy.port, timeout=harness.DEADLINE)) as connection:
        connection.request("POST", maps, json.dumps(ONE), headers(proxy))
        hold.wait()
        assert ask(proxy, "GET", f"{maps}/one")[0] == 404

        hold.release()

        answer = connection.getresponse()
        assert answer.status == 201
        answer.read()


def test_a_held_request_whose_sender_is_gone_never_happens(proxy: proxying.Proxy, maps: str) -> None:
    hold = faults.Hold()
    proxy.meet("create", "configmaps", hold)
    with closing(http.client.HTTPConnection(proxying.HOST, proxy.port)) as connection:
        connection.request("POST", maps, json.dumps(ONE), headers(proxy))
        hold.wait()
    harness.eventually(lambda: not proxy.busy())

    hold.release()

    assert ask(proxy, "GET", f"{maps}/one")[0] == 404
    assert proxy.writes() == []


@pytest.mark.parametrize(("hanging", "error"), [(False, ConnectionRefusedError), (True, TimeoutError)])
def test_an_outage_ends_when_it_is_healed(
    hanging: bool,  # noqa: FBT001 - a parameter of the test
    error: type[Exception],
    proxy: proxying.Proxy,
    maps: str,
) -> None:
    proxy.go_down(hanging=hanging)

    with pytest.raises(error):
        ask(proxy, "GET", maps, within=SOON)

    proxy.heal()
    assert ask(proxy, "GET", maps)[0] == 200


@pytest.fixture
def watch(proxy: proxying.Proxy, maps: str) -> Iterator[http.client.HTTPResponse]:
    version = ask(proxy, "GET", maps)[2]["metadata"]["resourceVersion"]
    with closing(http.client.HTTPConnection(proxying.HOST, proxy.port, timeout=harness.DEADLINE)) as connection:
        connection.request("GET", f"{maps}?watch=true&resourceVersion={version}", headers=headers(proxy))
        answer = connection.getresponse()
        yield answer
        answer.close()


def told(watch: http.client.HTTPResponse) -> tuple[str, str]:
    event = json.loads(watch.readline())
    return event["type"], event["object"]["metadata"]["name"]


def test_a_watch_tells_what_happens(proxy: proxying.Proxy, maps: str, watch: http.client.HTTPResponse) -> None:
    ask(proxy, "POST", maps, ONE)

    assert told(watch) == ("ADDED", "one")


def test_an_event_is_lost_and_the_next_one_is_told(
    proxy: proxying.Proxy, maps: str, watch: http.client.HTTPResponse
) -> None:
    proxy.event("DELETED", "configmaps", faults.LOSE)

    ask(proxy, "POST", maps, ONE)
    ask(proxy, "DELETE", f"{maps}/one")
    ask(proxy, "POST", maps, {"metadata": {"name": "two"}})

    assert [told(watch), told(watch)] == [("ADDED", "one"), ("ADDED", "two")]


def test_a_watch_is_torn_in_the_middle_of_a_line(
    proxy: proxying.Proxy, maps: str, watch: http.client.HTTPResponse
) -> None:
    proxy.event("*", "configmaps", faults.TEAR)

    ask(proxy, "POST", maps, ONE)

    with pytest.raises((http.client.IncompleteRead, ConnectionResetError, ValueError)):
        told(watch)


def test_the_kubeconfig_names_the_proxy_and_keeps_who_one_is(
    proxy: proxying.Proxy, control_plane: controlplane.ControlPlane
) -> None:
    config = yaml.safe_load(proxy.kubeconfig.read_text())

    assert config["clusters"][0]["cluster"] == {"server": f"http://{proxying.HOST}:{proxy.port}"}
    assert config["users"][0]["user"]["token"] == api.access(control_plane.kubeconfig).token
