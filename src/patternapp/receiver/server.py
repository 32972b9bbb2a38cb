"""Runs a function: imports its ASGI application and serves it as all of PatternApp is, in a pod and in `dev` alike.

What holds here: uvloop runs the loop where it is installed. Shutting down takes no longer than the 30 s that
Kubernetes gives a pod: first readiness fails, then the server ends as `http.server` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.http import server as http_server
from patternapp.receiver import hosting, logs, tracing

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from patternapp.receiver.settings import Settings

CLOSE_TIMEOUT = 3.0
"""Seconds to send the last spans."""
GARBAGE = 10_000
"""Objects made and not freed after which circles among them are looked for; Python's 700 costs 7 % of an event."""
DEFAULT_PORT = 8080
"""Where no PORT says otherwise, as on Knative."""


class TargetError(errors.PatternAppError):
    """MODULE:APP cannot be loaded; what was raised inside, if anything, is the cause with its traceback."""


def serve(target: str, *, host: str, settings: Settings, port: int | None = None, folder: Path | None = None) -> None:
    """Load MODULE:APP and serve it until SIGINT or SIGTERM.

    Args:
        target: Such as ``shop.orders:app``.
        host: The address to listen on.
        settings: What clients may take, and how it ends.
        port: The port; PORT of the environment, or 8080, by default.
        folder: Where the module is, beside the import path.

    Raises:
        TargetError: There is no such application.
        EnvironmentProblem: The address cannot be listened on.
    """
    app = load(target, folder=folder)
    logs.begin(settings.log_level)
    listener = http_server.listen(host, int(os.environ.get("PORT", DEFAULT_PORT)) if port is None else port)
    observed = hosting.Hosting()
    if (spans := tracing.begin(os.environ, name=os.environ.get("K_SERVICE", target))) is not None:
        observed.around += (spans.step,)
        observed.closing += (spans.close,)
    with _measured(observed, host, settings.metrics_port):
        # What was imported stays, so it need not be looked through again and again; and requests leave no circles.
        gc.freeze()
        gc.set_threshold(GARBAGE)
        make_server(app, settings=settings, observed=observed).run(sockets=[listener])


def describe(target: str, kind: str, *, folder: Path | None = None) -> dict[str, Any]:
    """The document of this kind, ``openapi`` or ``asyncapi``, of what MODULE:APP handles.

    Raises:
        TargetError: There is no such application.
        PatternAppError: It has no such document.
    """
    write = getattr(load(target, folder=folder), kind, None)
    if write is None:
        shown = {"openapi": ("an OpenAPI", "FastAPI application"), "asyncapi": ("an AsyncAPI", "Receiver")}
        what, maker = shown[kind]
        raise errors.PatternAppError(f"{target} does not have {what} document: it is no {maker}")
    document: dict[str, Any] = write()
    return document


@contextlib.contextmanager
def _measured(observed: hosting.Hosting, host: str, port: int | None) -> Iterator[None]:
    if port is None:
        yield
        return
    try:
        from patternapp.receiver import metrics  # noqa: PLC0415 - nothing of it is imported while nothing is measured
    except ImportError as error:
        raise errors.EnvironmentProblem(
            f"--metrics-port needs {error.name}, which is not installed: install patternapp[receiver,metrics]"
        ) from error
    measured = metrics.Metrics()
    observed.around += (measured.step,)
    observed.repeated = lambda _: measured.repeated.inc()
    observed.refused = lambda status: measured.refused.labels(str(status)).inc()
    with measured.served(host, port):
        yield


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


def make_server(
    app: Any,
    *,
    settings: Settings,
    started: Callable[[], None] | None = None,
    observed: hosting.Hosting | None = None,
) -> http_server.Server:
    """A server to ``run(sockets=[listener])``, or to ``await serve(sockets=[listener])`` in a running loop.

    Args:
        app: The ASGI application.
        settings: What clients and handlers may take, and how it ends; who makes the server sees to metrics and logs.
        started: Called once the application has started up and takes requests.
        observed: Who else is told what happens.
    """
    return _Server(app, settings, observed or hosting.Hosting(), started=started)


class _Server(http_server.Server):
    def __init__(
        self, app: Any, settings: Settings, observed: hosting.Hosting, *, started: Callable[[], None] | None
    ) -> None:
        super().__init__(app, grace=lambda: settings.grace, limits=settings.limits, host=observed, started=started)
        observed.timeout = settings.timeout
        self._hosting = observed
        self._linger = settings.linger
        self._leave_at = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan.state[hosting.KEY] = self._hosting
        await super().startup(sockets=sockets)

    async def on_tick(self, counter: int) -> bool:
        if not await super().on_tick(counter):
            return False
        now = asyncio.get_running_loop().time()
        if not self._hosting.stopping:
            self._hosting.stopping = True
            self._leave_at = now + (self._linger if signal.SIGTERM in self._captured_signals else 0)
        return self.force_exit or now >= self._leave_at

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets=sockets)
        # uvicorn raises the signal that ended it again, so nothing comes after this.
        for close in self._hosting.closing:
            await asyncio.wait([asyncio.ensure_future(asyncio.to_thread(close))], timeout=CLOSE_TIMEOUT)


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
