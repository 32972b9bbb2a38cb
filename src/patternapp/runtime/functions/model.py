"""What the pool is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from patternapp import errors
from patternapp.runtime import clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Stream = Literal["stdout", "stderr"]
Phase = Literal["starting", "ready", "draining"]
Kind = Literal["started", "stopped", "failed", "crashed", "reloaded", "unwatched"]


class FunctionUnavailable(errors.PatternAppError):
    """No instance of the function can take a request now.

    Attributes:
        name: The function.
        reason: Why, in one line.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"function {name} is not available: {reason}")


class StartFailed(errors.PatternAppError):
    """An instance did not come up. `traceback` is the handler's import error, empty when there is none."""

    def __init__(self, reason: str, traceback: str = "") -> None:
        self.reason = reason
        self.traceback = traceback
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How functions are run.

    Attributes:
        folder: The folder of the app's file: functions run in it and import from it.
        env: Variables for every function; a function's own win.
        data: Where Secrets and ConfigMaps that `env` refers to are: ``secrets/NAME/KEY``, ``configmaps/NAME/KEY``.
        reload: Whether functions are reloaded when files change that they imported.
        start_timeout: Seconds from the start of a process until it must take requests.
        stop_grace: Seconds that requests in flight get before their process is killed.
    """

    folder: Path
    env: Mapping[str, str]
    data: Path | None = None
    reload: bool = True
    start_timeout: float = 30.0
    stop_grace: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something became of a function.

    Attributes:
        kind: ``started``, ``stopped`` and ``reloaded`` are in order; ``failed``: an instance did not come up;
            ``crashed``: it ended by itself; ``unwatched``: files are not watched, so nothing is reloaded.
        function: Its name; None where the change is not about one function.
        pid: The process, None where there was none.
        reason: Why, in one line.
        traceback: The import error, the first time that it is seen; else empty.
    """

    kind: Kind
    function: str | None
    pid: int | None = None
    reason: str = ""
    traceback: str = ""


class Listener(Protocol):
    """Called in the event loop; returns at once. Functions' output is read no faster than it returns."""

    def line(self, function: str, pid: int, stream: Stream, event: int | None, text: str, at: float) -> None:
        """A function printed a line (its end is left off) while it worked on this event; `at` is epoch seconds."""
        ...

    def changed(self, change: Change) -> None:
        """Something became of a function."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceState:
    """One process of a function. `started_at` is seconds since the epoch."""

    pid: int | None
    port: int
    state: Phase
    in_flight: int
    started_at: float

    def as_json(self) -> dict[str, Any]:
        return {
            "pid": self.pid,
            "port": self.port,
            "state": self.state,
            "inFlight": self.in_flight,
            "startedAt": clock.rfc3339(self.started_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionState:
    """One function: its processes, and what became of it since the pool was started.

    Attributes:
        handler: MODULE:APP, or the command.
        requests: Requests that asked for an instance.
        cold_starts: Starts while no other instance could take requests.
        last_cold_start_seconds: From the start of the process until it took requests.
        last_error: Why the last start failed or the last process crashed; None once an instance came up again.
    """

    name: str
    handler: str
    instances: tuple[InstanceState, ...]
    requests: int
    cold_starts: int
    last_cold_start_seconds: float | None
    last_error: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "handler": self.handler,
            "instances": [instance.as_json() for instance in self.instances],
            "requests": self.requests,
            "coldStarts": self.cold_starts,
            "lastColdStartSeconds": self.last_cold_start_seconds,
            "lastError": self.last_error,
        }
