"""How much of a server one client can take: counts, bytes and seconds, each with its default and its reason."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET_SIZE = 8192
"""Bytes of a request's target; RFC 9110 4.1 asks for 8,000 at least."""
PIPELINED = 32
"""Requests of one connection that wait for the answers before theirs; the connection ends after those."""
SLOWEST_BODY = 1024
"""Bytes a second that a body comes at in the long run, or it counts as stuck."""
FRAMING = 65_536
"""Bytes of chunk sizes, extensions and trailers, beside sixteen for each byte of the body."""
LEAVING_TIMEOUT = 2.0
"""Seconds in which a refused client can read why, while the rest of what it sends is thrown away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may take of a server.

    Attributes:
        connections: Open connections; one more takes the place of the idle one that is nearest its end, and is
            answered 503 where there is none. Below the usual 1,024 descriptors of a process.
        headers: Headers of a request; more are answered 431.
        head_size: Bytes of a request's headers; more are answered 431. The attributes of an event have up to 64 KiB.
        head_timeout: Seconds from the first byte of a request, or from the connection's beginning, to the end of the
            headers; a slower request is answered 408.
        body_timeout: Seconds for a body, and one more for each `SLOWEST_BODY` of its bytes; a slower one is answered
            408. While the application does not read, the time stands still.
        idle_timeout: Seconds that a connection may wait for its next request. Longer than proxies in front keep
            theirs (60 s), or they would now and then send into a closed one.
        answer_timeout: Seconds in which a client that has an answer to read takes none of it.
    """

    connections: int = 800
    headers: int = 128
    head_size: int = 98_304
    head_timeout: float = 10.0
    body_timeout: float = 20.0
    idle_timeout: float = 75.0
    answer_timeout: float = 30.0


USUAL = Limits()
"""Those of every server for which nobody chose others."""


def variable(name: str) -> str:
    """The variable of the environment for a setting of this name, such as ``PATTERNAPP_HEAD_SIZE``."""
    return f"PATTERNAPP_{name.upper().replace('-', '_')}"


def of(environment: Mapping[str, str]) -> Limits:
    """What the environment says, each limit by its `variable`, and the usual for the rest.

    Raises:
        EnvironmentProblem: A variable is no count from 1, or no seconds from 0.
    """
    names = (field.name for field in dataclasses.fields(Limits))
    known: dict[str, Any] = {}
    for name in names:
        if (text := environment.get(variable(name))) is not None:
            known[name] = (count if isinstance(getattr(USUAL, name), int) else seconds)(name, text)
    return Limits(**known)


def count(name: str, text: str) -> int:
    """The value of a setting that counts; raises `EnvironmentProblem`."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise errors.EnvironmentProblem(f"{variable(name)}={text} is not a count from 1; mend it, or leave it out")
    return int(text)


def seconds(name: str, text: str) -> float:
    """The value of a setting in seconds; raises `EnvironmentProblem`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise errors.EnvironmentProblem(f"{variable(name)}={text} is not seconds from 0; mend it, or leave it out")
    return value
