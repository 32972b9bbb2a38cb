"""Reads of the bucket endpoint: one object, whole or a range of it, and lists of objects."""

from __future__ import annotations

import asyncio
import email.utils
import mimetypes
import os
import re
import urllib.parse
from typing import TYPE_CHECKING, BinaryIO

from patternapp_services import wire
from patternapp_services.buckets import files, xml
from patternapp_services.buckets.upload import Refused

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator, Mapping

_READ = 256 * 1024
_RANGE = re.compile(rb"bytes=([0-9]{0,18})-([0-9]{0,18})")
_COUNT = re.compile(r"[0-9]{1,9}")


async def send_object(send: wire.Send, root: pathlib.Path, name: str, *, method: str, requested: bytes | None) -> None:
    """Answers GET or HEAD of the object ``bucket/key`` below `root`; `requested` is the Range header.

    Raises:
        Refused: There is no such object, or no such range.
    """
    try:
        file = await asyncio.to_thread(files.read, root, name)
    except OSError:  # A folder or a link, among others.
        raise Refused(404, "NoSuchKey", f"There is no object {name.partition('/')[2]}.") from None
    with file:
        etag = await asyncio.to_thread(files.etag, root, name)
        status = os.fstat(file.fileno())
        first, length = span(requested, status.st_size)
        whole = length == status.st_size
        headers = [
            (b"content-length", b"%d" % length),
            (b"content-type", (mimetypes.guess_type(name)[0] or "binary/octet-stream").encode()),
            (b"etag", f'"{etag}"'.encode()),
            (b"last-modified", email.utils.formatdate(status.st_mtime, usegmt=True).encode()),
            (b"accept-ranges", b"bytes"),
        ]
        if not whole:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (first, first + length - 1, status.st_size)))
        await send({"type": "http.response.start", "status": 200 if whole else 206, "headers": headers})
        if method != "HEAD":
            await _send_bytes(send, file, first=first, length=length)
    await send({"type": "http.response.body", "body": b""})


def span(requested: bytes | None, size: int) -> tuple[int, int]:
    """The first byte and the number of bytes that a Range header asks for, of `size`.

    All of it where the header has no single range, as RFC 9110 section 14.2 lets a server do.

    Raises:
        Refused: The range lies outside.
    """
    match = _RANGE.fullmatch(requested or b"")
    if match is None or match.groups() == (b"", b""):
        return 0, size
    begin, end = match.groups()
    first = int(begin) if begin else max(size - int(end), 0)
    last = min(int(end), size - 1) if begin and end else size - 1
    if first > last:
        raise Refused(416, "InvalidRange", f"The object has {size} bytes; the range asks for none of them.")
    return first, last - first + 1


async def _send_bytes(send: wire.Send, file: BinaryIO, *, first: int, length: int) -> None:
    file.seek(first)
    left = length
    while left:
        data = await asyncio.to_thread(file.read, min(left, _READ))
        if not data:
            raise EOFError(f"{file.name} was cut short while it was sent")
        left -= len(data)
        await send({"type": "http.response.body", "body": data, "more_body": True})


def listing(query: Mapping[str, str]) -> xml.Listing:
    """What the query of a ListObjectsV2 asks for; Refused where it is malformed."""
    count = query.get("max-keys", str(xml.PAGE))
    if not _COUNT.fullmatch(count):
        raise Refused(400, "InvalidArgument", f"max-keys is a number, not {count!r}.")
    token = urllib.parse.unquote(query.get("continuation-token", ""))
    return xml.Listing(
        prefix=query.get("prefix", ""),
        delimiter=query.get("delimiter", ""),
        start_after=token or query.get("start-after", ""),
        max_keys=min(int(count), xml.PAGE),
        encode=query.get("encoding-type") == "url",
    )


def list_bucket(root: pathlib.Path, bucket: str, wanted: xml.Listing) -> bytes:
    """The ListBucketResult of a bucket. It reads the disk: call it in a thread."""
    page = xml.page(files.keys(root, bucket), wanted)
    return xml.listed(bucket, wanted, answer=page, entries=_entries(root, bucket, page.keys))


def _entries(root: pathlib.Path, bucket: str, keys: tuple[str, ...]) -> Iterator[xml.Entry]:
    for key in keys:
        name = f"{bucket}/{key}"
        status = files.regular(root, name)
        try:
            etag = files.etag(root, name)
        except OSError:  # It went away since the folder was read.
            continue
        if status is None:
            continue
        modified = wire.timestamp(status.st_mtime_ns // 1_000_000 / 1_000)
        yield xml.Entry(key=key, size=status.st_size, etag=etag, modified=modified)
