"""Writes an object durably: to a temporary file beside the others, to the disk, and only then to its name.

A key has its old bytes or its new ones, whenever the machine stops.
"""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import hashlib
import os
import uuid
from typing import TYPE_CHECKING, Self

from patternapp import bodies
from patternapp_services import bucket_body, bucket_files, wire

if TYPE_CHECKING:
    import pathlib

_FLUSH = 1024 * 1024
"""Bytes gathered before a thread writes them."""


class Refused(Exception):  # noqa: N818 - what became of the request
    """The bucket endpoint does not do what was asked; `code` is S3's, the message says why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class Upload:
    """One object on its way to `target` in the bucket's folder `bucket`; used as a context manager.

    Unless `commit` returned, leaving the context leaves no trace.
    """

    def __init__(self, bucket: pathlib.Path, target: pathlib.Path, *, limit: int) -> None:
        self._bucket = bucket
        self._target = target
        self._limit = limit
        self._temporary = bucket / f"{bucket_files.UPLOAD_PREFIX}{uuid.uuid4().hex}"
        self._file = self._temporary.open("xb")
        self._digest = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    async def receive(self, scope: wire.Scope, receive: wire.Receive) -> str:
        """Takes the whole body in; returns its MD5 in hexadecimal.

        Raises:
            Refused: It is too long, coded wrongly, or not what its headers say.
            ClientGone: The client left.
        """
        headers = dict(scope["headers"])
        decoder = _decoder(headers)
        pending = bytearray()
        more = True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise bodies.ClientGone
                more = message.get("more_body", False)
                for piece in decoder.feed(message.get("body", b"")):
                    pending += piece
                if len(pending) >= _FLUSH or not more:
                    await asyncio.to_thread(self._write, bytes(pending))
                    pending.clear()
            decoder.finish()
        except bucket_body.BodyError as error:
            raise Refused(400, "IncompleteBody", f"The body cannot be read: {error}.") from None
        self._compare(headers)
        return self._digest.hexdigest()

    async def commit(self) -> None:
        """Gives the object its name, durably; Refused where a folder and an object would share it."""
        try:
            await asyncio.to_thread(self._commit)
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            raise Refused(
                409, "InvalidObjectState", "A part of the key is an object already, or the key is a folder of objects."
            ) from None

    def _write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise Refused(400, "EntityTooLarge", f"The object is longer than the {self._limit} bytes allowed.")
        self._digest.update(data)
        self._file.write(data)

    def _compare(self, headers: dict[bytes, bytes]) -> None:
        decoded = headers.get(b"x-amz-decoded-content-length")
        if decoded is not None and decoded != b"%d" % self._size:
            raise Refused(400, "IncompleteBody", "The body is not as long as x-amz-decoded-content-length says.")
        sent = headers.get(b"content-md5")
        if sent is not None and sent != binascii.b2a_base64(self._digest.digest(), newline=False):
            raise Refused(400, "BadDigest", "The Content-MD5 is not that of the body.")

    def _commit(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._rename()
        folder = self._target.parent
        sync_folder(folder)
        while folder != self._bucket:  # Folders that were made just now must outlive a power cut too.
            folder = folder.parent
            sync_folder(folder)

    def _rename(self) -> None:
        while True:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._temporary.replace(self._target)
            except FileNotFoundError:
                # A deletion took the empty folder away again; without our file there is nothing left to try.
                if not self._temporary.exists():
                    raise
            else:
                return


def sync_folder(folder: pathlib.Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(folder: pathlib.Path) -> None:
    """Removes what uploads of an earlier process left in the buckets of this folder."""
    for leftover in folder.glob(f"*/{bucket_files.UPLOAD_PREFIX}*"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _decoder(headers: dict[bytes, bytes]) -> bucket_body.Decoder:
    codings = [coding.strip().lower() for coding in headers.get(b"content-encoding", b"").split(b",")]
    hashed = headers.get(b"x-amz-content-sha256", b"")
    chunked = b"aws-chunked" in codings or hashed.startswith(b"STREAMING-")
    return bucket_body.AwsChunked() if chunked else bucket_body.Plain()
