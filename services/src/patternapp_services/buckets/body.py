"""The body of an S3 upload: plain, or in the ``aws-chunked`` coding that SDKs use for checksums and signatures.

Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in
Multiple Chunks". Signatures of chunks and trailing checksums are read over, not verified.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIZE_LINE = re.compile(rb"([0-9a-fA-F]{1,8})(;[\x20-\x7e]*)?")
_LINE_LIMIT = 4096


class BodyError(Exception):
    """The coding of the body is broken."""


class Decoder(Protocol):
    """Takes the body piece by piece and gives the object's bytes; `finish` raises `BodyError` if the end is missing."""

    def feed(self, data: bytes) -> Iterable[bytes]: ...

    def finish(self) -> None: ...


class Plain:
    """The body is the object."""

    def feed(self, data: bytes) -> Iterable[bytes]:
        return (data,)

    def finish(self) -> None:
        return


class AwsChunked:
    """``size[;chunk-signature=...] CRLF bytes CRLF`` over and over; a chunk of size 0 and trailers end it."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0
        """Bytes of the current chunk that are still to come, its CRLF not counted."""
        self._in_chunk = False
        self._ended = False

    def feed(self, data: bytes) -> Iterable[bytes]:
        self._buffer += data
        pieces = []
        while not self._ended and (piece := self._step()) is not None:
            pieces.append(piece)
        return pieces

    def finish(self) -> None:
        if not self._ended:
            raise BodyError("the aws-chunked body ends before its last chunk")

    def _step(self) -> bytes | None:
        """The next bytes of the object, which may be none; None if more of the body is needed."""
        if self._left:
            piece = bytes(self._buffer[: self._left])
            del self._buffer[: len(piece)]
            self._left -= len(piece)
            return piece or None
        if self._in_chunk:
            if len(self._buffer) < len(b"\r\n"):
                return None
            if self._buffer[:2] != b"\r\n":
                raise BodyError("a chunk of the aws-chunked body is longer than its size says")
            del self._buffer[:2]
            self._in_chunk = False
        return self._begin_chunk()

    def _begin_chunk(self) -> bytes | None:
        line, found, _ = self._buffer.partition(b"\r\n")
        if not found:
            if len(line) > _LINE_LIMIT:
                raise BodyError("a size line of the aws-chunked body does not end")
            return None
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise BodyError("a size line of the aws-chunked body is not a hexadecimal number")
        del self._buffer[: len(line) + 2]
        self._left = int(match[1], 16)
        self._in_chunk = self._left > 0
        self._ended = self._left == 0
        return b""
