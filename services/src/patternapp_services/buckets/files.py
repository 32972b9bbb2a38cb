"""How the objects of buckets lie in a folder, the root: ``<root>/<bucket>/<key>``, one file each.

What holds here:

* A key leads to a file below its bucket, never elsewhere, and one key to one file. No symbolic link below the root is
  followed, as every folder on the way is opened from the one before: whoever swaps one for a link changes nothing.
* Names of files that are not finished yet (`is_temporary`) are no keys: they are not stored, listed or watched.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp import cloudevents, errors

if TYPE_CHECKING:
    import io
    import pathlib
    from collections.abc import Iterator

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""A bucket's name, as S3 has it."""
UPLOAD_PREFIX = ".patternapp-upload-"
"""Begins the names of uploads under way."""
KEY_BYTES = 1024
"""The longest key, as S3 has it."""
_NAME_BYTES = 255
_SEGMENTS = 64
"""Segments of a key at most: that many folders are open at once."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
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
    segments = key.split("/")
    if len(segments) > _SEGMENTS:
        return f"it has more than {_SEGMENTS} segments"
    return next(filter(None, map(_segment_fault, segments)), None)


def _segment_fault(name: str) -> str | None:
    if not name:
        return "it is empty, begins or ends with /, or holds //"
    if is_temporary(name):
        return f"names such as {name!r} are kept for files that are not finished"
    return f"one of its segments is longer than {_NAME_BYTES} bytes" if len(name.encode()) > _NAME_BYTES else None


@contextlib.contextmanager
def folders(root: pathlib.Path, name: str, *, make: bool = False) -> Iterator[list[int]]:
    """The descriptors of the root and of every folder on the way to a name such as ``bucket/key``; the last holds it.

    Args:
        root: May be anywhere.
        name: Below the root.
        make: Makes the folders that are missing.

    Raises:
        OSError: One is missing, or is no folder but a file or a link.
    """
    with contextlib.ExitStack() as opened:

        def enter(folder: pathlib.Path | str, flags: int, within: int | None = None) -> int:
            descriptor = os.open(folder, flags, dir_fd=within)
            opened.callback(os.close, descriptor)
            return descriptor

        found = [enter(root, _FOLDER & ~os.O_NOFOLLOW)]
        for segment in name.split("/")[:-1]:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(segment, dir_fd=found[-1])
            found.append(enter(segment, _FOLDER, found[-1]))
        yield found


def is_folder(root: pathlib.Path, name: str) -> bool:
    """Whether there is a folder of this name, and no link to one."""
    try:
        with folders(root, f"{name}/"):
            return True
    except OSError:
        return False


def regular(root: pathlib.Path, name: str) -> os.stat_result | None:
    """The status of a regular file; None where there is none."""
    try:
        with folders(root, name) as found:
            return _regular(found[-1], _last(name))
    except OSError:
        return None


def _regular(folder: int, name: str) -> os.stat_result | None:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return status if stat.S_ISREG(status.st_mode) else None


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def state(root: pathlib.Path, name: str) -> State | None:
    """The state of an object; None where there is none."""
    status = regular(root, name)
    return None if status is None else State(status.st_mtime_ns, status.st_size)


def was_moved(root: pathlib.Path, name: str) -> bool:
    """Whether a file was given its name after its last byte was written, so that it is complete.

    Writing sets both times of a file to the same instant; renaming it moves only the time of its status on.
    """
    status = regular(root, name)
    return status is not None and status.st_size > 0 and status.st_ctime_ns > status.st_mtime_ns


def read(root: pathlib.Path, name: str) -> io.BufferedReader:
    """An object, open for reading.

    Raises:
        OSError: There is none, or it cannot be read.
    """
    with folders(root, name) as found:
        # A pipe would wait for its writer; without blocking it is seen for what it is.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.fdopen(os.open(_last(name), flags, dir_fd=found[-1]), "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise FileNotFoundError(name)


def remove(root: pathlib.Path, name: str) -> None:
    """Delete an object durably, and the folders that are empty without it, as S3 has no folders.

    Nothing happens where there is none.
    """
    segments = name.split("/")
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), folders(root, name) as found:
        if _regular(found[-1], segments[-1]) is None:
            return
        os.unlink(segments[-1], dir_fd=found[-1])
        os.fsync(found[-1])
        for depth in range(len(found) - 1, 1, -1):
            try:
                os.rmdir(segments[depth - 1], dir_fd=found[depth - 1])
            except OSError:  # It holds something.
                return


def keys(root: pathlib.Path, bucket: str) -> Iterator[str]:
    """The keys of a bucket, in no order; nothing where it is missing."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), folders(root, f"{bucket}/") as found:
        for parent, inner, names, folder in os.fwalk(".", dir_fd=found[-1]):
            base = parent.removeprefix("./") + "/" if parent != "." else ""
            deep = base.count("/") >= _SEGMENTS
            inner[:] = [] if deep else [name for name in inner if not is_temporary(name)]
            for name in names:
                with contextlib.suppress(OSError):  # It went away since the folder was read.
                    if fault(base + name) is None and _regular(folder, name) is not None:
                        yield base + name


def etag(root: pathlib.Path, name: str) -> str:
    """The MD5 of an object, in hexadecimal: S3's ETag without its quotes. Remembered as long as the file stays.

    Raises:
        OSError: It cannot be read.
    """
    status = regular(root, name)
    if status is None:
        raise FileNotFoundError(name)
    return _digest(root, name, status.st_ino, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=_HASHED)
def _digest(root: pathlib.Path, name: str, _inode: int, _mtime_ns: int, _size: int) -> str:
    with read(root, name) as file:
        return hashlib.file_digest(file, functools.partial(hashlib.md5, usedforsecurity=False)).hexdigest()
