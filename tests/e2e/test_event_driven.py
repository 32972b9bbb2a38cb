"""Event-driven functions on the real cluster: pictures put into the bucket of a real S3 store become thumbnails."""

from __future__ import annotations

import contextlib
import io
import time
import uuid
from typing import TYPE_CHECKING, Any

import harness
import pytest
from e2e import kube, store
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.store import Store

SIZES = (64, 256, 640)
STORE_WAITS = 3.0
"""Seconds in which a notification has to be answered."""


@pytest.fixture(scope="module")
def bucket(shop: kube.App) -> Store:
    return store.there(shop.namespace)


def picture() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def put(shop: kube.App, bucket: Store, key: str, content: bytes, seen: Callable[[], Any]) -> Any:
    """Put an object, and what is seen of it then.

    This store gives up a notification after three seconds, for good, and a Pod from zero may take longer. So the
    receiver of notifications has to have answered for that long, and what was lost before it came to us is put again.
    """

    def awake() -> bool:
        began = time.monotonic()
        while time.monotonic() - began < STORE_WAITS:
            asked = time.monotonic()
            if shop.own("bucket-events").call("GET", "/").status != 404 or time.monotonic() - asked > 1:
                return False
            time.sleep(0.5)
        return True

    for _ in range(2):
        harness.eventually(awake, within=kube.WITHIN)
        bucket.put(key, content)
        with contextlib.suppress(AssertionError):
            return harness.eventually(seen, within=kube.WITHIN / 3)
    return harness.eventually(seen, within=kube.WITHIN)


def width(content: bytes) -> int:
    with Image.open(io.BytesIO(content)) as small:
        assert small.format == "JPEG"
        found: int = small.width
    return found


def test_a_picture_in_the_bucket_ends_as_thumbnails(shop: kube.App, bucket: Store) -> None:
    name = f"{uuid.uuid4().hex}/beach"
    harness.eventually(lambda: not shop.running("thumbnails"), within=kube.WITHIN)

    keys = [f"thumbnails/{name}-{size}.jpg" for size in SIZES]

    put(shop, bucket, f"uploads/{name}.jpg", picture(), lambda: all(bucket.get(key) for key in keys))

    assert [width(bucket.get(key) or b"") for key in keys] == list(SIZES)
    assert shop.running("thumbnails")


def test_what_is_no_picture_is_a_dead_letter_of_its_function(shop: kube.App, bucket: Store) -> None:
    key = f"{uuid.uuid4().hex}.jpg"

    def dead() -> list[dict[str, object]]:
        found = [letter for letter in shop.dead() if letter["edge"] == "function/thumbnails"]
        return [letter for letter in found if key in letter["reason"]]

    letters = put(shop, bucket, f"uploads/{key}", b"no picture", dead)

    assert {letter["code"] for letter in letters} == {422}


def test_a_function_of_events_goes_back_to_zero(shop: kube.App) -> None:
    harness.eventually(lambda: not shop.running("thumbnails"), within=kube.WITHIN)
