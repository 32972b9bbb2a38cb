"""How tests are spread over workers, and the servers they can ask for."""

from __future__ import annotations

import signal
from typing import Any

from xdist import scheduler

pytest_plugins = ["components.fixtures"]

_ONE_SERVER = ("tests/apiserver/", "tests/services/kafka/", "tests/services/rabbitmq/")
"""Folders whose tests share a server that is dear to start, and do to it what no neighbor could bear."""


_ONE_FILE = "tests/e2e/"
"""A folder whose files have a namespace of a cluster each, which a file's tests share."""


class OneServer(scheduler.LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests of one such server, or of one such file, go to one worker; every other test to whichever is free."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(_ONE_FILE):
            return nodeid.partition("::")[0]
        return next((folder for folder in _ONE_SERVER if nodeid.startswith(folder)), nodeid)


def pytest_configure() -> None:
    """Let programs that tests start hear Ctrl-C: a run in the background may have been told to ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_make_scheduler(config: Any, log: Any) -> OneServer:
    """Hand xdist the scheduler; its own groups do not work under pytest 9.2 (pytest-dev/pytest-xdist#1386)."""
    return OneServer(config, log)
