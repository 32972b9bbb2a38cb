"""Symbolic links in buckets lead nowhere: neither as objects nor as folders nor as buckets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from patternapp_services.buckets import app as bucket

if TYPE_CHECKING:
    import pathlib


@pytest.fixture
def uploads(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "buckets" / "uploads"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def app(uploads: pathlib.Path) -> bucket.Buckets:
    return bucket.Buckets(uploads.parent, prefix="/s3")


def _names(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _texts(tag: str, body: bytes) -> list[str]:
    return re.findall(rf"<{tag}>([^<]*)</{tag}>", body.decode())


@pytest.fixture
def outside(tmp_path: pathlib.Path, uploads: pathlib.Path) -> pathlib.Path:
    """A folder beside the buckets, with a secret in it, and links to both from inside a bucket."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    (uploads / "file").symlink_to(folder / "secret")
    (uploads / "folder").symlink_to(folder)
    (uploads.parent / "linked").symlink_to(folder)
    return folder


LINKED = ["/s3/uploads/file", "/s3/uploads/folder/secret"]


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("path", LINKED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_a_link_in_a_bucket_leads_to_is_no_object(
    app: bucket.Buckets, call: Any, *, method: str, path: str
) -> None:
    answer = await call(app, method, path)

    assert answer.status == 404
    assert answer.header(b"etag") is None


@pytest.mark.parametrize("path", [*LINKED, "/s3/uploads/folder/new", "/s3/uploads/folder/sub/new"])
async def test_nothing_is_put_where_a_link_in_a_bucket_leads(
    app: bucket.Buckets, call: Any, outside: pathlib.Path, uploads: pathlib.Path, *, path: str
) -> None:
    answer = await call(app, "PUT", path, body=b"changed")

    assert (answer.status, *_texts("Code", answer.body)) == (409, "InvalidObjectState")
    assert (_names(outside), (outside / "secret").read_bytes()) == (["secret"], b"secret")
    assert (uploads / "file").is_symlink()
    assert _names(uploads) == ["file", "folder"]


@pytest.mark.parametrize("path", LINKED)
async def test_nothing_is_deleted_where_a_link_in_a_bucket_leads(
    app: bucket.Buckets, call: Any, outside: pathlib.Path, *, path: str
) -> None:
    answer = await call(app, "DELETE", path)

    assert answer.status == 204
    assert (outside / "secret").read_bytes() == b"secret"


@pytest.mark.usefixtures("outside")
async def test_links_in_a_bucket_are_not_listed(app: bucket.Buckets, call: Any, uploads: pathlib.Path) -> None:
    (uploads / "own").write_bytes(b"x")

    answer = await call(app, "GET", "/s3/uploads?list-type=2")

    assert _texts("Key", answer.body) == ["own"]


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/s3/linked/secret", 404, "NoSuchBucket"),
        ("GET", "/s3/linked?list-type=2", 404, "NoSuchBucket"),
        ("PUT", "/s3/linked/new", 404, "NoSuchBucket"),
        ("PUT", "/s3/linked", 409, "BucketAlreadyExists"),
    ],
)
async def test_a_link_beside_the_buckets_is_no_bucket(
    app: bucket.Buckets, call: Any, *, method: str, path: str, status: int, code: str
) -> None:
    answer = await call(app, method, path)

    assert (answer.status, *_texts("Code", answer.body)) == (status, code)
