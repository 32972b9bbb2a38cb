"""A schedule on the real cluster: the shop's backup, called by a PingSource every few seconds, from zero and back."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import harness
import pytest
from e2e import code, kube, web

KEPT = 2
PLACE = "/tmp/data"  # noqa: S108 - of a container
_FUNCTION = """
    import sqlite3
    from shop import maintenance, storage

    app = maintenance.backup
    with sqlite3.connect(storage.folder() / "orders.db") as db:
        db.execute("CREATE TABLE IF NOT EXISTS placed (id TEXT)")

    @app.get("/copies")
    def copies() -> list[str]:
        return sorted(file.name for file in storage.folder("backups").glob("*.db"))
"""
_COPY = re.compile(r"orders-(\d{8}T\d{6}\.\d{6}Z)\.db")


def manifest(*, every: str | None) -> dict[str, Any]:
    """The app, with or without its schedule."""
    app = kube.manifest("saved", "functions: []")
    function = code.function(
        "backup", _FUNCTION, env=[{"name": "SHOP_DATA", "value": PLACE}], scale={"max": 1, "idle": "10s"}
    )
    app["spec"]["functions"].append(function)
    if every is not None:
        schedule = {"name": "often", "cron": every, "function": "backup", "data": {"keep": KEPT}}
        app["spec"]["schedules"] = [schedule]
    return app


@pytest.fixture(scope="module")
def idle(namespace: kube.Namespace) -> kube.App:
    """The app without its schedule, at zero."""
    app = namespace.app(manifest(every=None))
    harness.eventually(lambda: not app.running("backup"), within=kube.WITHIN)
    return app


@pytest.fixture(scope="module")
def app(idle: kube.App) -> kube.App:
    """The same with its schedule, once it has woken the function."""
    app = idle.namespace.app(manifest(every="*/5 * * * * *"))
    harness.eventually(lambda: app.running("backup"), within=kube.WITHIN)
    return app


def copies(function: web.Address) -> list[dt.datetime]:
    """The times in the names of the copies that are there."""
    found = [_COPY.fullmatch(name) for name in function.call("GET", "/copies").json()]
    assert all(found)
    return [dt.datetime.strptime(name[1], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=dt.UTC) for name in found if name]


def test_each_time_makes_a_copy_named_after_it(app: kube.App) -> None:
    function = app.function("backup")

    first, second = harness.eventually(lambda: len(seen := copies(function)) == KEPT and seen, within=kube.WITHIN)

    assert 0 < (second - first).total_seconds() <= 30


def test_of_the_copies_the_newest_few_are_kept(app: kube.App) -> None:
    function = app.function("backup")
    before = harness.eventually(lambda: len(seen := copies(function)) == KEPT and seen, within=kube.WITHIN)

    later = harness.eventually(
        lambda: (seen := copies(function)) and min(seen) > max(before) and seen, within=kube.WITHIN
    )

    assert len(later) == KEPT


def test_without_its_schedule_the_function_goes_back_to_zero(app: kube.App) -> None:
    app.namespace.app(manifest(every=None))

    harness.eventually(lambda: not app.running("backup"), within=kube.WITHIN)
