"""A bucket endpoint over a folder: the part of S3 that SDKs need to put, get, list and delete objects, path style.

What holds here:

* ``/{bucket}/{key...}`` is the file ``<root>/<bucket>/<key>``; `files` says which keys there are.
* An upload that is answered 200 is durable. Errors are S3's XML.
* Signatures are neither wanted nor checked: the endpoint is for the loopback of one machine. Metadata and content
  types of uploads are not kept; a content type is guessed from the key.
"""

from __future__ import annotations

import asyncio
import os
import urllib.parse
from typing import TYPE_CHECKING

from patternapp.http import bodies
from patternapp_services import wire
from patternapp_services.buckets import files, read, upload, xml
from patternapp_services.buckets.upload import Refused

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Awaitable, Callable, Mapping

LIMIT = 512 * 1024 * 1024
_LISTING = frozenset({
    "list-type", "prefix", "delimiter", "max-keys", "start-after", "continuation-token", "encoding-type",
    "fetch-owner", "x-id",
})  # fmt: skip
_XML = (b"content-type", b"application/xml")


class Buckets:
    """The ASGI app over the buckets in `root`, under the path `prefix`; no object is longer than `limit` bytes.

    Unfinished uploads of an earlier process are removed when it is made: one process owns the root.
    """

    def __init__(self, root: pathlib.Path, *, prefix: str = "", limit: int = LIMIT) -> None:
        self._root = root
        self._prefix = prefix
        self._limit = limit
        self._bucket_methods: Mapping[str, _BucketCall] = {
            "PUT": self._create,
            "GET": self._list,
            "HEAD": self._exists,
        }
        self._object_methods: Mapping[str, _ObjectCall] = {
            "PUT": self._put,
            "GET": self._get,
            "HEAD": self._get,
            "DELETE": self._delete,
        }
        upload.remove_unfinished(root)

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] != "http":
            await wire.decline(scope, receive, send)
            return
        try:
            await self._answer(_Request(scope, receive, send, prefix=self._prefix))
        except Refused as refusal:
            path = wire.target(scope).decode("latin-1")
            body = xml.error(refusal.code, str(refusal), resource=path)
            await wire.respond(send, refusal.status, body=body, headers=[_XML])
        except bodies.ClientGone:
            return

    async def _answer(self, request: _Request) -> None:
        bucket, key = request.bucket, request.key
        if request.query.keys() & {"uploads", "uploadId"}:
            raise _not_implemented("multipart upload (raise the SDK's multipart threshold)")
        if not files.BUCKET.fullmatch(bucket):
            raise Refused(400, "InvalidBucketName", "A bucket's name has 3 to 63 of a-z, 0-9, . and -.")
        creates = not key and request.method == "PUT"
        if not creates and not await asyncio.to_thread(files.is_folder, self._root, bucket):
            raise Refused(404, "NoSuchBucket", f"There is no bucket {bucket}. PUT /{bucket} creates it.")
        if not key:
            if (bucket_call := self._bucket_methods.get(request.method)) is None:
                raise _no_method(request, self._bucket_methods)
            await bucket_call(request)
            return
        if (object_call := self._object_methods.get(request.method)) is None:
            raise _no_method(request, self._object_methods)
        if wrong := files.fault(key):
            raise Refused(400, "InvalidArgument", f"The key cannot be kept: {wrong}.")
        if unknown := request.query.keys() - {"x-id"}:
            raise _not_implemented(f"?{min(unknown)}")
        await object_call(request, f"{bucket}/{key}")

    async def _create(self, request: _Request) -> None:
        if request.query.keys() - {"x-id"}:
            raise _not_implemented("a subresource of a bucket")
        await asyncio.to_thread(_make, self._root, request.bucket)
        await wire.respond(request.send, 200, headers=[(b"location", f"/{request.bucket}".encode())])

    async def _exists(self, request: _Request) -> None:
        await wire.respond(request.send, 200)

    async def _list(self, request: _Request) -> None:
        if unknown := request.query.keys() - _LISTING:
            raise _not_implemented(f"?{min(unknown)}")
        wanted = read.listing(request.query)
        body = await asyncio.to_thread(read.list_bucket, self._root, request.bucket, wanted)
        await wire.respond(request.send, 200, body=body, headers=[_XML])

    async def _put(self, request: _Request, name: str) -> None:
        if b"x-amz-copy-source" in request.headers:
            raise _not_implemented("copying")
        length = int(request.headers.get(b"content-length", b"0"))
        # Chunked codings add to the length, so only a body that is hopelessly long is refused unread.
        if length > 2 * self._limit:
            raise Refused(400, "EntityTooLarge", f"The object is longer than the {self._limit} bytes allowed.")
        with upload.Upload(self._root, name, limit=self._limit) as taking:
            etag = await taking.receive(request.scope, request.receive)
            await taking.commit()
        await wire.respond(request.send, 200, headers=[(b"etag", f'"{etag}"'.encode())])

    async def _get(self, request: _Request, name: str) -> None:
        await read.send_object(
            request.send, self._root, name, method=request.method, requested=request.headers.get(b"range")
        )

    async def _delete(self, request: _Request, name: str) -> None:
        await asyncio.to_thread(files.remove, self._root, name)
        await wire.respond(request.send, 204)


class _Request:
    """The parts of a request that S3 looks at."""

    def __init__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send, *, prefix: str) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.method: str = scope["method"]
        self.headers = dict(scope["headers"])
        raw = wire.target(scope).decode("latin-1").removeprefix(prefix).removeprefix("/")
        bucket, _, key = raw.partition("/")
        try:
            self.bucket = bucket
            self.key = urllib.parse.unquote(key, errors="strict")
        except UnicodeDecodeError:
            raise Refused(400, "InvalidURI", "The key is not percent-encoded UTF-8.") from None
        query = scope.get("query_string", b"").decode("latin-1")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))


def _no_method(request: _Request, methods: Mapping[str, object]) -> Refused:
    return Refused(405, "MethodNotAllowed", f"There is no {request.method} here, only {', '.join(methods)}.")


def _not_implemented(what: str) -> Refused:
    return Refused(501, "NotImplemented", f"This endpoint keeps to simple requests: it has no {what}.")


def _make(root: pathlib.Path, bucket: str) -> None:
    try:
        with files.folders(root, f"{bucket}/", make=True) as found:
            os.fsync(found[0])
    except NotADirectoryError:
        raise Refused(409, "BucketAlreadyExists", f"{bucket} is a file or a link, so it is no bucket.") from None


if TYPE_CHECKING:
    _BucketCall = Callable[[_Request], Awaitable[None]]
    _ObjectCall = Callable[[_Request, str], Awaitable[None]]
