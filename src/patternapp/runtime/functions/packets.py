"""What `dev`, the fork server and the functions say to each other.

What holds here: every socket is AF_UNIX and SOCK_SEQPACKET, so one packet is one message, whole and in order, no matter
how many threads or forks write, and an empty packet is the end. A message is JSON, but for a printed line: that is
``L``, ``o`` or ``e`` for the stream, the event's number or nothing, a newline, and the line's bytes.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patternapp.runtime.functions.model import Stream

PACKET = 128 * 1024
"""Bytes of a packet at most; the kernel's default for such a socket takes somewhat more."""
LINE = 64 * 1024
"""Bytes of a line at most; what is beyond is cut."""
CUT = b" [cut]"
_STREAMS: dict[bytes, Stream] = {b"o": "stdout", b"e": "stderr"}
_LETTERS = {stream: letter for letter, stream in _STREAMS.items()}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a function's Python code printed while it worked on this event."""

    stream: Stream
    event: int | None
    text: bytes


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def pack(message: dict[str, Any]) -> bytes:
    """The packet of a message."""
    return json.dumps(message).encode()


def pack_line(line: Line) -> bytes:
    """The packet of a line."""
    number = b"" if line.event is None else b"%d" % line.event
    return b"L" + _LETTERS[line.stream] + number + b"\n" + line.text


def unpack(packet: bytes) -> Line | dict[str, Any]:
    """The message or the line of a packet."""
    if packet[:1] != b"L":
        message: dict[str, Any] = json.loads(packet)
        return message
    head, _, text = packet.partition(b"\n")
    return Line(_STREAMS[head[1:2]], int(head[2:]) if len(head) > 2 else None, text)


class Lines:
    """Makes whole lines of chunks. A line beyond `LINE` bytes is cut there, and marked so."""

    def __init__(self) -> None:
        self._rest = b""
        self._cutting = False

    @property
    def empty(self) -> bool:
        """Whether no line has begun."""
        return not self._rest and not self._cutting

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that the chunk completes, without their ends."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        lines = [self._clip(line) for line in whole if not self._ends_a_cut()]
        if self._cutting:
            rest = b""
        elif len(rest) > LINE:
            lines.append(rest[:LINE] + CUT)
            self._cutting, rest = True, b""
        self._rest = rest
        return lines

    def end(self) -> list[bytes]:
        """What is left as the last line, if anything is."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []

    def _ends_a_cut(self) -> bool:
        was, self._cutting = self._cutting, False
        return was

    @staticmethod
    def _clip(line: bytes) -> bytes:
        return line.removesuffix(b"\r") if len(line) <= LINE else line[:LINE] + CUT
