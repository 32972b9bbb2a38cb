"""Event-driven functions on the real cluster: pictures put into the bucket of a real S3 store become thumbnails."""

from __future__ import annotations

import io
import uuid
from typing import TYPE_CHECKING

import harness
import pytest
from e2e import kube, store
from PIL import Image

if TYPE_CHECKING:
    from e2e.store import Store

SIZES = (64, 256, 640)


@pytest.fixture(scope="module")
def bucket(shop: kube.App) -> Store:
    return store.there(shop.namespace)


def picture() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def put(shop: kube.App, bucket: Store, key: str, content: bytes) -> None:
    """Put an object while the receiver of notifications runs: this store gives up after three seconds, for good."""
    harness.eventually(lambda: shop.own("bucket-events").call("GET", "/").status == 404, within=kube.WITHIN)
    bucket.put(key, content)


def width(content: bytes) -> int:
    with Image.open(io.BytesIO(content)) as small:
        assert small.format == "JPEG"
        found: int = small.width
    return found


def test_a_picture_in_the_bucket_ends_as_thumbnails(shop: kube.App, bucket: Store) -> None:
    name = f"{uuid.uuid4().hex}/beach"
    harness.eventually(lambda: not shop.running("thumbnails"), within=kube.WITHIN)

    put(shop, bucket, f"uploads/{name}.jpg", picture())

    keys = [f"thumbnails/{name}-{size}.jpg" for size in SIZES]
    harness.eventually(lambda: all(bucket.get(key) for key in keys), within=kube.WITHIN)
    assert [width(bucket.get(key) or b"") for key in keys] == list(SIZES)
    assert shop.running("thumbnails")


def test_what_is_no_picture_is_a_dead_letter_of_its_function(shop: kube.App, bucket: Store) -> None:
    key = f"{uuid.uuid4().hex}.jpg"

    put(shop, bucket, f"uploads/{key}", b"no picture")

    def dead() -> list[dict[str, object]]:
        found = [letter for letter in shop.dead() if letter["edge"] == "function/thumbnails"]
        return [letter for letter in found if key in letter["reason"]]

    (letter,) = harness.eventually(dead, within=kube.WITHIN)
    assert letter["code"] == 422


def test_a_function_of_events_goes_back_to_zero(shop: kube.App) -> None:
    harness.eventually(lambda: not shop.running("thumbnails"), within=kube.WITHIN)
