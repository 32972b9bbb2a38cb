from __future__ import annotations

import io
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from unit.examples import asgi_calls

from patternapp_services.buckets import app as bucket
from shop import thumbnails

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HELD_UPRIGHT = 6
"""The EXIF orientation of a picture whose camera was turned a quarter to the left."""


def photo(width: int, height: int, *, orientation: int = 1) -> bytes:
    picture = Image.new("RGB", (width, height), "teal")
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    return file.getvalue()


@pytest.fixture
def buckets(tmp_path: Path, serve: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an object store that has the bucket `uploads` and no other."""
    folder = tmp_path / "buckets"
    (folder / "uploads").mkdir(parents=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"{serve(bucket.Buckets(folder, prefix='/s3'))}/s3")
    return folder


async def uploaded(buckets: Path, key: str, content: bytes) -> asgi_calls.Answer:
    path = buckets / "uploads" / key
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return await created(key)


async def created(key: str) -> asgi_calls.Answer:
    record = {"s3": {"bucket": {"name": "uploads"}, "object": {"key": urllib.parse.quote_plus(key), "size": 1}}}
    event = asgi_calls.event("com.amazonaws.s3.ObjectCreated:Put", record)
    return await asgi_calls.deliver(thumbnails.app, event)


def sizes(buckets: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in (buckets / "thumbnails").rglob("*.jpg"):
        with Image.open(path) as picture:
            found[str(path.relative_to(buckets / "thumbnails"))] = picture.size
    return found


async def test_a_picture_gets_three_thumbnails_of_its_own_shape(buckets: Path) -> None:
    answer = await uploaded(buckets, "holiday 2026/beach+sea.jpg", photo(1600, 1200))

    assert answer.status == 204
    assert sizes(buckets) == {
        "holiday 2026/beach+sea-64.jpg": (64, 48),
        "holiday 2026/beach+sea-256.jpg": (256, 192),
        "holiday 2026/beach+sea-640.jpg": (640, 480),
    }


async def test_a_picture_is_turned_the_way_the_camera_was_held(buckets: Path) -> None:
    await uploaded(buckets, "tower.jpg", photo(1600, 1200, orientation=HELD_UPRIGHT))

    assert sizes(buckets)["tower-256.jpg"] == (192, 256)


async def test_a_small_picture_is_never_made_larger(buckets: Path) -> None:
    await uploaded(buckets, "icon.jpg", photo(32, 16))

    assert set(sizes(buckets).values()) == {(32, 16)}


@pytest.mark.parametrize(
    "content", [b"not a picture", b"", photo(64, 64)[:200]], ids=["text", "nothing", "half a picture"]
)
async def test_what_is_not_a_picture_is_refused_for_good(buckets: Path, content: bytes) -> None:
    answer = await uploaded(buckets, "notes.jpg", content)

    assert answer.status == 422
    assert "notes.jpg is not a picture that can be read" in answer.json["detail"]
    assert not (buckets / "thumbnails").exists()


async def test_a_picture_that_is_gone_again_is_refused_for_good(buckets: Path) -> None:
    answer = await created("gone.jpg")

    assert answer.status == 422
    assert answer.json["detail"] == "uploads/gone.jpg is gone"
    assert not (buckets / "thumbnails").exists()
