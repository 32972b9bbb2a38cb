"""Writes an object durably: to a temporary file beside the others, to the disk, and only then to its name.

A key has its old bytes or its new ones, whenever the machine stops.
"""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import hashlib
import os
import stat
import uuid
from typing import TYPE_CHECKING, Self

from patternapp.http import bodies
from patternapp_services.buckets import body, files

if TYPE_CHECKING:
    import pathlib

    from patternapp_services import wire

_FLUSH = 1024 * 1024
"""Bytes gathered before a thread writes them."""


class Refused(Exception):  # noqa: N818 - what became of the request
    """The bucket endpoint does not do what was asked; `code` is S3's, the message says why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class Upload:
    """One object on its way to its name ``bucket/key`` below `root`; used as a context manager.

    Unless `commit` returned, leaving the context leaves no trace.
    """

    def __init__(self, root: pathlib.Path, name: str, *, limit: int) -> None:
        self._root = root
        self._name = name
        self._limit = limit
        self._temporary = f"{files.UPLOAD_PREFIX}{uuid.uuid4().hex}"
        with files.folders(root, f"{name.partition('/')[0]}/") as found:
            self._bucket = os.dup(found[-1])
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._temporary, flags, 0o666, dir_fd=self._bucket), "wb")
        self._digest = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._temporary, dir_fd=self._bucket)
        os.close(self._bucket)

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
        except body.BodyError as error:
            raise Refused(400, "IncompleteBody", f"The body cannot be read: {error}.") from None
        self._compare(headers)
        return self._digest.hexdigest()

    async def commit(self) -> None:
        """Gives the object its name, durably; Refused where something else has it, or a part of it."""
        try:
            await asyncio.to_thread(self._commit)
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            raise Refused(
                409,
                "InvalidObjectState",
                "A part of the key is an object or a link, or the key is a folder of objects or a link.",
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
        while not self._renamed():
            pass

    def _renamed(self) -> bool:
        """Whether the file has its name now; otherwise a deletion took an empty folder away: once more."""
        last = self._name.rpartition("/")[2]
        try:
            with files.folders(self._root, self._name, make=True) as found:
                _refuse_link(last, found[-1])
                os.replace(self._temporary, last, src_dir_fd=self._bucket, dst_dir_fd=found[-1])
                for folder in reversed(found[1:]):  # Folders made just now must outlive a power cut too.
                    os.fsync(folder)
        except FileNotFoundError:
            os.stat(self._temporary, dir_fd=self._bucket)  # Without our file there is nothing left to try.
            return False
        return True


def _refuse_link(name: str, folder: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise FileExistsError(name)


def remove_unfinished(root: pathlib.Path) -> None:
    """Removes what uploads of an earlier process left in the buckets below this folder."""
    for bucket in root.iterdir():
        with contextlib.suppress(OSError), files.folders(root, f"{bucket.name}/") as found:
            for entry in os.scandir(found[-1]):
                if entry.name.startswith(files.UPLOAD_PREFIX):
                    os.unlink(entry.name, dir_fd=found[-1])


def _decoder(headers: dict[bytes, bytes]) -> body.Decoder:
    codings = [coding.strip().lower() for coding in headers.get(b"content-encoding", b"").split(b",")]
    hashed = headers.get(b"x-amz-content-sha256", b"")
    chunked = b"aws-chunked" in codings or hashed.startswith(b"STREAMING-")
    return body.AwsChunked() if chunked else body.Plain()
