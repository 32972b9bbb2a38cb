"""A bucket endpoint over a folder: the part of S3 that SDKs need to put, get, list and delete objects, path style.

What holds here:

* ``/{bucket}/{key...}`` is the file ``<folder>/<bucket>/<key>``; `bucket_files` says which keys there are.
* An upload that is answered 200 is durable. Errors are S3's XML.
* Signatures are neither wanted nor checked: the endpoint is for the loopback of one machine. Metadata and content
  types of uploads are not kept; a content type is guessed from the key.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from typing import TYPE_CHECKING

from patternapp import bodies
from patternapp_services import bucket_files, bucket_read, bucket_upload, bucket_xml, wire
from patternapp_services.bucket_upload import Refused

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
    """The ASGI app over the buckets in `folder`, under the path `prefix`; no object is longer than `limit` bytes.

    Unfinished uploads of an earlier process are removed when it is made: one process owns the folder.
    """

    def __init__(self, folder: pathlib.Path, *, prefix: str = "", limit: int = LIMIT) -> None:
        self._folder = folder
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
        bucket_upload.remove_unfinished(folder)

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] != "http":
            await wire.decline(scope, receive, send)
            return
        try:
            await self._answer(_Request(scope, receive, send, prefix=self._prefix))
        except Refused as refusal:
            path = wire.target(scope).decode("latin-1")
            body = bucket_xml.error(refusal.code, str(refusal), resource=path)
            await wire.respond(send, refusal.status, body=body, headers=[_XML])
        except bodies.ClientGone:
            return

    async def _answer(self, request: _Request) -> None:
        bucket, key = request.bucket, request.key
        if request.query.keys() & {"uploads", "uploadId"}:
            raise _not_implemented("multipart upload (raise the SDK's multipart threshold)")
        if not bucket_files.BUCKET.fullmatch(bucket):
            raise Refused(400, "InvalidBucketName", "A bucket's name has 3 to 63 of a-z, 0-9, . and -.")
        folder = self._folder / bucket
        creates = not key and request.method == "PUT"
        if not creates and not folder.is_dir():
            raise Refused(404, "NoSuchBucket", f"There is no bucket {bucket}. PUT /{bucket} creates it.")
        if not key:
            if (bucket_call := self._bucket_methods.get(request.method)) is None:
                raise _no_method(request, self._bucket_methods)
            await bucket_call(request, folder)
            return
        if (object_call := self._object_methods.get(request.method)) is None:
            raise _no_method(request, self._object_methods)
        if wrong := bucket_files.fault(key):
            raise Refused(400, "InvalidArgument", f"The key cannot be kept: {wrong}.")
        if unknown := request.query.keys() - {"x-id"}:
            raise _not_implemented(f"?{min(unknown)}")
        await object_call(request, folder, folder / key)

    async def _create(self, request: _Request, folder: pathlib.Path) -> None:
        if request.query.keys() - {"x-id"}:
            raise _not_implemented("a subresource of a bucket")
        await asyncio.to_thread(_make, folder)
        await wire.respond(request.send, 200, headers=[(b"location", f"/{request.bucket}".encode())])

    async def _exists(self, request: _Request, _: pathlib.Path) -> None:
        await wire.respond(request.send, 200)

    async def _list(self, request: _Request, folder: pathlib.Path) -> None:
        if unknown := request.query.keys() - _LISTING:
            raise _not_implemented(f"?{min(unknown)}")
        wanted = bucket_read.listing(request.query)
        body = await asyncio.to_thread(bucket_read.list_bucket, request.bucket, folder, wanted)
        await wire.respond(request.send, 200, body=body, headers=[_XML])

    async def _put(self, request: _Request, folder: pathlib.Path, path: pathlib.Path) -> None:
        if b"x-amz-copy-source" in request.headers:
            raise _not_implemented("copying")
        length = int(request.headers.get(b"content-length", b"0"))
        # Chunked codings add to the length, so only a body that is hopelessly long is refused unread.
        if length > 2 * self._limit:
            raise Refused(400, "EntityTooLarge", f"The object is longer than the {self._limit} bytes allowed.")
        with bucket_upload.Upload(folder, path, limit=self._limit) as upload:
            etag = await upload.receive(request.scope, request.receive)
            await upload.commit()
        await wire.respond(request.send, 200, headers=[(b"etag", f'"{etag}"'.encode())])

    async def _get(self, request: _Request, _: pathlib.Path, path: pathlib.Path) -> None:
        await bucket_read.send_object(
            request.send, path, method=request.method, key=request.key, requested=request.headers.get(b"range")
        )

    async def _delete(self, request: _Request, folder: pathlib.Path, path: pathlib.Path) -> None:
        await asyncio.to_thread(_remove, folder, path)
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


def _make(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    bucket_upload.sync_folder(folder.parent)


def _remove(bucket: pathlib.Path, path: pathlib.Path) -> None:
    """Deletes an object, and the folders that are empty without it, as S3 has no folders. Nothing there is as well."""
    if bucket_files.regular(path) is None:
        return
    path.unlink(missing_ok=True)
    folder = path.parent
    bucket_upload.sync_folder(folder)
    while folder != bucket:
        try:
            folder.rmdir()
        except OSError:  # It holds something.
            return
        folder = folder.parent


if TYPE_CHECKING:
    _BucketCall = Callable[[_Request, pathlib.Path], Awaitable[None]]
    _ObjectCall = Callable[[_Request, pathlib.Path, pathlib.Path], Awaitable[None]]
