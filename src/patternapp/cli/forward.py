"""The dead-letter store of an app in a cluster, reached through kubectl.

What holds here: the store's API listens on its Pod's loopback address, so whoever may forward a port into the Pod may
use it; kubectl, the user's own, asks the cluster whether that is so.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = 8081
"""Where the store's API listens (patternapp_services.dead_letters.service)."""
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which app of which cluster."""

    app: str
    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None

    def command(self) -> list[str]:
        """What forwards a free port of this machine."""
        from patternapp.render import names

        given = (("--kubeconfig", self.kubeconfig), ("--context", self.context), ("--namespace", self.namespace))
        chosen = [part for flag, value in given if value is not None for part in (flag, value)]
        store = f"deployment/{names.own(self.app, names.DEAD_LETTERS)}"
        return ["kubectl", *chosen, "port-forward", "--address", "127.0.0.1", store, f":{PORT}"]


@contextlib.contextmanager
def forwarded(place: Place) -> Iterator[str]:
    """The URL of the store's API while the block runs.

    Raises:
        errors.EnvironmentProblem: There is no kubectl, or it cannot forward; its reason is in the message.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own kubectl, with names that no shell reads
            place.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    except FileNotFoundError:
        raise errors.EnvironmentProblem(
            "kubectl is not on the PATH, and the dead-letter store is reached through it; install it"
        ) from None
    with process:
        try:
            yield f"http://127.0.0.1:{_port(process, place)}"
        finally:
            process.terminate()


def _port(process: subprocess.Popen[str], place: Place) -> str:
    line = process.stdout.readline() if process.stdout else ""
    found = _FORWARDING.match(line)
    if found:
        return found[1]
    process.terminate()
    said = (process.stderr.read() if process.stderr else "").strip().splitlines()
    why = said[-1].removeprefix("error: ").removeprefix("Error from server ") if said else line.strip()
    raise errors.EnvironmentProblem(
        f"the dead-letter store of {place.app} cannot be reached: {why}; see: patternapp status {place.app}"
    )
