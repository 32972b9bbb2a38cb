"""How tests are spread over workers."""

from __future__ import annotations

from typing import Any

from xdist import scheduler


class OneServer(scheduler.LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """The API server's tests go to one worker, which starts one server; every other test to whichever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return "apiserver" if nodeid.startswith("tests/apiserver/") else nodeid


def pytest_xdist_make_scheduler(config: Any, log: Any) -> OneServer:
    """Hand xdist the scheduler; its own groups do not work under pytest 9.2 (pytest-dev/pytest-xdist#1386)."""
    return OneServer(config, log)
