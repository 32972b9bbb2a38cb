from __future__ import annotations

from typing import Any

import pytest

from patternapp_services import wire
from patternapp_services.gateway import admission, auth, throttle

ONCE = throttle.Limit(requests=1, period=60.0, burst=1)


async def by_name(headers: wire.Headers) -> auth.Caller:
    """Whoever says a name is believed."""
    name = wire.header(headers, b"name")
    if name is None:
        raise auth.RefusedError("say your name", challenge="Name")
    if name == "nobody knows":
        raise auth.UnavailableError("the list of names is away")
    return auth.Caller("user", name)


def call(name: str | None = None, *, address: str = "192.0.2.1", forwarded: str | None = None) -> dict[str, Any]:
    headers = [] if name is None else [(b"name", name.encode())]
    if forwarded is not None:
        headers.append((b"x-forwarded-for", forwarded.encode()))
    return {"type": "http", "headers": headers, "client": (address, 1)}


def admission_of(**wishes: Any) -> admission.Admission:
    return admission.Admission("orders", admission.Guard(**wishes), now=lambda: 0.0)


async def status_of(gate: admission.Admission, scope: dict[str, Any]) -> int:
    try:
        await gate.admit(scope)
    except admission.StoppedError as stop:
        return stop.status
    return 200


async def test_a_route_that_asks_nothing_lets_everybody_in() -> None:
    assert await admission_of().admit(call()) is None


async def test_who_is_not_proven_is_told_how_to_be() -> None:
    with pytest.raises(admission.StoppedError) as stopped:
        await admission_of(proof=by_name).admit(call())

    assert (stopped.value.status, stopped.value.headers) == (401, ((b"www-authenticate", b"Name"),))


async def test_why_callers_cannot_be_proven_is_for_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(admission.StoppedError) as stopped:
        await admission_of(proof=by_name).admit(call("nobody knows"))

    assert stopped.value.status == 503
    assert "list of names" not in stopped.value.detail
    assert "list of names" in caplog.text


async def test_too_many_requests_are_told_when_to_come_again() -> None:
    gate = admission_of(limit=ONCE)
    await gate.admit(call())

    with pytest.raises(admission.StoppedError) as stopped:
        await gate.admit(call())

    assert (stopped.value.status, stopped.value.headers) == (429, ((b"retry-after", b"60"),))


@pytest.mark.parametrize(
    ("whose", "second", "status"),
    [
        ("subject", call("ann", address="192.0.2.2"), 429),
        ("subject", call("bob"), 200),
        ("ip", call("bob"), 429),
        ("ip", call("ann", address="192.0.2.2"), 200),
        ("route", call("bob", address="192.0.2.2"), 429),
    ],
    ids=["the same subject", "another subject", "the same address", "another address", "the same route"],
)
async def test_requests_count_together_as_the_route_says(whose: str, second: dict[str, Any], status: int) -> None:
    gate = admission_of(proof=by_name, limit=ONCE, whose=whose)
    await gate.admit(call("ann"))

    assert await status_of(gate, second) == status


async def test_who_is_refused_is_not_counted() -> None:
    gate = admission_of(proof=by_name, limit=ONCE, whose="route")

    assert [await status_of(gate, scope) for scope in (call(), call(), call("ann"))] == [401, 401, 200]


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("1.1.1.1, 8.8.8.8, 10.0.0.7", "8.8.8.8"),
        ("8.8.8.8, 10.0.0.7, 127.0.0.1", "8.8.8.8"),
        ("10.1.2.3, 10.0.0.7", "10.1.2.3"),
        ("[2606:4700::1111], 10.0.0.7", "2606:4700::1111"),
        ("unknown, 10.0.0.7", "10.0.0.7"),
        ("", "192.0.2.1"),
        (None, "192.0.2.1"),
    ],
)
def test_behind_proxies_the_caller_is_who_reached_the_cluster(forwarded: str | None, address: str) -> None:
    scope = admission.behind_proxies(call(forwarded=forwarded))

    assert scope["client"][0] == address
