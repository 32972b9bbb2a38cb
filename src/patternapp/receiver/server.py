"""Runs a function: imports its ASGI application and serves it with uvicorn, set for a pod and for `dev` alike.

What holds here:

* httptools parses (h11 takes a third of the requests); uvloop runs the loop where it is installed.
* Idle connections outlive those of proxies in front (75 s), or a proxy would now and then send into a closed one.
* Shutting down ends, with idle or half-open connections too, inside the 30 s that Kubernetes gives a pod.
* X-Forwarded-For is not believed: Knative's queue-proxy calls from 127.0.0.1, which uvicorn would trust.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import uvicorn

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEEP_ALIVE = 75
GRACE = 25
"""Seconds that requests in flight get when the process is told to end."""
DEFAULT_PORT = 8080
"""Where no PORT says otherwise, as on Knative."""


class TargetError(errors.PatternAppError):
    """MODULE:APP cannot be loaded; what was raised inside, if anything, is the cause with its traceback."""


def serve(target: str, *, host: str, port: int | None = None, folder: Path | None = None) -> None:
    """Load MODULE:APP and serve it until SIGINT or SIGTERM.

    Args:
        target: Such as ``shop.orders:app``.
        host: The address to listen on.
        port: The port; PORT of the environment, or 8080, by default.
        folder: Where the module is, beside the import path.

    Raises:
        TargetError: There is no such application.
        EnvironmentProblem: The address cannot be listened on.
    """
    app = load(target, folder=folder)
    listener = listen(host, int(os.environ.get("PORT", DEFAULT_PORT)) if port is None else port)
    make_server(app).run(sockets=[listener])


def load(target: str, *, folder: Path | None = None) -> Any:
    """The object that ``MODULE:APP`` names; APP may have dots.

    Raises:
        TargetError: The text is not so, there is no such module or attribute, it cannot be called, or its import
            raised; that error is the cause then.
    """
    module_name, _, path = target.partition(":")
    if not (module_name and path):
        raise TargetError(f"{target!r} is not MODULE:APP; write one like shop.orders:app")
    if folder is not None and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    found: Any = _import(module_name, folder)
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise TargetError(f"{module_name} was imported, but {path} is not in it: {attribute} is missing")
        found = getattr(found, attribute)
    if not callable(found):
        raise TargetError(f"{target} is of the type {type(found).__name__}, not an ASGI application")
    return found


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the system choose.

    Raises:
        EnvironmentProblem: The address is taken, or not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise errors.EnvironmentProblem(
            f"cannot listen on {host}:{port}: {error.strerror}; stop what has it, or choose another port"
        ) from error


def make_server(app: Any, *, started: Callable[[], None] | None = None, grace: int = GRACE) -> uvicorn.Server:
    """A uvicorn server to ``run(sockets=[listener])``, or to ``await serve(sockets=[listener])`` in a running loop.

    Args:
        app: The ASGI application.
        started: Called once the application has started up and takes requests.
        grace: Seconds that requests in flight get at the end.
    """
    config = uvicorn.Config(
        app,
        http="httptools",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
    )
    return _Server(config, started)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self._announce is not None and not self.should_exit:
            self._announce()


def _import(name: str, folder: Path | None) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            places = f"{folder} and the import path" if folder is not None else "the import path"
            raise TargetError(f"there is no module {error.name}: looked in {places}") from error
        raise TargetError(f"{name} cannot be imported: {error}; is it installed?") from error
    except Exception as error:
        raise TargetError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error
