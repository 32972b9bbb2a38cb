"""Reads what one process says: its two pipes and its channel, never faster than the listener takes it."""

from __future__ import annotations

import asyncio
import functools
import os
from typing import TYPE_CHECKING, Any

from patternapp.runtime.functions import packets

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from patternapp.runtime.functions.model import Stream

CHUNK = 16 * 1024
"""Bytes of a pipe read at a time, so that the loop does other work beside one that prints without end."""
PACKETS = 16
"""Packets of the channel read at a time, for the same reason."""
PIPE_FILL = 64 * 1024 // CHUNK
CHANNEL_FILL = 512 // PACKETS
"""Reads that take all that the kernel holds of a pipe or a channel (pipe(7); 208 KiB, 768 bytes a packet at least)."""


class Capture:
    """What one process says.

    Args:
        pipes: The ends to read of its streams; closed here.
        channel: The end to read of its channel; closed here.
        say: Takes a line: its stream, its event where the process knows it, its text.
        told: Takes a message that is not a line.
    """

    def __init__(
        self,
        pipes: dict[Stream, int],
        channel: socket.socket,
        *,
        say: Callable[[Stream, int | None, str], None],
        told: Callable[[dict[str, Any]], None],
    ) -> None:
        self._say = say
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._pipes: dict[int, tuple[Stream, packets.Lines]] = {}
        for stream, descriptor in pipes.items():
            self._pipes[descriptor] = (stream, packets.Lines())
            os.set_blocking(descriptor, False)
            self._loop.add_reader(descriptor, self._read, descriptor)
        self._channel: socket.socket | None = channel
        channel.setblocking(False)
        self._loop.add_reader(channel, self._receive)

    @property
    def connected(self) -> bool:
        """Whether the process still has its end of the channel."""
        return self._channel is not None

    def take(self) -> None:
        """Take what was said up to now, without waiting."""
        for descriptor in list(self._pipes):
            _repeat(functools.partial(self._read, descriptor), PIPE_FILL)
        _repeat(self._receive, CHANNEL_FILL)

    def close(self) -> None:
        """Take the rest, also a line without an end, and stop reading."""
        self.take()
        for descriptor in list(self._pipes):
            self._end(descriptor)
        self._hang_up()

    def _read(self, descriptor: int) -> bool:
        """Read once; whether there may be more."""
        try:
            chunk = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return False
        stream, lines = self._pipes[descriptor]
        for line in lines.feed(chunk):
            self._say(stream, None, _text(line))
        if not chunk:
            self._end(descriptor)
        return len(chunk) == CHUNK

    def _end(self, descriptor: int) -> None:
        stream, lines = self._pipes.pop(descriptor)
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        for line in lines.end():
            self._say(stream, None, _text(line))

    def _receive(self) -> bool:
        """Receive some packets; whether there may be more."""
        for _ in range(PACKETS):
            if self._channel is None:
                return False
            try:
                packet = self._channel.recv(packets.PACKET)
            except BlockingIOError:
                return False
            except ConnectionError:
                packet = b""
            if not packet:
                self._hang_up()
                return False
            match packets.unpack(packet):
                case packets.Line(stream, event, text):
                    self._say(stream, event, _text(text))
                case message:
                    self._told(message)
        return True

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._loop.remove_reader(self._channel)
            self._channel.close()
            self._channel = None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _repeat(read: Callable[[], bool], times: int) -> None:
    for _ in range(times):
        if not read():
            return
