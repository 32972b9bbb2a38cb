"""The requests are those of boto3's put_object, get_object, list_objects_v2, delete_object and create_bucket."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from patternapp_services.buckets import app as bucket
from patternapp_services.buckets import files

if TYPE_CHECKING:
    import pathlib

LIMIT = 4 * 1024 * 1024
BIG = bytes(range(251)) * 10_000
CHUNKED = {
    "content-encoding": "aws-chunked",
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-trailer": "x-amz-checksum-crc32",
}


@pytest.fixture
def uploads(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "buckets" / "uploads"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def app(uploads: pathlib.Path) -> bucket.Buckets:
    return bucket.Buckets(uploads.parent, prefix="/s3", limit=LIMIT)


def _code(answer: Any) -> str:
    found = re.search(rb"<Code>(\w+)</Code>", answer.body)
    return found[1].decode() if found else ""


def _texts(tag: str, body: bytes) -> list[str]:
    return re.findall(rf"<{tag}>([^<]*)</{tag}>", body.decode())


def _names(folder: pathlib.Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _leftovers(folder: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(files.UPLOAD_PREFIX)]


@pytest.mark.parametrize("data", [b"", b"small", BIG], ids=["empty", "small", "big"])
async def test_an_object_comes_back_as_it_was_put(
    app: bucket.Buckets, uploads: pathlib.Path, serve: Any, *, data: bytes
) -> None:
    async with serve(app) as url, aiohttp.ClientSession() as client:
        async with client.put(f"{url}/s3/uploads/a/b%20c.png?x-id=PutObject", data=io.BytesIO(data)) as put:
            assert put.status == 200
        async with client.get(f"{url}/s3/uploads/a/b%20c.png?x-id=GetObject") as got:
            assert await got.read() == data

    etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
    assert put.headers["etag"] == got.headers["etag"] == etag
    assert got.headers["content-type"] == "image/png"
    assert (uploads / "a" / "b c.png").read_bytes() == data
    assert _leftovers(uploads) == []


async def test_putting_again_replaces(app: bucket.Buckets, uploads: pathlib.Path, call: Any) -> None:
    await call(app, "PUT", "/s3/uploads/a", body=b"old")

    await call(app, "PUT", "/s3/uploads/a", body=b"new")

    assert (uploads / "a").read_bytes() == b"new"


async def test_head_has_the_headers_of_get_and_no_body(app: bucket.Buckets, call: Any) -> None:
    await call(app, "PUT", "/s3/uploads/a.json", body=b"{}")

    answer = await call(app, "HEAD", "/s3/uploads/a.json")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.header(b"content-length") == b"2"
    assert answer.header(b"content-type") == b"application/json"
    assert answer.header(b"last-modified").endswith(b" GMT")


@pytest.mark.parametrize(
    ("requested", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=5-99", 206, b"56789"),
        ("bytes=0-9", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
async def test_a_range_of_an_object(
    app: bucket.Buckets, call: Any, *, requested: str, status: int, body: bytes
) -> None:
    await call(app, "PUT", "/s3/uploads/a", body=b"0123456789")

    answer = await call(app, "GET", "/s3/uploads/a", headers={"range": requested})

    assert (answer.status, answer.body) == (status, body)
    assert answer.header(b"content-length") == b"%d" % len(body)


async def test_a_range_behind_the_end_is_416(app: bucket.Buckets, call: Any) -> None:
    await call(app, "PUT", "/s3/uploads/a", body=b"0123456789")

    answer = await call(app, "GET", "/s3/uploads/a", headers={"range": "bytes=10-"})

    assert (answer.status, _code(answer)) == (416, "InvalidRange")


async def test_a_deleted_object_is_gone_with_its_empty_folders(
    app: bucket.Buckets, uploads: pathlib.Path, call: Any
) -> None:
    await call(app, "PUT", "/s3/uploads/a/b/c", body=b"x")

    answer = await call(app, "DELETE", "/s3/uploads/a/b/c")

    assert answer.status == 204
    assert _names(uploads) == []


async def test_deleting_what_is_not_there_succeeds(app: bucket.Buckets, call: Any) -> None:
    answer = await call(app, "DELETE", "/s3/uploads/nothing")

    assert answer.status == 204


async def test_a_bucket_is_created_once_it_is_put(app: bucket.Buckets, uploads: pathlib.Path, call: Any) -> None:
    before = await call(app, "HEAD", "/s3/thumbnails")

    created = await call(app, "PUT", "/s3/thumbnails")

    after = await call(app, "HEAD", "/s3/thumbnails")
    assert (before.status, created.status, after.status) == (404, 200, 200)
    assert created.header(b"location") == b"/thumbnails"
    assert (uploads.parent / "thumbnails").is_dir()


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        ("GET /s3/uploads/nothing", 404, "NoSuchKey"),
        ("GET /s3/uploads/folder", 404, "NoSuchKey"),
        ("GET /s3/nowhere/a", 404, "NoSuchBucket"),
        ("GET /s3/nowhere", 404, "NoSuchBucket"),
        ("GET /s3/", 400, "InvalidBucketName"),
        ("PUT /s3/..", 400, "InvalidBucketName"),
        ("PUT /s3/Up", 400, "InvalidBucketName"),
        ("PUT /s3/uploads/../../etc/passwd", 400, "InvalidArgument"),
        ("PUT /s3/uploads/%2e%2e%2fescape", 400, "InvalidArgument"),
        ("PUT /s3/uploads//etc/passwd", 400, "InvalidArgument"),
        ("PUT /s3/uploads/folder/", 400, "InvalidArgument"),
        ("PUT /s3/uploads/a%00b", 400, "InvalidArgument"),
        ("PUT /s3/uploads/%ff", 400, "InvalidURI"),
        ("PUT /s3/uploads/.patternapp-upload-1", 400, "InvalidArgument"),
        ("PUT /s3/uploads/half.part", 400, "InvalidArgument"),
        ("PUT /s3/uploads/" + "x" * 256, 400, "InvalidArgument"),
        ("PUT /s3/uploads/" + "x/" * 512 + "x", 400, "InvalidArgument"),
        ("PUT /s3/uploads/folder", 409, "InvalidObjectState"),
        ("PUT /s3/uploads/folder/file/below", 409, "InvalidObjectState"),
        ("POST /s3/uploads/big?uploads", 501, "NotImplemented"),
        ("PUT /s3/uploads/a?tagging", 501, "NotImplemented"),
        ("GET /s3/uploads?versioning", 501, "NotImplemented"),
        ("GET /s3/uploads?list-type=2&max-keys=many", 400, "InvalidArgument"),
        ("DELETE /s3/uploads", 405, "MethodNotAllowed"),
        ("PATCH /s3/uploads/a", 405, "MethodNotAllowed"),
    ],
)
async def test_refusals_are_the_xml_of_s3(
    app: bucket.Buckets, uploads: pathlib.Path, call: Any, *, request_line: str, status: int, code: str
) -> None:
    (uploads / "folder").mkdir()
    (uploads / "folder" / "file").write_bytes(b"x")

    answer = await call(app, *request_line.split(" "))

    assert (answer.status, _code(answer)) == (status, code)
    assert answer.header(b"content-type") == b"application/xml"
    assert _leftovers(uploads.parent) == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-length": str(2 * LIMIT + 1)}, "EntityTooLarge"),
        ({}, "EntityTooLarge"),
        ({"content-md5": base64.b64encode(bytes(16)).decode()}, "EntityTooLarge"),
    ],
)
async def test_an_object_that_is_too_long_leaves_no_trace(
    app: bucket.Buckets, uploads: pathlib.Path, call: Any, *, headers: dict[str, str], code: str
) -> None:
    answer = await call(app, "PUT", "/s3/uploads/a", headers=headers, body=[b"x" * (LIMIT // 2)] * 3)

    assert (answer.status, _code(answer)) == (400, code)
    assert _names(uploads) == []


async def test_a_body_that_does_not_fit_its_md5_is_refused(
    app: bucket.Buckets, uploads: pathlib.Path, call: Any
) -> None:
    headers = {"content-md5": base64.b64encode(bytes(16)).decode()}

    answer = await call(app, "PUT", "/s3/uploads/a", headers=headers, body=b"x")

    assert (_code(answer), _names(uploads)) == ("BadDigest", [])


async def test_a_client_that_leaves_in_the_middle_leaves_no_object(app: bucket.Buckets, uploads: pathlib.Path) -> None:
    messages = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    await app({"type": "http", "method": "PUT", "path": "/s3/uploads/a", "headers": []}, receive, send)

    assert _names(uploads) == []


def _aws_chunked(*pieces: bytes, signature: str = "") -> bytes:
    coded = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), signature.encode(), piece) for piece in pieces)
    return coded + b"0%b\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n" % signature.encode()


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("signature", ["", ";chunk-signature=" + "0" * 64])
async def test_an_aws_chunked_body_is_decoded_wherever_it_is_cut(
    app: bucket.Buckets, uploads: pathlib.Path, call: Any, *, size: int, signature: str
) -> None:
    coded = _aws_chunked(b"first\r\n", b"second", signature=signature)
    headers = {**CHUNKED, "x-amz-decoded-content-length": "13"}

    answer = await call(
        app, "PUT", "/s3/uploads/a", headers=headers, body=[coded[i : i + size] for i in range(0, len(coded), size)]
    )

    assert (answer.status, (uploads / "a").read_bytes()) == (200, b"first\r\nsecond")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"5\r\nhello\r\n", id="without its end"),
        pytest.param(b"5\r\nhello!\r\n0\r\n\r\n", id="a chunk that is too long"),
        pytest.param(b"hello", id="not chunked at all"),
        pytest.param(b"-5\r\nhello\r\n0\r\n\r\n", id="a size below zero"),
        pytest.param(b"0\r\n\r\n", id="shorter than it says"),
        pytest.param(b"5" * 5000, id="an endless size"),
    ],
)
async def test_a_broken_aws_chunked_body_is_refused(
    app: bucket.Buckets, uploads: pathlib.Path, call: Any, *, body: bytes
) -> None:
    headers = {**CHUNKED, "x-amz-decoded-content-length": "5"}

    answer = await call(app, "PUT", "/s3/uploads/a", headers=headers, body=body)

    assert (answer.status, _code(answer)) == (400, "IncompleteBody")
    assert _names(uploads) == []


KEYS = ("a&b.txt", "docs/1.txt", "docs/2.txt", "docs/old/3.txt", "photo.png", "zoë.txt")


@pytest.fixture
def filled(app: bucket.Buckets, uploads: pathlib.Path) -> bucket.Buckets:
    for key in (*KEYS, ".hidden", "half.part", ".cache/file"):
        path = uploads / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(key)
    return app


async def test_a_bucket_lists_its_keys_in_order_without_unfinished_files(filled: bucket.Buckets, call: Any) -> None:
    answer = await call(filled, "GET", "/s3/uploads?list-type=2&encoding-type=url")

    assert answer.status == 200
    assert _texts("Key", answer.body) == ["a%26b.txt", *KEYS[1:5], "zo%C3%AB.txt"]
    assert _texts("KeyCount", answer.body) == ["6"]
    assert _texts("IsTruncated", answer.body) == ["false"]
    assert _texts("Size", answer.body)[0] == "7"
    digest = hashlib.md5(b"a&b.txt", usedforsecurity=False).hexdigest()
    assert _texts("ETag", answer.body)[0] == f'"{digest}"'
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", _texts("LastModified", answer.body)[0])


async def test_keys_are_escaped_where_no_encoding_is_asked_for(filled: bucket.Buckets, call: Any) -> None:
    answer = await call(filled, "GET", "/s3/uploads")

    assert _texts("Key", answer.body)[0] == "a&amp;b.txt"


async def test_a_prefix_and_a_delimiter_show_one_level(filled: bucket.Buckets, call: Any) -> None:
    answer = await call(filled, "GET", "/s3/uploads?list-type=2&prefix=docs/&delimiter=/")

    assert _texts("Key", answer.body) == ["docs/1.txt", "docs/2.txt"]
    assert _texts("Prefix", answer.body) == ["docs/", "docs/old/"]


@pytest.mark.parametrize(("delimiter", "expected"), [("", 6), ("/", 4)])
async def test_pages_follow_each_other_without_gap_or_overlap(
    filled: bucket.Buckets, call: Any, *, delimiter: str, expected: int
) -> None:
    seen: list[str] = []
    target = f"/s3/uploads?list-type=2&max-keys=1&delimiter={delimiter}"
    token = ""

    while True:
        answer = await call(filled, "GET", target + token)
        seen += [*_texts("Key", answer.body), *_texts("Prefix", answer.body)[1:]]
        tokens = _texts("NextContinuationToken", answer.body)
        if not tokens:
            break
        token = f"&continuation-token={tokens[0].replace('%', '%25').replace('&', '%26')}"

    assert len(seen) == len(set(seen)) == expected


async def test_uploads_that_an_earlier_process_left_are_removed(uploads: pathlib.Path) -> None:
    (uploads / f"{files.UPLOAD_PREFIX}1").write_bytes(b"half")

    bucket.Buckets(uploads.parent)

    assert _names(uploads) == []


async def test_a_key_with_more_segments_than_folders_can_be_open_is_refused(app: bucket.Buckets, call: Any) -> None:
    answer = await call(app, "PUT", "/s3/uploads/" + "a/" * 64 + "a", body=b"x")

    assert (answer.status, _code(answer)) == (400, "InvalidArgument")
