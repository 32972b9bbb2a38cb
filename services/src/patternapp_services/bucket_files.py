"""How the objects of a bucket lie in a folder: ``<bucket>/<key>``, one file each.

What holds here:

* A key leads to a file below its bucket, never elsewhere, and one key to one file.
* Names of files that are not finished yet (`is_temporary`) are no keys: they are not stored, listed or watched.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp import cloudevents, errors

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""A bucket's name, as S3 has it."""
UPLOAD_PREFIX = ".patternapp-upload-"
"""Begins the names of uploads under way."""
KEY_BYTES = 1024
"""The longest key, as S3 has it."""
_NAME_BYTES = 255
_TEMPORARY_SUFFIXES = ("~", ".crdownload", ".part", ".partial", ".swp", ".tmp")
_HASHED = 4096


@dataclass(frozen=True, slots=True)
class State:
    """What tells one version of an object from the next: when it was written, nanoseconds, and its bytes."""

    mtime_ns: int
    size: int

    def __str__(self) -> str:
        return f"{self.mtime_ns}:{self.size}"

    @classmethod
    def parse(cls, text: str) -> State:
        """What `str` wrote."""
        mtime_ns, _, size = text.partition(":")
        return cls(int(mtime_ns), int(size))


def is_temporary(name: str) -> bool:
    """Whether programs give this name to files that are not finished: hidden ones, and some suffixes."""
    return name.startswith(".") or name.endswith(_TEMPORARY_SUFFIXES)


def fault(key: str) -> str | None:
    """Why a key cannot be stored, None where it can."""
    try:  # A key is the subject of its events.
        cloudevents.check({"specversion": "1.0", "id": "-", "source": "-", "type": "-", "subject": key})
    except errors.CloudEventError as error:
        return f"it {error.reason}"
    if len(key.encode()) > KEY_BYTES:
        return f"it is longer than {KEY_BYTES} bytes"
    for name in key.split("/"):
        if not name:
            return "it is empty, begins or ends with /, or holds //"
        if is_temporary(name):
            return f"names such as {name!r} are kept for files that are not finished"
        if len(name.encode()) > _NAME_BYTES:
            return f"one of its segments is longer than {_NAME_BYTES} bytes"
    return None


def state(path: pathlib.Path) -> State | None:
    """The state of the object at `path`; None where there is no regular file."""
    status = regular(path)
    return None if status is None else State(status.st_mtime_ns, status.st_size)


def was_moved(path: pathlib.Path) -> bool:
    """Whether a file was given its name after its last byte was written, so that it is complete.

    Writing sets both times of a file to the same instant; renaming it moves only the time of its status on.
    """
    status = regular(path)
    return status is not None and status.st_size > 0 and status.st_ctime_ns > status.st_mtime_ns


def regular(path: pathlib.Path) -> os.stat_result | None:
    """The status of a regular file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def keys(folder: pathlib.Path) -> Iterator[str]:
    """The keys of the bucket in this folder, in no order; nothing where the folder is missing."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_temporary(name)]
        base = os.path.relpath(parent, folder)
        for name in names:
            key = name if base == "." else f"{base}/{name}"
            if fault(key) is None:
                yield key


def etag(path: pathlib.Path) -> str:
    """The MD5 of a file, in hexadecimal: S3's ETag without its quotes. Remembered as long as the file stays.

    Raises:
        OSError: It cannot be read.
    """
    status = path.stat()
    return _digest(str(path), status.st_ino, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=_HASHED)
def _digest(path: str, _inode: int, _mtime_ns: int, _size: int) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - the cache's key is text
        return hashlib.file_digest(file, functools.partial(hashlib.md5, usedforsecurity=False)).hexdigest()
